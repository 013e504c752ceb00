from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from batchjob.core.chunks import ChunkKind
from batchjob.stores.sql import SqlStore
from batchjob.stores.tables import chunk
from batchjob.testing.stores.making import (
    LIMITS,
    NOON,
    claimed,
    could_be_claimed,
    finished,
    planned,
    worked,
)
from stores.databases import opened


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """An empty store."""
    with opened(request.getfixturevalue(request.param)) as store:
        yield store


def states(store: SqlStore, job_id: str) -> list[str]:
    """Return the states of a job's chunks, in order."""
    wanted = sa.text("SELECT state FROM batchjob_chunk WHERE job_id = :id ORDER BY kind, seq")
    with store.transaction() as connection:
        return list(connection.scalars(wanted, {"id": job_id}))


def untidy(store: SqlStore) -> int:
    """Return how many ended jobs are not known to be tidy."""
    wanted = (
        "SELECT count(*) FROM batchjob_job WHERE tidied_at IS NULL"
        " AND status IN ('completed', 'canceled', 'failed')"
    )
    with store.transaction() as connection:
        return int(connection.scalar(sa.text(wanted)) or 0)


def test_chunks_of_an_ended_job_become_void(store: SqlStore) -> None:
    """A sweep voids what an ended job left open, and does not look at the job again."""
    job = planned(store, 3)
    worked(store, claimed(store, ChunkKind.WORK))
    claimed(store, ChunkKind.WORK)
    store.move(job.id, "cancel", at=NOON, actor=None)
    assert untidy(store) == 1
    assert store.sweep(at=NOON, limits=LIMITS) == 0
    assert states(store, job.id) == ["done", "done", "void", "void"]
    assert untidy(store) == 0


def test_a_long_job_is_tidied_by_several_sweeps(store: SqlStore) -> None:
    """Each sweep voids some chunks only, and the job counts as tidy after the last."""
    job = planned(store, 1500)
    store.move(job.id, "cancel", at=NOON, actor=None)
    store.sweep(at=NOON, limits=LIMITS)
    assert states(store, job.id).count("void") == 1000
    assert untidy(store) == 1
    store.sweep(at=NOON, limits=LIMITS)
    assert states(store, job.id).count("void") == 1500
    assert untidy(store) == 0


def test_a_completed_job_is_tidy(store: SqlStore) -> None:
    """A completed job leaves nothing to be swept."""
    finished(store, 2)
    assert untidy(store) == 0


def test_a_missing_finish_is_added(store: SqlStore) -> None:
    """A job whose work is done but that lost its finish row gets it by a sweep, once."""
    job = planned(store, 1)
    worked(store, claimed(store, ChunkKind.WORK))
    with store.transaction() as connection:
        connection.execute(sa.text("DELETE FROM batchjob_chunk WHERE kind = 'finish'"))
    assert could_be_claimed(store) is None
    store.sweep(at=NOON, limits=LIMITS)
    assert claimed(store, ChunkKind.FINISH).job_id == job.id
    store.sweep(at=NOON, limits=LIMITS)
    assert could_be_claimed(store) is None
    assert len(states(store, job.id)) == 3


def test_a_paused_job_is_not_claimed(store: SqlStore) -> None:
    """No chunk is claimed of a job while it has a time of pause."""
    job = planned(store, 1)
    with store.transaction() as connection:
        connection.execute(sa.text("UPDATE batchjob_job SET paused_at = created_at"))
    assert could_be_claimed(store) is None
    assert store.next_claim(job.id) is None


def test_a_job_that_waits_does_not_hold_up_the_next(store: SqlStore) -> None:
    """A dry run that waits with all its chunks is passed by for a younger job."""
    planned(store, 5, dry_run=True)
    assert claimed(store, ChunkKind.WORK, job_id=planned(store, 1).id)


def test_chunks_go_with_their_job(store: SqlStore) -> None:
    """Deleting a job's row deletes its chunks and events."""
    job = finished(store, 2)
    with store.transaction() as connection:
        connection.execute(sa.text("DELETE FROM batchjob_job"))
    assert states(store, job.id) == []
    assert not store.events(job.id)


def test_more_parts_than_a_page_are_read(store: SqlStore) -> None:
    """The parts of a job come whole and in order, however many pages they are read in."""
    job = planned(store, 2000)
    with store.transaction() as connection:
        done = {"state": "done", "result": {"file": None, "outcomes": None}}
        connection.execute(sa.update(chunk).where(chunk.c.kind == "work").values(done))
    assert [part.seq for part in store.parts(job.id)] == list(range(2000))
