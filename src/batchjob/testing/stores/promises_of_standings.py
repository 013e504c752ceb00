"""What every store promises of where a job stands."""

import pytest

from batchjob.abc import Limits, Store
from batchjob.core.chunks import ChunkKind, ChunkState, Finished
from batchjob.core.job import BatchJob, Terms
from batchjob.core.results import JobError
from batchjob.core.standing import Standing, Wait
from batchjob.core.status import Status
from batchjob.errors import UnknownJob
from batchjob.testing.stores.making import (
    LEASE,
    LIMITS,
    NOON,
    Advance,
    a_job,
    after,
    chunks,
    claimed,
    created,
    failed,
    finished,
    planned,
    worked,
)

ONE_EACH = Limits(batch_types={"export": 1}, actor_jobs=1)


def stands(store: Store, job: BatchJob, limits: Limits = LIMITS) -> Standing:
    """Return where a job stands."""
    return store.standing(job.id, limits=limits)


class PromisesOfStandings:
    """The port `JobStore`, as far as it is about `standing`."""

    def test_an_unknown_job_stands_nowhere(self, store: Store) -> None:
        """Where a job stands that is not there cannot be said."""
        with pytest.raises(UnknownJob):
            stands(store, a_job())

    def test_a_new_job_waits_for_a_worker(self, store: Store) -> None:
        """A job that was just made waits for a worker, and can be claimed now."""
        job = created(store, terms=Terms(retry_of="batch_0"))
        assert stands(store, job) == Standing(wait=Wait.WORKER, seconds=0.0, retry_of="batch_0")

    def test_a_dry_run_waits_to_be_confirmed(self, store: Store) -> None:
        """A planned dry run waits for a confirmation, with its chunks counted."""
        job = planned(store, 3, dry_run=True)
        standing = stands(store, job)
        assert (standing.wait, standing.seconds) == (Wait.CONFIRMATION, None)
        assert standing.chunks == {ChunkState.READY: 3}

    def test_a_paused_job_waits_to_be_resumed(self, store: Store) -> None:
        """Whatever else a job waits for, while it is paused it says that, and since when."""
        job = planned(store, 1, dry_run=True)
        store.pause(job.id, at=after(3), actor=None)
        standing = stands(store, job, Limits(batch_types={}))
        assert (standing.wait, standing.paused_at) == (Wait.RESUME, after(3))
        store.resume(job.id, at=after(4), actor=None)
        assert stands(store, job).paused_at is None

    @pytest.mark.parametrize("known", [{}, {"import": 1}, {"export": 1}])
    def test_a_job_without_a_strategy_says_so(self, store: Store, known: dict[str, int]) -> None:
        """A job whose type, or whose context's version, nobody here knows waits for a strategy."""
        job = created(store, terms=Terms(context_version=2))
        standing = stands(store, job, Limits(batch_types=known))
        assert (standing.wait, standing.seconds) == (Wait.STRATEGY, None)

    def test_a_job_names_the_one_that_it_waits_for(self, store: Store) -> None:
        """A job that waits for an exclusive key names who holds it; a plan does not wait."""
        terms = Terms(exclusive_key="k")
        first, second, new = planned(store, 1, terms=terms), planned(store, 1, terms=terms), None
        claimed(store, ChunkKind.WORK)
        new = created(store, terms=terms)
        standing = stands(store, second, ONE_EACH)
        assert (standing.wait, standing.blocked_by) == (Wait.EXCLUSIVE, first.id)
        assert standing.seconds is None
        assert stands(store, new).wait is Wait.WORKER
        assert stands(store, first).blocked_by is None

    def test_a_job_says_that_its_creator_has_enough(self, store: Store) -> None:
        """A job that waits for its creator's others says so, where there is a limit."""
        planned(store, 1)
        second = planned(store, 1)
        claimed(store, ChunkKind.WORK)
        assert stands(store, second, ONE_EACH).wait is Wait.ACTOR
        assert stands(store, second).wait is Wait.WORKER
        assert stands(store, planned(store, 1, created_by=None), ONE_EACH).wait is Wait.WORKER

    def test_a_job_that_is_worked_on_says_how(self, store: Store, advance: Advance) -> None:
        """A job with a worker waits for nothing while there is more to claim, then for a lease."""
        job = planned(store, 2)
        first = claimed(store, ChunkKind.WORK)
        standing = stands(store, job)
        assert (standing.wait, standing.seconds, standing.workers) == (None, 0, 1)
        assert standing.chunks == {ChunkState.READY: 1, ChunkState.LEASED: 1}
        advance(10)
        claimed(store, ChunkKind.WORK)
        standing = stands(store, job)
        assert (standing.wait, standing.workers) == (Wait.LEASE, 2)
        assert standing.seconds == pytest.approx(LEASE - 10, abs=1)
        worked(store, first)
        assert stands(store, job).chunks == {ChunkState.LEASED: 1, ChunkState.DONE: 1}

    def test_a_plan_that_goes_on_is_a_lease(self, store: Store) -> None:
        """A job that is planned waits for the end of that, and counts no chunk before."""
        job = created(store)
        store.stage(claimed(store, ChunkKind.PLAN), chunks(5))
        standing = stands(store, job)
        assert (standing.wait, standing.chunks, standing.workers) == (Wait.LEASE, {}, 1)
        assert standing.seconds == pytest.approx(LEASE, abs=1)

    def test_a_worker_that_vanished_is_none(self, store: Store, advance: Advance) -> None:
        """A chunk whose lease is over waits for a worker, with what was spent on it."""
        job = planned(store, 1)
        claimed(store, ChunkKind.WORK)
        advance(LEASE + 1)
        standing = stands(store, job)
        assert (standing.wait, standing.seconds, standing.workers) == (Wait.WORKER, 0, 0)
        assert (standing.attempts, standing.last_error) == (1, None)

    def test_a_chunk_to_be_tried_again_says_when_and_why(self, store: Store) -> None:
        """A job that waits for a retry says when it comes, and the class of the last error."""
        job = planned(store, 1)
        errors = [JobError(code="strategy_error", message="a secret", params={"error": "OSError"})]
        lease = claimed(store, ChunkKind.WORK)
        store.fail(lease, errors, detail="a secret", delay=20, give_up=False, at=NOON)
        standing = stands(store, job)
        assert (standing.wait, standing.attempts) == (Wait.RETRY, 1)
        assert standing.last_error == "OSError"
        assert standing.seconds == pytest.approx(20, abs=1)
        assert "secret" not in str(standing)

    def test_an_error_without_a_class_is_named_by_its_code(self, store: Store) -> None:
        """Where an error names no class its code is told, and where there is none, nothing."""
        job = planned(store, 1)
        failed(store, claimed(store, ChunkKind.WORK), delay=0)
        assert stands(store, job).last_error == "broken"
        store.fail(claimed(store, ChunkKind.WORK), [], detail="", delay=0, give_up=False, at=NOON)
        standing = stands(store, job)
        assert (standing.last_error, standing.attempts) == (None, 2)

    def test_what_comes_first_is_waited_for(self, store: Store, advance: Advance) -> None:
        """Between the end of a lease and a retry a job waits for the one that comes first."""
        job = planned(store, 2)
        first = claimed(store, ChunkKind.WORK)
        claimed(store, ChunkKind.WORK)
        failed(store, first, delay=40)
        assert stands(store, job).wait is Wait.LEASE
        advance(15)
        assert stands(store, job).wait is Wait.LEASE
        assert stands(store, job).seconds == pytest.approx(LEASE - 15, abs=1)
        store.fail(first, [], detail="", delay=0, give_up=False, at=NOON)
        job, first = planned(store, 2), claimed(store, ChunkKind.WORK)
        claimed(store, ChunkKind.WORK, job_id=job.id)
        failed(store, first, delay=5)
        assert stands(store, job).wait is Wait.RETRY

    def test_a_last_attempt_that_is_lost_waits_for_a_sweep(
        self, store: Store, advance: Advance
    ) -> None:
        """A chunk at its last attempt will not be claimed: nobody can say when."""
        job = planned(store, 1)
        for _ in range(4):
            failed(store, claimed(store, ChunkKind.WORK))
        claimed(store, ChunkKind.WORK)
        assert (stands(store, job).wait, stands(store, job).seconds) == (Wait.LEASE, None)
        advance(LEASE + 1)
        assert (stands(store, job).wait, stands(store, job).seconds) == (Wait.WORKER, None)

    def test_an_ended_job_waits_for_nothing(self, store: Store) -> None:
        """A job at its end waits for nothing, and still counts its chunks."""
        assert stands(store, finished(store, 2)) == Standing(chunks={ChunkState.DONE: 2})
        job = planned(store, 4)
        worked(store, claimed(store, ChunkKind.WORK))
        lease = claimed(store, ChunkKind.WORK)
        failed(store, lease, give_up=True)
        standing = stands(store, job)
        assert (standing.wait, standing.seconds) == (None, None)
        counted = {ChunkState.DONE: 1, ChunkState.DEAD: 1}
        assert standing.chunks == {**counted, ChunkState.READY: 2}
        store.sweep(at=NOON, limits=LIMITS)
        assert stands(store, job).chunks == {**counted, ChunkState.VOID: 2}

    def test_an_estimate_needs_something_to_go_by(self, store: Store) -> None:
        """The time left is not known until a chunk and a second of work are done."""
        job = planned(store, 4, weight=5)
        claimed_at_noon = [claimed(store, ChunkKind.WORK) for _ in range(4)]
        assert stands(store, job).left is None
        worked(store, claimed_at_noon[0], at=after(0.5))
        assert stands(store, job).left is None
        worked(store, claimed_at_noon[1], at=after(10))
        assert stands(store, job).left == pytest.approx(10)
        worked(store, claimed_at_noon[2], at=after(30))
        assert stands(store, job).left == pytest.approx(10)
        worked(store, claimed_at_noon[3], at=after(40))
        assert stands(store, job).left == 0
        store.complete(claimed(store, ChunkKind.FINISH), Finished(), at=after(41))
        assert store.get(job.id).status is Status.COMPLETED
        assert stands(store, job).left is None

    def test_a_pause_is_no_work(self, store: Store) -> None:
        """The time that a job was paused for does not count in what is left."""
        job = planned(store, 2)
        leases = [claimed(store, ChunkKind.WORK) for _ in range(2)]
        worked(store, leases[0], at=after(10))
        store.pause(job.id, at=after(10), actor=None)
        store.resume(job.id, at=after(1010), actor=None)
        assert stands(store, job).left == pytest.approx(10)
