import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs
import psycopg
import pytest
import sqlalchemy as sa

from batchjob.abc import Limits
from batchjob.core.chunks import ChunkKind, Finished, Lease, Part
from batchjob.core.job import Terms
from batchjob.core.status import Status
from batchjob.errors import InvalidState, LeaseLost, StoreUnavailable, TransientConflict
from batchjob.stores.sql import SqlStore
from batchjob.testing.stores.making import (
    LEASE,
    LIMITS,
    NOON,
    a_job,
    after,
    at_once,
    claimed,
    could_be_claimed,
    created,
    failed,
    finished,
    planned,
    worked,
)
from stores.databases import CLOCK, Clock, opened


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """An empty store with a clock that is moved."""
    with opened(request.getfixturevalue(request.param), now_sql=CLOCK) as store:
        yield store


@pytest.fixture
def server(postgresql_url: str) -> Iterator[SqlStore]:
    """An empty store on a PostgreSQL server, with a clock that is moved."""
    with opened(postgresql_url, now_sql=CLOCK) as store:
        yield store


@pytest.fixture
def other(postgresql_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Another program's connection to the PostgreSQL server."""
    url = sa.make_url(postgresql_url).render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        yield connection


def before(
    monkeypatch: pytest.MonkeyPatch, store: SqlStore, name: str, do: Callable[[], object]
) -> None:
    """Do something once, just before the store's next call of a method."""
    method, done = getattr(store, name), list[bool]()

    def first(*args: Any, **kwargs: Any) -> Any:
        if not done:
            done.append(True)
            do()
        return method(*args, **kwargs)

    monkeypatch.setattr(store, name, first)


# Two who move one job


def test_f14_confirming_against_canceling_has_one_winner(store: SqlStore) -> None:
    """Of confirm and cancel at once the job ends canceled, and whoever came too late is told."""
    for _ in range(10):
        job = planned(store, dry_run=True)
        confirm, cancel = at_once(
            partial(store.move, job.id, "confirm", at=NOON, actor=None),
            partial(store.move, job.id, "cancel", at=NOON, actor=None),
        )
        assert cancel.status is Status.CANCELED
        if isinstance(confirm, InvalidState):
            assert confirm.status == "canceled"
        events = [event.to_status for event in store.events(job.id)][2:]
        assert events == ([confirm.status] if confirm.status == "confirmed" else []) + ["canceled"]


def test_f14_confirming_twice_at_once_has_one_winner(store: SqlStore) -> None:
    """Of two who confirm at once one does, and the other is told where the job is."""
    for _ in range(10):
        job = planned(store, dry_run=True)
        answers = at_once(*[partial(store.move, job.id, "confirm", at=NOON, actor=None)] * 2)
        assert sum(isinstance(answer, InvalidState) for answer in answers) == 1
        assert {str(answer.status) for answer in answers} == {"confirmed"}


def test_f14_canceling_against_the_finish_has_one_winner(store: SqlStore) -> None:
    """Of cancel and the finish's commit at once one counts: completed or canceled, never both."""
    for _ in range(10):
        job = planned(store, 0)
        lease = claimed(store, ChunkKind.FINISH)
        canceled, done = at_once(
            partial(store.move, job.id, "cancel", at=NOON, actor=None),
            partial(store.complete, lease, Finished(), at=NOON),
        )
        found = store.get(job.id)
        if isinstance(canceled, InvalidState):
            assert (found.status, done, canceled.status) == (Status.COMPLETED, None, "completed")
        else:
            assert found.status is Status.CANCELED
            assert isinstance(done, LeaseLost)
            assert found.completed_at is None


# A sweep that decides on nothing that it has read (riverqueue/river#1302)


def exhausted(store: SqlStore) -> Lease:
    """Return the lease of a chunk at its last attempt, just over."""
    job = planned(store, 1)
    for _ in range(4):
        failed(store, claimed(store, ChunkKind.WORK, job_id=job.id))
    lease = claimed(store, ChunkKind.WORK, job_id=job.id)
    Clock(store)(LEASE + 1)
    return lease


def test_a_chunk_that_is_done_while_a_sweep_pauses_stays_done(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep that stands still after it read overwrites nothing that was committed since."""
    lease = exhausted(store)
    before(monkeypatch, store, "_bury", lambda: worked(store, lease))
    assert store.sweep(at=NOON, limits=LIMITS) == 0
    assert store.get(lease.job_id).status is Status.PROCESSING
    store.complete(claimed(store, ChunkKind.FINISH), Finished(), at=NOON)
    assert store.get(lease.job_id).status is Status.COMPLETED


def test_a_lease_that_is_renewed_while_a_sweep_pauses_holds(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that comes back between a sweep's read and its write keeps its chunk."""
    lease = exhausted(store)
    before(monkeypatch, store, "_bury", lambda: store.renew(lease))
    assert store.sweep(at=NOON, limits=LIMITS) == 0
    worked(store, lease)


def test_a_job_that_is_claimed_while_a_sweep_pauses_is_not_stranded(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that finds a worker after 24 hours, while a sweep pauses, is left to it."""
    job = planned(store, 1)
    before(monkeypatch, store, "_strand", lambda: claimed(store, ChunkKind.WORK))
    store.sweep(at=after(10**6), limits=Limits(batch_types={}))
    assert store.get(job.id).status is Status.PROCESSING


# Jobs that are completed together (N2)


def test_no_job_is_stuck_when_chunks_are_completed_together(server: SqlStore) -> None:
    """300 jobs of two chunks, completed by threads at once, all get their finish, one each."""
    for _ in range(300):
        planned(server, 2)
    ends = dict.fromkeys(ChunkKind, 0)
    lock = threading.Lock()

    def work() -> None:
        while lease := could_be_claimed(server):
            part = Part(seq=lease.seq) if lease.kind is ChunkKind.WORK else Finished()
            server.complete(lease, part, at=NOON)
            with lock:
                ends[lease.kind] += 1

    at_once(*[work] * 8)
    work()
    assert ends == {ChunkKind.PLAN: 0, ChunkKind.WORK: 600, ChunkKind.FINISH: 300}


# Deadlocks and serialization failures


@attrs.define(eq=False)
class Crossing:
    """Another program that holds a job's row, and wants its chunks when a worker has one."""

    store: SqlStore
    other: psycopg.Connection[Any]
    job_id: str
    wants: threading.Thread | None = None

    def __enter__(self) -> None:
        self.other.execute("SELECT 1 FROM batchjob_job WHERE id = %s FOR UPDATE", [self.job_id])
        engine = self.store._database._here().writes
        sa.event.listen(engine, "before_cursor_execute", self.before)

    def __exit__(self, *_: object) -> None:
        sa.event.remove(self.store._database._here().writes, "before_cursor_execute", self.before)
        if self.wants:
            self.wants.join()

    def before(self, connection: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
        """Close the circle before the worker's transaction comes to the job, the first time."""
        if self.wants or not statement.strip().startswith("UPDATE batchjob_job"):
            return
        cursor.execute("SET LOCAL deadlock_timeout = '20ms'")  # so that the store is the one to go
        self.wants = threading.Thread(target=self.want)
        self.wants.start()
        while not waits_for_a_row(cursor):
            pass

    def want(self) -> None:
        """Take the chunks, and let go of everything."""
        wanted = "SELECT 1 FROM batchjob_chunk WHERE job_id = %s FOR UPDATE"
        self.other.execute(wanted, [self.job_id])
        self.other.rollback()


def waits_for_a_row(cursor: Any) -> bool:
    """Tell whether somebody waits for a lock in this database."""
    cursor.execute("SELECT pg_stat_clear_snapshot()")  # or a transaction sees the same for ever
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return cursor.execute(f"{waiting} AND datname = current_database()").fetchone() is not None


def test_f34_a_deadlock_is_resolved_in_place(
    server: SqlStore, other: psycopg.Connection[Any]
) -> None:
    """A short transaction that the server ended for another one is done again, and counts once."""
    job = planned(server, 2)
    lease = claimed(server, ChunkKind.WORK)
    with Crossing(server, other, job.id):
        worked(server, lease)
    result = server.get(job.id).result
    assert result
    assert result.advancement_count == 1


def test_a_deadlock_in_a_callers_transaction_is_the_callers(
    server: SqlStore, other: psycopg.Connection[Any]
) -> None:
    """What was done in a transaction of the caller's is not done again, but can be told apart."""
    job = planned(server, 2)
    lease = claimed(server, ChunkKind.WORK)

    def complete() -> None:
        with server.transaction() as transaction:
            server.complete(lease, Part(seq=lease.seq), at=NOON, transaction=transaction)

    with (
        Crossing(server, other, job.id),
        pytest.raises(TransientConflict, match="for another one; try again"),
    ):
        complete()
    assert issubclass(TransientConflict, StoreUnavailable)
    complete()


@attrs.define(eq=False)
class Refusing:
    """Has the server refuse transactions as it does where they cannot be put into an order."""

    left: int

    def __call__(self, connection: sa.Connection) -> None:
        """Refuse the transaction that begins."""
        if self.left:
            self.left -= 1
            connection.exec_driver_sql("DO $$BEGIN RAISE serialization_failure; END$$")


def test_f34_a_serialization_failure_is_tried_three_times_again(server: SqlStore) -> None:
    """A short transaction is tried again three times at most."""
    job = created(server)
    refusing = Refusing(3)
    sa.event.listen(server._database._here().writes, "begin", refusing)
    server.pause(job.id, at=NOON, actor=None)
    assert len(server.events(job.id)) == 2
    refusing.left = 4
    with pytest.raises(TransientConflict):
        server.resume(job.id, at=NOON, actor=None)
    assert refusing.left == 0
    assert len(server.events(job.id)) == 2


# Starting what excludes each other


def test_who_is_outrun_is_given_something_else(
    server: SqlStore, other: psycopg.Connection[Any]
) -> None:
    """A claim whose job was outrun by another one of its key finds a chunk elsewhere."""
    terms = Terms(exclusive_key="k")
    first, second = planned(server, 1, terms=terms), planned(server, 1, terms=terms)
    moved = "UPDATE batchjob_job SET status = 'processing' WHERE id = %s"
    other.execute(moved, [second.id])  # and it does not commit yet

    def commit() -> None:
        while not waits_for_a_row(other):
            pass
        other.commit()

    lease, _ = at_once(lambda: could_be_claimed(server), commit)
    assert lease.job_id == second.id
    assert server.get(first.id).status is Status.CONFIRMED
    assert len(server.events(first.id)) == 3


def test_an_attempt_is_not_paid_by_who_is_outrun(server: SqlStore) -> None:
    """Jobs of one key that outran each other were tried no more often than they were worked on."""
    jobs = [planned(server, 1, terms=Terms(exclusive_key="k")) for _ in range(4)]
    for _ in jobs:
        leases = [each for each in at_once(*[lambda: could_be_claimed(server)] * 4) if each]
        (lease,) = leases
        assert (lease.attempt, lease.token) == (1, 1)
        worked(server, lease)
        server.complete(claimed(server, ChunkKind.FINISH), Finished(), at=NOON)
    assert {server.get(job.id).status for job in jobs} == {Status.COMPLETED}


# Purging while others work


def test_a_purge_does_not_wait_in_a_circle_with_a_late_worker(server: SqlStore) -> None:
    """Workers that complete chunks of a job that is being purged are refused, and it is purged."""
    for _ in range(10):
        job = planned(server, 4)
        leases = [claimed(server, ChunkKind.WORK, job_id=job.id) for _ in range(4)]
        server.move(job.id, "cancel", at=NOON, actor=None)
        late = [partial(worked, server, lease) for lease in leases]
        answers = at_once(partial(server.purge, [job.id]), *late)
        assert answers[0] == 1
        assert all(isinstance(answer, LeaseLost) for answer in answers[1:])


def test_a_purge_looks_again_before_it_deletes(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id that was listed as ended and is an open job's by now is left alone."""
    job = finished(store)
    listed = store.ended(before=after(9), limit=9)
    store.purge(listed)
    again = attrs.evolve(a_job(), id=job.id)
    store.create(again, Terms())
    assert store.purge(listed) == 0
    assert store.get(job.id) == again
