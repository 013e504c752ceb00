"""What every store promises of jobs that are forgotten, and of jobs that nobody can do."""

from datetime import timedelta

import attrs
import pytest

from batchjob.abc import STRATEGY_WAIT, Limits, Store
from batchjob.core.chunks import ChunkKind
from batchjob.core.files import FileRecord, StoredFile
from batchjob.core.job import Terms
from batchjob.core.status import OPEN, Status
from batchjob.errors import InvalidTime, UnknownFile, UnknownJob
from batchjob.testing.stores.making import (
    FILE,
    LIMITS,
    NOON,
    Advance,
    after,
    at_once,
    claimed,
    could_be_claimed,
    created,
    failed,
    finished,
    planned,
)
from batchjob.testing.stores.promises_of_jobs import brought_to

OTHERS = Limits(batch_types={"import": 1})
LATE = NOON + timedelta(seconds=STRATEGY_WAIT)


def a_file(store: Store, key: str) -> str:
    """Keep what is known of a file."""
    stored: StoredFile = attrs.evolve(FILE, key=key)
    store.add_file(FileRecord(file=stored, name="a.csv", owner="usr_1", created_at=NOON))
    return key


class PromisesOfPurges:
    """The port `JobStore`, as far as it is about `ended` and `purge`."""

    def test_ended_jobs_are_listed_the_oldest_first(self, store: Store) -> None:
        """Jobs that ended before a time are listed by when they ended, not by when they began."""
        jobs = [planned(store) for _ in range(4)]
        for job, second in zip(jobs, (30, 10, 20, 40), strict=True):
            store.move(job.id, "cancel", at=after(second), actor=None)
        planned(store)
        assert store.ended(before=after(40), limit=9) == [jobs[1].id, jobs[2].id, jobs[0].id]
        assert store.ended(before=after(40), limit=2) == [jobs[1].id, jobs[2].id]
        assert not store.ended(before=after(10), limit=9)

    def test_each_end_is_an_end(self, store: Store) -> None:
        """Completed, canceled and failed jobs have ended, and no other."""
        done = finished(store)
        failing = planned(store)
        failed(store, claimed(store, ChunkKind.WORK), give_up=True)
        canceled = store.move(created(store).id, "cancel", at=NOON, actor=None)
        for status in OPEN:
            brought_to(store, status)
        assert set(store.ended(before=after(1), limit=99)) == {done.id, failing.id, canceled.id}

    def test_a_time_without_a_zone_ends_nothing(self, store: Store) -> None:
        """A naive time is refused where jobs that ended before it are asked for."""
        finished(store)
        with pytest.raises(InvalidTime):
            store.ended(before=NOON.replace(tzinfo=None), limit=1)

    def test_nothing_is_left_of_a_purged_job(self, store: Store) -> None:
        """A purged job is forgotten with its events, its parts, and what is known of its files."""
        job, kept = finished(store, 3), finished(store, 1)
        own = a_file(store, f"jobs/{job.id}/out/1/a.csv")
        others = [a_file(store, key) for key in ("uploads/x/a.csv", f"jobs/{kept.id}/out/1/a.csv")]
        assert store.purge([job.id]) == 1
        with pytest.raises(UnknownJob):
            store.get(job.id)
        assert not store.events(job.id)
        assert not list(store.parts(job.id))
        with pytest.raises(UnknownFile):
            store.get_file(own)
        assert [store.get_file(key).file.key for key in others] == others
        assert store.get(kept.id) == kept
        assert len(store.events(kept.id)) == 5

    def test_a_purge_counts_what_there_was(self, store: Store) -> None:
        """Purging unknown jobs, or none, or one twice, counts each that there was once."""
        jobs = [finished(store) for _ in range(2)]
        assert store.purge([]) == 0
        assert store.purge(["batch_0", jobs[0].id, jobs[0].id]) == 1
        assert store.purge([job.id for job in jobs]) == 1

    @pytest.mark.parametrize("status", OPEN)
    def test_an_open_job_is_never_purged(self, store: Store, status: Status) -> None:
        """A job that has not ended stays, with all that is known of it, whoever asks."""
        job = brought_to(store, status)
        file = a_file(store, f"jobs/{job.id}/out/1/a.csv")
        events = store.events(job.id)
        assert store.purge([job.id]) == 0
        assert store.get(job.id) == job
        assert store.events(job.id) == events
        assert store.get_file(file)

    def test_a_key_can_be_used_again_after_a_purge(self, store: Store) -> None:
        """When a job is forgotten, so is the request that made it."""
        terms = Terms(idempotency_key="k", request_hash="a")
        job = created(store, terms=terms)
        store.move(job.id, "cancel", at=NOON, actor=None)
        store.purge([job.id])
        assert created(store, terms=terms).id != job.id

    def test_many_may_purge_at_once(self, store: Store) -> None:
        """Of many who purge the same jobs at once, each job is counted by one of them."""
        jobs = [finished(store, 2).id for _ in range(5)]
        assert sum(at_once(*[lambda: store.purge(jobs)] * 4)) == 5

    def test_a_listener_passes_by_what_was_purged(self, store: Store, advance: Advance) -> None:
        """Events that were purged before they were heard are left out, and the others are heard."""
        store.unheard("mail", worker="w", seconds=9)
        first, second = finished(store), created(store)
        store.purge([first.id])
        advance(1000)  # PostgreSQL has to be sure that nothing comes from there
        assert [e.job_id for e in store.unheard("mail", worker="w", seconds=9)] == [second.id]


class PromisesOfMissingStrategies:
    """The port `ChunkStore`, as far as `sweep` is about strategies that nobody has."""

    def test_a_job_that_nobody_can_do_fails_in_the_end(self, store: Store) -> None:
        """A job whose type no worker has had for 24 hours fails, and the error names the type."""
        job = planned(store, 2)
        store.sweep(at=LATE - timedelta(seconds=1), limits=OTHERS)
        assert store.get(job.id).status is Status.CONFIRMED
        assert store.sweep(at=LATE, limits=OTHERS) == 0
        found = store.get(job.id)
        assert (found.status, found.failed_at) == (Status.FAILED, LATE)
        assert found.result
        (error,) = found.result.errors
        assert (error.code, error.params["batch_type"]) == ("strategy_missing", "export")
        assert "export" in error.message
        assert could_be_claimed(store) is None

    def test_a_context_that_is_too_new_is_one_of_them(self, store: Store) -> None:
        """A job whose context is of a newer version than any worker knows fails as well."""
        job = created(store, terms=Terms(context_version=2))
        store.sweep(at=LATE, limits=LIMITS)
        assert store.get(job.id).status is Status.FAILED

    def test_a_job_that_can_be_done_waits_for_as_long_as_it_takes(self, store: Store) -> None:
        """A job that this worker has a strategy for is left alone, however long it waits."""
        jobs = [created(store), planned(store)]
        store.sweep(at=LATE, limits=LIMITS)
        assert {store.get(job.id).status for job in jobs} == {Status.CREATED, Status.CONFIRMED}

    def test_a_job_that_others_can_do_waits_for_them(self, store: Store) -> None:
        """The 24 hours are counted from the last sweep of a worker that has the strategy."""
        job = planned(store)
        store.sweep(at=NOON + (LATE - NOON) * 0.5, limits=LIMITS)
        store.sweep(at=LATE, limits=OTHERS)
        assert store.get(job.id).status is Status.CONFIRMED
        store.sweep(at=LATE + (LATE - NOON) * 0.5, limits=OTHERS)
        assert store.get(job.id).status is Status.FAILED

    def test_who_waits_for_another_job_is_left_alone(self, store: Store) -> None:
        """A job that may not start beside another one does not wait for a strategy."""
        first, second = (planned(store, terms=Terms(exclusive_key="k")) for _ in range(2))
        claimed(store, ChunkKind.WORK)
        store.sweep(at=LATE, limits=OTHERS)
        assert store.get(first.id).status is Status.PROCESSING
        assert store.get(second.id).status is Status.CONFIRMED

    def test_who_waits_for_a_person_is_left_alone(self, store: Store) -> None:
        """A job that is paused, or waits to be confirmed, does not wait for a strategy."""
        paused, waiting = created(store), planned(store, dry_run=True)
        store.pause(paused.id, at=NOON, actor=None)
        store.sweep(at=LATE, limits=OTHERS)
        assert store.get(paused.id).status is Status.CREATED
        assert store.get(waiting.id).status is Status.PRE_PROCESSED

    def test_who_is_worked_on_is_left_alone(self, store: Store, advance: Advance) -> None:
        """A job with a lease has somebody with the strategy, until the lease is over."""
        job = planned(store, 2)
        claimed(store, ChunkKind.WORK)
        store.sweep(at=LATE, limits=OTHERS)
        assert store.get(job.id).status is Status.PROCESSING
        advance(31)
        store.sweep(at=LATE, limits=OTHERS)
        assert store.get(job.id).status is Status.FAILED

    def test_a_change_starts_the_wait_anew(self, store: Store) -> None:
        """The 24 hours are counted from the job's last change."""
        job = planned(store, dry_run=True)
        store.move(job.id, "confirm", at=after(100), actor=None)
        store.sweep(at=LATE, limits=OTHERS)
        assert store.get(job.id).status is Status.CONFIRMED
        store.sweep(at=LATE + timedelta(seconds=100), limits=OTHERS)
        assert store.get(job.id).status is Status.FAILED
