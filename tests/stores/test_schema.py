import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from batchjob.errors import StoreTooNew, StoreUnavailable
from batchjob.stores import (
    indexes,  # noqa: F401 - they are to be in the metadata
    schema,
)
from batchjob.stores.database import parsed
from batchjob.stores.sql import SqlStore
from batchjob.stores.tables import metadata
from batchjob.testing.stores.making import created
from stores.children import open_at_once
from stores.databases import SETTINGS, new_postgresql, opened


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def url(request: pytest.FixtureRequest) -> str:
    """A database with empty tables."""
    found: str = request.getfixturevalue(request.param)
    return found


def versions(url: str, version: str) -> None:
    """Say that the tables of a database have another version."""
    engine = sa.create_engine(parsed(url))
    table = sa.table(schema.VERSION_TABLE, sa.column("version_num"))
    with engine.begin() as connection:
        connection.execute(sa.update(table).values(version_num=version))
    engine.dispose()


def test_the_known_revisions_are_those_of_the_migrations() -> None:
    """The versions that are compared without Alembic are those that it would run, in order."""
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == schema.REVISIONS


def test_the_migrations_make_the_tables(url: str) -> None:
    """The migrations, run on an empty database, make exactly the tables that statements use."""
    ours = [table.name for table in metadata.sorted_tables]
    with opened(url) as store, store.transaction() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: kind != "table" or name in ours,
                "version_table": schema.VERSION_TABLE,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_checks_are_those_of_the_tables(url: str) -> None:
    """Each check constraint of the tables is in a migrated database, under its name."""
    with opened(url) as store, store.transaction() as connection:
        inspector = sa.inspect(connection)
        for table in metadata.sorted_tables:
            found = {check["name"] for check in inspector.get_check_constraints(table.name)}
            wanted = [each for each in table.constraints if isinstance(each, sa.CheckConstraint)]
            assert found == {str(each.name) for each in wanted}


def test_only_tables_of_batchjob_are_made(url: str) -> None:
    """Every table of ours has a name that begins with batchjob, and others are left alone."""
    with opened(url) as store, store.transaction() as connection:
        names = set(sa.inspect(connection).get_table_names())
    assert {name for name in names if not name.startswith("batchjob_")} == {
        "test_clock",
        "test_word",
    }


def test_upgrading_again_changes_nothing(url: str) -> None:
    """A database that is up to date keeps its rows when it is upgraded."""
    with opened(url) as store:
        job = created(store)
        schema.upgrade(url)
        assert store.get(job.id) == job


def test_f33_a_newer_database_is_refused(url: str) -> None:
    """A store whose tables a newer batchjob made is neither opened nor upgraded."""
    versions(url, "batchjob_9999")
    try:
        with pytest.raises(StoreTooNew, match=r"newer batchjob.*batchjob_9999.*batchjob_0001"):
            SqlStore.open(url, SETTINGS)
        with pytest.raises(StoreTooNew):
            schema.upgrade(url)
    finally:
        versions(url, schema.REVISIONS[-1])


def test_f33_an_older_server_database_is_refused(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PostgreSQL store of an older batchjob is not opened, and the command to run is told."""
    monkeypatch.setattr(schema, "REVISIONS", (*schema.REVISIONS, "batchjob_0002"))
    with pytest.raises(StoreUnavailable, match=r"version batchjob_0001.*batchjob db upgrade"):
        SqlStore.open(postgresql_url, SETTINGS)


def test_an_empty_server_database_is_not_touched() -> None:
    """A PostgreSQL database without tables is refused with what to do, and stays empty."""
    with new_postgresql() as url:
        with pytest.raises(StoreUnavailable, match=r"no tables.*batchjob db upgrade"):
            SqlStore.open(url, SETTINGS)
        schema.upgrade(url)
        with opened(url) as store:
            created(store)


def test_a_current_database_is_opened_without_alembic(sqlite_url: str) -> None:
    """Opening a store whose tables are up to date does not import Alembic."""
    code = (
        "import sys; from batchjob.abc import Settings; from batchjob.stores.sql import SqlStore;"
        f"SqlStore.open({sqlite_url!r}, Settings()).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_two_processes_may_open_an_empty_file_at_once(tmp_path: Path) -> None:
    """Processes that open the same empty SQLite file together all find its tables made."""
    context = multiprocessing.get_context("spawn")
    start, number = context.Barrier(3), 3
    url = f"sqlite:///{tmp_path / 'new.db'}"
    workers = [context.Process(target=open_at_once, args=(url, start)) for _ in range(number)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * number
    with opened(url) as store, store.transaction() as connection:
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
