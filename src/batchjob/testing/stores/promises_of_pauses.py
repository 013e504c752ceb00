"""What every store promises of jobs that are paused."""

import pytest

from batchjob.abc import Store
from batchjob.core.chunks import ChunkKind, Finished
from batchjob.core.events import Event
from batchjob.core.status import OPEN, Status
from batchjob.errors import InvalidState, InvalidTime, UnknownJob
from batchjob.testing.stores.making import (
    NOON,
    a_job,
    after,
    at_once,
    claimed,
    could_be_claimed,
    created,
    finished,
    planned,
    worked,
)
from batchjob.testing.stores.promises_of_jobs import brought_to


class PromisesOfPauses:
    """The port `JobStore`, as far as it is about `pause` and `resume`."""

    @pytest.mark.parametrize("status", OPEN)
    def test_an_open_job_can_be_paused(self, store: Store, status: Status) -> None:
        """A job that has not ended is paused and resumed where it is, with an event for each."""
        job = brought_to(store, status)
        number = len(store.events(job.id))
        assert store.pause(job.id, at=after(1), actor="usr_2").status is status
        resumed = store.resume(job.id, at=after(2), actor="usr_3")
        assert (resumed.status, resumed.updated_at) == (status, after(2))
        same = {"job_id": job.id, "from_status": status, "to_status": status}
        assert list(store.events(job.id, after=number)) == [
            Event(n=number + 1, at=after(1), actor="usr_2", reason="paused", **same),  # type: ignore[arg-type]
            Event(n=number + 2, at=after(2), actor="usr_3", reason="resumed", **same),  # type: ignore[arg-type]
        ]

    def test_a_paused_job_is_not_claimed(self, store: Store) -> None:
        """No chunk of a paused job is claimed, neither plan nor work nor finish."""
        new, job, last = created(store), planned(store, 1), planned(store, 0)
        for each in (new, job, last):
            store.pause(each.id, at=NOON, actor=None)
            assert could_be_claimed(store, job_id=each.id) is None
            assert store.next_claim(each.id) is None
        assert could_be_claimed(store) is None
        for each, kind in zip((new, job, last), ChunkKind, strict=True):
            store.resume(each.id, at=NOON, actor=None)
            assert store.next_claim(each.id) == 0
            claimed(store, kind, job_id=each.id)

    def test_pausing_twice_is_pausing_once(self, store: Store) -> None:
        """Pausing a paused job, and resuming one that is not, is fine and leaves no event."""
        job = created(store)
        assert store.resume(job.id, at=after(5), actor=None) == job
        paused = store.pause(job.id, at=after(1), actor=None)
        assert store.pause(job.id, at=after(9), actor=None) == paused
        assert len(store.events(job.id)) == 2

    def test_of_many_pauses_at_once_one_is_written_down(self, store: Store) -> None:
        """Many who pause a job at once are all answered, and there is one event."""
        job = created(store)
        answers = at_once(*[lambda: store.pause(job.id, at=after(1), actor=None)] * 6)
        assert set(map(str, answers)) == {str(store.get(job.id))}
        assert len(store.events(job.id)) == 2
        at_once(*[lambda: store.resume(job.id, at=after(1), actor=None)] * 6)
        assert len(store.events(job.id)) == 3

    def test_an_ended_job_is_neither_paused_nor_resumed(self, store: Store) -> None:
        """A job at its end refuses both, by name, and stays as it is."""
        job = finished(store)
        with pytest.raises(InvalidState, match=f"cannot pause job {job.id}: it is completed"):
            store.pause(job.id, at=after(1), actor=None)
        with pytest.raises(InvalidState, match=f"cannot resume job {job.id}: it is completed"):
            store.resume(job.id, at=after(1), actor=None)
        assert store.get(job.id) == job

    def test_a_job_that_is_not_there_is_not_paused(self, store: Store) -> None:
        """Pausing or resuming an unknown job says that it is unknown."""
        missing = a_job().id
        for ask in (store.pause, store.resume):
            with pytest.raises(UnknownJob, match=missing):
                ask(missing, at=NOON, actor=None)

    def test_a_pause_at_a_time_without_a_zone_is_refused(self, store: Store) -> None:
        """Pausing and resuming at a naive time is refused, and the job is as it was."""
        job = created(store)
        with pytest.raises(InvalidTime):
            store.pause(job.id, at=NOON.replace(tzinfo=None), actor=None)
        paused = store.pause(job.id, at=NOON, actor=None)
        with pytest.raises(InvalidTime):
            store.resume(job.id, at=NOON.replace(tzinfo=None), actor=None)
        assert could_be_claimed(store) is None
        assert store.get(job.id) == paused

    def test_a_worker_finds_out_at_its_next_heartbeat(self, store: Store) -> None:
        """Renewing a lease says whether the job is paused; the lease holds all the same."""
        job = planned(store, 1)
        lease = claimed(store, ChunkKind.WORK)
        assert store.renew(lease) is False
        store.pause(job.id, at=NOON, actor=None)
        assert store.renew(lease) is True
        store.resume(job.id, at=NOON, actor=None)
        assert store.renew(lease) is False

    def test_what_was_begun_may_be_ended(self, store: Store) -> None:
        """A chunk of a paused job that is completed is kept, also the last one and the finish."""
        job = planned(store, 1)
        lease = claimed(store, ChunkKind.WORK)
        store.pause(job.id, at=NOON, actor=None)
        worked(store, lease)
        assert could_be_claimed(store) is None
        store.resume(job.id, at=NOON, actor=None)
        last = claimed(store, ChunkKind.FINISH)
        store.pause(job.id, at=NOON, actor=None)
        store.complete(last, Finished(), at=NOON)
        assert store.get(job.id).status is Status.COMPLETED

    def test_a_chunk_given_back_by_a_pause_costs_nothing(self, store: Store) -> None:
        """A chunk that is given back while its job is paused has its attempt when it goes on."""
        job = planned(store, 1)
        lease = claimed(store, ChunkKind.WORK)
        store.pause(job.id, at=NOON, actor=None)
        store.release(lease)
        store.resume(job.id, at=NOON, actor=None)
        assert claimed(store, ChunkKind.WORK).attempt == 1

    def test_a_paused_job_can_be_confirmed_and_canceled(self, store: Store) -> None:
        """A pause stops no verb: a paused dry run is confirmed, and a paused job canceled."""
        job = planned(store, 1, dry_run=True)
        store.pause(job.id, at=NOON, actor=None)
        assert store.move(job.id, "confirm", at=NOON, actor=None).status is Status.CONFIRMED
        assert could_be_claimed(store) is None
        assert store.move(job.id, "cancel", at=NOON, actor=None).status is Status.CANCELED
