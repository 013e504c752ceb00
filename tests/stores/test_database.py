import multiprocessing
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from batchjob.abc import Settings
from batchjob.core.chunks import ChunkKind, Lease, Part
from batchjob.errors import InvalidSetting, StorageFull, StoreUnavailable
from batchjob.stores.database import parsed
from batchjob.stores.sql import SqlStore
from batchjob.testing.stores.making import (
    LEASE,
    LIMITS,
    NOON,
    chunks,
    claimed,
    could_be_claimed,
    created,
    planned,
    worked,
)
from stores.children import fork_after_use
from stores.databases import SERVER, SETTINGS, opened

SHORT = Settings(lease=3.0)
BRIEF = Settings(lease=0.5)


@pytest.fixture
def file(sqlite_url: str) -> Path:
    """The file of a SQLite store with empty tables."""
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.fixture
def locked(file: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection, which holds the file's write lock."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "or use memory:"),
        ("sqlite:///:memory:", "or use memory:"),
        ("mysql://root:secret@host/x", "in sqlite or postgresql, not in mysql"),
        ("postgresql+asyncpg://u:secret@host/x", "not in postgresql"),
        ("jobs.db", "sqlite:///batchjob.db"),
        ("postgresql://u:secret@host:port/x", "sqlite:///batchjob.db"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str, said: str) -> None:
    """A URL of no SQL store is refused with what would be right, and without its password."""
    with pytest.raises(InvalidSetting, match=said) as refused:
        SqlStore.open(url, SETTINGS)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_means_psycopg(scheme: str) -> None:
    """All spellings of PostgreSQL's URL mean psycopg 3, for the store and for authors."""
    url = f"{scheme}://u:secret@host/x?application_name=jobs"
    assert parsed(url).drivername == "postgresql+psycopg"
    assert Settings(store=url).sql_url == parsed(url).render_as_string(hide_password=False)


def test_authors_learn_where_no_sql_is() -> None:
    """A store that is not in SQL has no URL for SQLAlchemy; a SQLite file's is its own."""
    assert Settings(store="memory:").sql_url is None
    assert Settings(store="mine://x").sql_url is None
    assert Settings(store="sqlite:////x/jobs.db").sql_url == "sqlite:////x/jobs.db"


def test_a_missing_folder_is_named_as_such(tmp_path: Path) -> None:
    """A SQLite file in a folder that is not there is out of reach; the folder is not told."""
    with pytest.raises(StoreUnavailable, match=r"database 'x\.db' cannot be opened") as refused:
        SqlStore.open(f"sqlite:///{tmp_path}/missing/x.db", SETTINGS)
    assert tmp_path.name not in str(refused.value)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    """A file that is no SQLite database is refused, and stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("no database, " * 500, "utf-8")
    with pytest.raises(StoreUnavailable, match=r"'notes\.txt' is not a SQLite database"):
        SqlStore.open(f"sqlite:///{path}", SETTINGS)
    assert path.read_text("utf-8") == "no database, " * 500


def test_a_store_that_may_only_be_read_is_read(file: Path) -> None:
    """A store in a file that may not be written to answers, and says so where it would write."""
    with opened(f"sqlite:///{file}") as store:
        job = created(store)
    keep = sqlite3.connect(file)  # with its log open, the file can be read without writing
    keep.execute("SELECT 1 FROM batchjob_job")
    with opened(f"sqlite:///file:{file}?mode=ro&uri=true") as store:
        assert store.get(job.id) == job
        with pytest.raises(StoreUnavailable, match=r"'jobs\.db' cannot be written to"):
            store.move(job.id, "cancel", at=NOON, actor=None)
    keep.close()


@pytest.mark.usefixtures("locked")
def test_a_locked_store_is_still_read(sqlite_url: str) -> None:
    """While another program writes, a SQLite store is read, and a write gives up in time."""
    store = SqlStore.open(sqlite_url, SHORT)
    assert store.next_claim("batch_1") is None
    with pytest.raises(StoreUnavailable, match=r"'jobs\.db' is locked by another process"):
        created(store)
    store.close()


def test_a_transaction_inside_another_gives_up(sqlite_url: str) -> None:
    """A thread that writes while it writes is told that the store is locked, in time."""
    store = SqlStore.open(sqlite_url, SHORT)
    with store.transaction(), pytest.raises(StoreUnavailable, match="is locked"):
        created(store)
    assert created(store)
    store.close()


def test_a_full_disk_keeps_nothing(sqlite_url: str) -> None:
    """A store without room refuses the whole transaction, and goes on when there is room."""
    with opened(sqlite_url) as store:
        job = created(store)
        plan = claimed(store, ChunkKind.PLAN)
        with store.transaction() as connection:
            pages = connection.scalar(sa.text("PRAGMA page_count"))
            connection.execute(sa.text(f"PRAGMA max_page_count = {pages}"))
        with pytest.raises(StorageFull, match=r"'jobs\.db' has no room left"):
            store.stage(plan, chunks(5000))
        assert store.get(job.id) == job
        store.close()
        store.stage(plan, chunks(5000))


def test_a_store_commits_durably(sqlite_url: str) -> None:
    """A SQLite store writes ahead, waits for the disk, keeps foreign keys, and waits a quarter."""
    with opened(sqlite_url) as store, store.transaction() as connection:
        names = "journal_mode", "synchronous", "foreign_keys", "busy_timeout"
        found = [connection.scalar(sa.text(f"PRAGMA {name}")) for name in names]
    assert found == ["wal", 2, 1, LEASE / 4 * 1000]


def test_no_update_is_lost(sqlite_url: str) -> None:
    """Transactions that read and then write what they read, at once, all count."""
    with opened(sqlite_url) as store:

        def count() -> None:
            for _ in range(25):
                with store.transaction() as connection:
                    now = connection.scalar(sa.text("SELECT seconds FROM test_clock"))
                    connection.execute(
                        sa.text("UPDATE test_clock SET seconds = :next"), {"next": now + 1}
                    )

        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with store.transaction() as connection:
            found = connection.scalar(sa.text("SELECT seconds FROM test_clock"))
    assert found == 1_000_000 + 8 * 25


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("url", ["sqlite_url", "postgresql_url"])
def test_f20_a_forked_child_has_its_own_connections(
    request: pytest.FixtureRequest, url: str
) -> None:
    """After a fork, child and parent use the store without harm to each other."""
    found = request.getfixturevalue(url)
    parent = multiprocessing.get_context("spawn").Process(target=fork_after_use, args=(found,))
    parent.start()
    parent.join(60)
    assert parent.exitcode == 0


def test_a_server_that_does_not_answer_is_out_of_reach() -> None:
    """Where no server listens, the store is out of reach; neither user nor password is told."""
    with pytest.raises(StoreUnavailable, match=r"'x' on 127\.0\.0\.1:1 is out of reach") as refused:
        SqlStore.open("postgresql://someone:secret@127.0.0.1:1/x", SETTINGS)
    assert "secret" not in str(refused.value)
    assert "someone" not in str(refused.value)


def test_a_stopped_connection_is_replaced(postgresql_url: str) -> None:
    """A server that ended a connection costs one refusal; the next call has a new connection."""
    with opened(postgresql_url) as store:
        job = created(store)
        with psycopg.connect(SERVER, autocommit=True) as server:
            name = sa.make_url(postgresql_url).database
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
        with pytest.raises(StoreUnavailable, match="out of reach"):
            store.get(job.id)
        assert store.get(job.id) == job


def test_a_connection_that_breaks_in_a_transaction_is_replaced(postgresql_url: str) -> None:
    """A transaction whose connection is lost keeps nothing, and the next use has a new one."""
    with opened(postgresql_url) as store:
        job = planned(store)
        lease = claimed(store, ChunkKind.WORK)

        def complete_and_break() -> None:
            with store.transaction() as connection:
                store.complete(lease, Part(seq=0), at=NOON, transaction=connection)
                pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
                with psycopg.connect(SERVER, autocommit=True) as server:
                    server.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

        with pytest.raises(StoreUnavailable, match="out of reach"):
            complete_and_break()
        assert store.get(job.id).result == job.result
        worked(store, lease)


def test_connections_notice_a_server_that_is_gone(postgresql_url: str) -> None:
    """Each connection sends signs of life, and gives up on a peer that answers none."""
    with opened(postgresql_url) as store, store.transaction() as connection:
        driver: Any = connection.connection.driver_connection
        found = driver.info.get_parameters()
    wanted = {
        "connect_timeout": "10",
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
        "tcp_user_timeout": "60000",
        "application_name": "batchjob",
    }
    assert {name: found[name] for name in wanted} == wanted


def test_transactions_see_what_was_committed_meanwhile(postgresql_url: str) -> None:
    """Whatever a server's default is, transactions are isolated as the statements expect."""
    with opened(postgresql_url) as store, store.transaction() as connection:
        name = connection.scalar(sa.text("SELECT current_database()"))
        connection.execute(
            sa.text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
        )
    try:
        with opened(postgresql_url) as store, store.transaction() as connection:
            found = connection.scalar(sa.text("SHOW transaction_isolation"))
    finally:
        with opened(postgresql_url) as store, store.transaction() as connection:
            connection.execute(
                sa.text(f"ALTER DATABASE {name} RESET default_transaction_isolation")
            )
    assert found == "read committed"


def test_a_connection_that_stands_still_is_ended(postgresql_url: str) -> None:
    """A connection may stand still in a transaction for two leases, and wait for a quarter."""
    store = SqlStore.open(postgresql_url, SHORT)
    with store.transaction() as connection:
        for name, value in (
            ("idle_in_transaction_session_timeout", "6s"),
            ("lock_timeout", "750ms"),
        ):
            assert connection.scalar(sa.text(f"SHOW {name}")) == value
    store.close()


def test_a_frozen_peer_does_not_hold_a_chunk_for_ever(postgresql_url: str) -> None:
    """A chunk whose row a frozen worker holds is claimed again when its connection was ended."""
    frozen = SqlStore.open(postgresql_url, BRIEF)
    with opened(postgresql_url) as store:
        planned(store)
        lease = frozen.claim("frozen", limits=LIMITS, seconds=0.5, at=NOON)
        assert lease
        began, seen = time.monotonic(), list[Lease]()

        def freeze() -> None:
            with frozen.transaction() as connection:
                frozen.complete(lease, Part(seq=0), at=NOON, transaction=connection)
                while not seen and time.monotonic() < began + 20:
                    seen.extend(filter(None, [could_be_claimed(store)]))
                    time.sleep(0.05)

        with pytest.raises(StoreUnavailable, match="out of reach"):
            freeze()
        assert 0.8 < time.monotonic() - began < 10
        assert [(again.token, again.attempt) for again in seen] == [(2, 2)]
        worked(store, *seen)
    frozen.close()


def test_a_locked_row_is_given_up_on_in_time(postgresql_url: str) -> None:
    """A transition that has to wait for a row too long says that it is locked."""
    store = SqlStore.open(postgresql_url, SHORT)
    job = planned(store)
    url = sa.make_url(postgresql_url).render_as_string(hide_password=False)
    with psycopg.connect(url) as other:
        other.execute("SELECT 1 FROM batchjob_job FOR UPDATE")
        with pytest.raises(StoreUnavailable, match="has the row locked by another transaction"):
            store.move(job.id, "cancel", at=NOON, actor=None)
    store.move(job.id, "cancel", at=NOON, actor=None)
    store.close()


def test_a_claim_passes_by_a_held_chunk(postgresql_url: str) -> None:
    """A chunk whose row somebody holds is left out by a claim, which takes the next one."""
    with opened(postgresql_url) as store:
        planned(store, 2)
        url = sa.make_url(postgresql_url).render_as_string(hide_password=False)
        with psycopg.connect(url) as other:
            other.execute("SELECT 1 FROM batchjob_chunk WHERE kind = 'work' AND seq = 0 FOR UPDATE")
            assert claimed(store, ChunkKind.WORK).seq == 1
        assert claimed(store, ChunkKind.WORK).seq == 0


@pytest.mark.parametrize("url", ["sqlite_url", "postgresql_url"])
def test_the_databases_own_clock_is_the_time_of_day(
    request: pytest.FixtureRequest, url: str
) -> None:
    """A store that is given no clock goes by its database's, which tells the time of day."""
    with opened(request.getfixturevalue(url)) as store:
        job = created(store)
        claimed(store, ChunkKind.PLAN)
        with store.transaction() as connection:
            until = connection.scalar(sa.text("SELECT max(lease_until) FROM batchjob_chunk"))
        wait = store.next_claim(job.id)
    assert wait is not None
    assert 25 < wait <= 30
    assert abs(until - LEASE - time.time()) < 5
