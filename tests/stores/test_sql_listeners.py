from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from batchjob.core.chunks import ChunkKind, Finished
from batchjob.core.status import Status
from batchjob.stores.sql import SqlStore
from batchjob.testing.stores.making import LEASE, NOON, claimed, created, planned
from batchjob.testing.stores.promises_of_listeners import heard_all, hears
from stores.databases import CLOCK, Clock, opened


@pytest.fixture
def server(postgresql_url: str) -> Iterator[SqlStore]:
    """An empty store on a PostgreSQL server, with a clock that is moved."""
    with opened(postgresql_url, now_sql=CLOCK) as store:
        yield store


def test_an_event_that_is_late_is_waited_for(server: SqlStore) -> None:
    """An event whose transaction is open holds up those behind it, and is then heard first."""
    hears(server)
    slow, quick = planned(server, 0), planned(server, 0)
    heard_all(server)
    lease = claimed(server, ChunkKind.FINISH, job_id=slow.id)
    heard_all(server)
    with server.transaction() as transaction:
        server.complete(lease, Finished(), at=NOON, transaction=transaction)
        server.move(quick.id, "cancel", at=NOON, actor=None)
        assert not hears(server)
        assert not hears(server, worker="w2")
    assert [event.job_id for event in heard_all(server)] == [slow.id, quick.id]


def test_a_new_listener_waits_for_what_is_late(server: SqlStore) -> None:
    """What commits after a listener was first seen is heard, whatever number it has."""
    slow, quick = planned(server, 0), planned(server, 0)
    lease = claimed(server, ChunkKind.FINISH, job_id=slow.id)
    with server.transaction() as transaction:
        server.complete(lease, Finished(), at=NOON, transaction=transaction)
        server.move(quick.id, "cancel", at=NOON, actor=None)
        hears(server)
    assert [event.job_id for event in heard_all(server)] == [slow.id, quick.id]


def test_an_event_that_never_comes_is_not_waited_for_for_ever(server: SqlStore) -> None:
    """What took a number and was rolled back holds up the others no longer than it could live."""
    hears(server)
    job = planned(server, 0)
    lease = claimed(server, ChunkKind.FINISH)
    heard_all(server)
    with ExitStack() as stack:
        transaction = stack.enter_context(server.transaction())
        server.complete(lease, Finished(), at=NOON, transaction=transaction)
        transaction.rollback()
    server.move(job.id, "cancel", at=NOON, actor=None)
    Clock(server)(2 * LEASE + 59)
    assert not hears(server)
    Clock(server)(2)
    assert [event.to_status for event in heard_all(server)] == [Status.CANCELED]


def test_a_clock_put_back_holds_up_no_listener(server: SqlStore) -> None:
    """An event from the future is behind nothing that could still come."""
    hears(server)
    job = created(server)
    heard_all(server)
    with server.transaction() as connection:
        connection.execute(sa.text("SELECT nextval('batchjob_event_position_seq')"))
    server.move(job.id, "cancel", at=NOON, actor=None)
    Clock(server)(-100_000)
    assert len(heard_all(server)) == 1
