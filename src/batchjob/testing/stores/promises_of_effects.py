"""What every store promises of completions: whose count, and what commits with them."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from batchjob._typing import JsonObject
from batchjob.abc import Store
from batchjob.core.chunks import ChunkKind, Finished, Lease, Part, Planned
from batchjob.core.results import JobError, Outcomes
from batchjob.core.status import Status
from batchjob.errors import LeaseLost
from batchjob.testing.stores.making import (
    FILE,
    LEASE,
    NOON,
    PRODUCTS,
    Advance,
    Effects,
    chunks,
    claimed,
    could_be_claimed,
    created,
    planned,
    worked,
)


def completed(
    store: Store,
    effects: Effects,
    lease: Lease,
    word: str,
    *,
    then: Callable[[], object] = lambda: None,
) -> None:
    """Complete a work chunk with an effect in its transaction, and do *then* before its end."""
    with store.transaction() as transaction:
        effects.add(transaction, word)
        store.complete(lease, Part(seq=lease.seq), at=NOON, transaction=transaction)
        then()


class PromisesOfEffects:
    """The port `ChunkStore`, as far as it is about what a completion keeps."""

    def test_an_effect_commits_with_its_chunk(self, store: Store, effects: Effects) -> None:
        """What is done in the transaction of a chunk is there when the chunk is done."""
        job = planned(store)
        completed(store, effects, claimed(store, ChunkKind.WORK), "done")
        assert list(effects.seen()) == ["done"]
        result = store.get(job.id).result
        assert result
        assert result.advancement_count == 1

    def test_a_transaction_that_raises_keeps_nothing(self, store: Store, effects: Effects) -> None:
        """An error after the completion, in its transaction, undoes chunk and effects."""
        job = planned(store)
        before, lease = store.get(job.id), claimed(store, ChunkKind.WORK)
        with pytest.raises(ZeroDivisionError):
            completed(store, effects, lease, "gone", then=lambda: 1 / 0)
        assert not effects.seen()
        assert store.get(job.id).result == before.result
        store.renew(lease)
        worked(store, lease)

    def test_a_stale_completion_is_refused(
        self, store: Store, effects: Effects, advance: Advance
    ) -> None:
        """A worker whose chunk was taken over cannot complete it, and its effects are gone."""
        job = planned(store)
        slow = claimed(store, ChunkKind.WORK)
        advance(LEASE + 1)
        quick = claimed(store, ChunkKind.WORK)
        with pytest.raises(LeaseLost):
            completed(store, effects, slow, "slow")
        completed(store, effects, quick, "quick")
        with pytest.raises(LeaseLost):
            completed(store, effects, quick, "twice")
        assert list(effects.seen()) == ["quick"]
        result = store.get(job.id).result
        assert result
        assert result.advancement_count == 1

    def test_a_refusal_cannot_be_swallowed(
        self, store: Store, effects: Effects, advance: Advance
    ) -> None:
        """Who catches the refusal and goes on commits nothing all the same."""
        planned(store)
        slow = claimed(store, ChunkKind.WORK)
        advance(LEASE + 1)
        claimed(store, ChunkKind.WORK)
        with store.transaction() as transaction:
            effects.add(transaction, "slow")
            with pytest.raises(LeaseLost):
                store.complete(slow, Part(seq=0), at=NOON, transaction=transaction)
        assert not effects.seen()

    def test_a_slow_worker_that_nobody_replaced_may_complete(
        self, store: Store, effects: Effects, advance: Advance
    ) -> None:
        """A lease that is over but was not taken over is good for a completion."""
        planned(store)
        lease = claimed(store, ChunkKind.WORK)
        advance(LEASE * 100)
        completed(store, effects, lease, "late")
        assert list(effects.seen()) == ["late"]

    @pytest.mark.parametrize("verb", ["cancel", "fail"])
    def test_no_effect_follows_the_end_of_a_job(
        self, store: Store, effects: Effects, verb: str
    ) -> None:
        """A job that was ended while a chunk was worked on takes no completion any more."""
        job = planned(store)
        lease = claimed(store, ChunkKind.WORK)
        ended = store.move(job.id, verb, at=NOON, actor=None)  # type: ignore[arg-type]
        with pytest.raises(LeaseLost):
            completed(store, effects, lease, "late")
        assert not effects.seen()
        assert store.get(job.id) == ended
        assert not list(store.parts(job.id))

    def test_a_canceled_plan_is_not_kept(self, store: Store) -> None:
        """A job that was canceled while it was planned stays canceled, without a plan."""
        job = created(store)
        plan = claimed(store, ChunkKind.PLAN)
        store.move(job.id, "cancel", at=NOON, actor=None)
        with pytest.raises(LeaseLost):
            store.stage(plan, chunks(1))
        with pytest.raises(LeaseLost):
            store.complete(plan, Planned(chunks=chunks(1)), at=NOON)
        assert store.get(job.id).result is None

    def test_a_canceled_finish_publishes_nothing(self, store: Store) -> None:
        """A job that was canceled before its finish committed has no file."""
        job = planned(store, 0)
        finish = claimed(store, ChunkKind.FINISH)
        store.move(job.id, "cancel", at=NOON, actor=None)
        with pytest.raises(LeaseLost):
            store.complete(finish, Finished(file=FILE), at=NOON)
        found = store.get(job.id)
        assert (found.status, found.completed_at) == (Status.CANCELED, None)
        assert found.result
        assert found.result.file_key is None

    def test_the_last_chunk_adds_the_finish(self, store: Store) -> None:
        """The finish can be claimed when the last work chunk is done, and not before."""
        planned(store, 2)
        first, second = claimed(store, ChunkKind.WORK), claimed(store, ChunkKind.WORK)
        worked(store, second)
        assert could_be_claimed(store) is None
        worked(store, first)
        claimed(store, ChunkKind.FINISH)
        assert could_be_claimed(store) is None

    def test_two_last_chunks_at_once_add_one_finish(self, store: Store) -> None:
        """Two workers that complete the last two chunks together leave exactly one finish."""
        for _ in range(10):
            job = planned(store, 2)
            leases = [claimed(store, ChunkKind.WORK) for _ in range(2)]
            start = threading.Barrier(2)

            def work(lease: Lease, start: threading.Barrier = start) -> None:
                start.wait()
                worked(store, lease)

            threads = [threading.Thread(target=work, args=(lease,)) for lease in leases]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            store.complete(claimed(store, ChunkKind.FINISH), Finished(), at=NOON)
            assert store.get(job.id).status is Status.COMPLETED
            assert could_be_claimed(store) is None

    def test_an_empty_plan_still_finishes(self, store: Store) -> None:
        """A job without chunks is started by its finish, and completed by it."""
        job = planned(store, 0)
        store.complete(claimed(store, ChunkKind.FINISH), Finished(), at=NOON)
        found = store.get(job.id)
        assert found.status is Status.COMPLETED
        assert found.processing_at
        assert found.result
        assert (found.result.count, found.result.progress) == (0, 1.0)
        assert found.result.file_key is None

    def test_an_empty_dry_run_finishes_when_it_is_confirmed(self, store: Store) -> None:
        """A dry run without chunks waits, and confirming it adds its finish."""
        job = planned(store, 0, dry_run=True)
        assert job.result
        assert (job.result.count, job.result.progress) == (0, 0.0)
        assert could_be_claimed(store) is None
        store.move(job.id, "confirm", at=NOON, actor=None)
        claimed(store, ChunkKind.FINISH)

    def test_a_plan_may_come_in_pieces(self, store: Store) -> None:
        """A plan's chunks may be staged as they come; none is claimed before it is complete."""
        job = created(store)
        plan = claimed(store, ChunkKind.PLAN)
        store.stage(plan, chunks(2))
        store.stage(plan, ())
        store.stage(plan, chunks(2, first=2, weight=5))
        assert could_be_claimed(store) is None
        done = Planned(chunks=chunks(1, first=4), stat_descriptors=(PRODUCTS,))
        store.complete(plan, done, at=NOON)
        result = store.get(job.id).result
        assert result
        assert result.count == 2 + 10 + 1
        assert [claimed(store, ChunkKind.WORK).seq for _ in range(5)] == [0, 1, 2, 3, 4]

    @pytest.mark.parametrize("stages_again", [True, False])
    def test_a_second_attempt_replaces_what_was_staged(
        self, store: Store, advance: Advance, *, stages_again: bool
    ) -> None:
        """What a plan that crashed had staged is gone when another attempt is kept."""
        job = created(store)
        crashed = claimed(store, ChunkKind.PLAN)
        store.stage(crashed, chunks(3))
        advance(LEASE + 1)
        plan = claimed(store, ChunkKind.PLAN)
        with pytest.raises(LeaseLost):
            store.stage(crashed, chunks(1, first=3))
        if stages_again:
            store.stage(plan, chunks(1))
        store.complete(plan, Planned(chunks=chunks(1, first=int(stages_again))), at=NOON)
        result = store.get(job.id).result
        assert result
        assert result.count == 1 + stages_again

    def test_a_plan_adds_to_the_context(self, store: Store) -> None:
        """What a plan found out joins the context: new keys behind, known ones in their place."""
        job = created(store, context={"b": {"x": 1}, "a": 1})
        found: JsonObject = {"shape": ["id"], "b": {"y": 2}}
        store.complete(claimed(store, ChunkKind.PLAN), Planned(context=found), at=NOON)
        context = store.get(job.id).context
        assert context == {"b": {"y": 2}, "a": 1, "shape": ["id"]}
        assert list(context) == ["b", "a", "shape"]

    def test_parts_come_in_the_order_of_the_plan(self, store: Store) -> None:
        """What the work chunks left is read in their order, in whatever order they were done."""
        job = planned(store, 12)
        leases = [claimed(store, ChunkKind.WORK) for _ in range(12)]
        for lease in reversed(leases[1:]):
            part = Part(seq=lease.seq, file=FILE, outcomes=Outcomes(created=lease.seq))
            store.complete(lease, part, at=NOON)
        assert list(store.parts(job.id)) == [
            Part(seq=seq, file=FILE, outcomes=Outcomes(created=seq)) for seq in range(1, 12)
        ]
        worked(store, leases[0])
        assert next(iter(store.parts(job.id))) == Part(seq=0)

    def test_a_savepoint_undoes_its_block_alone(self, store: Store, effects: Effects) -> None:
        """What raised within a savepoint is gone; what came before and after it commits."""
        planned(store)
        lease = claimed(store, ChunkKind.WORK)
        with store.transaction() as transaction:
            effects.add(transaction, "before")
            with suppress(ZeroDivisionError), store.savepoint(transaction):
                effects.add(transaction, "gone")
                raise ZeroDivisionError
            with store.savepoint(transaction):
                effects.add(transaction, "after")
            store.complete(lease, Part(seq=lease.seq), at=NOON, transaction=transaction)
        assert list(effects.seen()) == ["before", "after"]

    def test_the_chunks_of_a_plan_can_be_read(self, store: Store) -> None:
        """Once a job is planned its chunks are there in order, whatever became of them."""
        job = created(store)
        plan = claimed(store, ChunkKind.PLAN)
        store.stage(plan, chunks(2, weight=3))
        assert not list(store.chunks(job.id))
        store.complete(plan, Planned(chunks=chunks(1, first=2)), at=NOON)
        worked(store, claimed(store, ChunkKind.WORK))
        assert list(store.chunks(job.id)) == [*chunks(2, weight=3), *chunks(1, first=2)]
        assert not list(store.chunks("batch_none"))

    def test_a_plan_leaves_errors_and_a_file(self, store: Store) -> None:
        """What a plan told is there until the finish tells all that there is to tell."""
        job = created(store, dry_run=True)
        wrong = JobError(code="invalid_number", message="no number", row=3, column="Price")
        done = Planned(chunks=chunks(1), errors=(wrong,), file=FILE)
        store.complete(claimed(store, ChunkKind.PLAN), done, at=NOON)
        result = store.get(job.id).result
        assert result
        assert (result.errors, result.file_key, result.file_size) == ((wrong,), FILE.key, FILE.size)
        store.move(job.id, "confirm", at=NOON, actor=None)
        worked(store, claimed(store, ChunkKind.WORK))
        store.complete(claimed(store, ChunkKind.FINISH), Finished(), at=NOON)
        result = store.get(job.id).result
        assert result
        assert (result.errors, result.file_key) == ((), None)

    def test_a_refused_plan_leaves_its_report(self, store: Store) -> None:
        """A job that fails has the file that it fails with, or else the one that it had."""
        job, other = created(store), created(store, dry_run=True)
        wrong = [JobError(code="refused", message="no")]
        told: dict[str, Any] = {"detail": "", "delay": 0.0, "give_up": True, "at": NOON}
        store.fail(claimed(store, ChunkKind.PLAN, job_id=job.id), wrong, file=FILE, **told)
        plan = claimed(store, ChunkKind.PLAN, job_id=other.id)
        store.complete(plan, Planned(chunks=chunks(1), file=FILE), at=NOON)
        store.move(other.id, "confirm", at=NOON, actor=None)
        store.fail(claimed(store, ChunkKind.WORK, job_id=other.id), wrong, **told)
        for failed in (job, other):
            result = store.get(failed.id).result
            assert result
            assert (result.file_key, result.errors) == (FILE.key, tuple(wrong))
