"""What every store promises of claims, leases and attempts."""

import threading

import pytest

from batchjob._typing import Json
from batchjob.abc import Limits, Store
from batchjob.core.chunks import Chunk, ChunkKind, Lease, Planned
from batchjob.core.results import JobError
from batchjob.core.status import Status
from batchjob.errors import LeaseLost
from batchjob.testing.stores.making import (
    BROKEN,
    LEASE,
    LIMITS,
    NOON,
    Advance,
    after,
    chunks,
    claimed,
    could_be_claimed,
    created,
    failed,
    finished,
    planned,
    worked,
)


class PromisesOfLeases:
    """The port `ChunkStore`, as far as it is about who may work."""

    def test_a_new_job_is_claimed_to_be_planned(self, store: Store) -> None:
        """The first chunk of a job is its plan; its claim is paid for and does not start it."""
        job = created(store)
        lease = store.claim(
            "w1", limits=Limits(batch_types={"x": 1, "export": 1}), seconds=LEASE, at=NOON
        )
        assert lease == Lease(
            job_id=job.id,
            kind=ChunkKind.PLAN,
            seq=0,
            token=1,
            attempt=1,
            max_attempts=5,
            seconds=LEASE,
            worker="w1",
        )
        assert store.get(job.id).status is Status.CREATED

    def test_only_types_that_a_worker_has_are_claimed(self, store: Store) -> None:
        """A worker gets no chunk of a type that it did not name, and none if it named none."""
        created(store, batch_type="import")
        assert could_be_claimed(store) is None
        assert store.claim("w1", limits=Limits(batch_types={}), seconds=LEASE, at=NOON) is None

    def test_a_claim_can_be_for_one_job(self, store: Store) -> None:
        """A worker that names a job gets chunks of no other."""
        first, second = created(store), created(store)
        assert claimed(store, ChunkKind.PLAN, job_id=second.id).job_id == second.id
        assert store.claim("w", limits=LIMITS, seconds=9, at=NOON, job_id=second.id) is None
        assert claimed(store, ChunkKind.PLAN, job_id=first.id).job_id == first.id

    def test_the_first_work_starts_the_job(self, store: Store) -> None:
        """Claiming the first work chunk puts the job in processing, in the same commit, once."""
        job = planned(store, 2)
        claimed(store, ChunkKind.WORK)
        started = store.get(job.id)
        assert (started.status, started.processing_at) == (Status.PROCESSING, NOON)
        claimed(store, ChunkKind.WORK)
        assert len(store.events(job.id)) == 4

    def test_a_chunk_comes_as_it_was_planned(self, store: Store) -> None:
        """A lease holds the chunk's payload, whatever JSON it is, and its weight as planned."""
        payloads: list[Json] = [
            10.0,
            10**20,
            "ä\u0000\ud83d",
            None,
            [1, {"b": 1, "a": [True]}],
            {},
            "7",
            False,
        ]
        created(store)
        plan = [Chunk(payload, seq=n, weight=n) for n, payload in enumerate(payloads)]
        store.complete(claimed(store, ChunkKind.PLAN), Planned(chunks=plan), at=NOON)
        leases = [claimed(store, ChunkKind.WORK) for _ in payloads]
        assert [repr(lease.payload) for lease in leases] == [repr(payload) for payload in payloads]
        assert [lease.weight for lease in leases] == list(range(len(payloads)))

    def test_a_leased_chunk_is_left_alone_until_its_time_is_over(
        self, store: Store, advance: Advance
    ) -> None:
        """A chunk is claimed again when its lease is over: a new token, another attempt."""
        job = created(store)
        first = claimed(store, ChunkKind.PLAN)
        advance(LEASE - 1)
        assert could_be_claimed(store) is None
        assert store.next_claim(job.id) == pytest.approx(1, abs=0.5)
        advance(2)
        assert store.next_claim(job.id) == 0
        second = claimed(store, ChunkKind.PLAN, worker="w2")
        assert (second.token, second.attempt) == (first.token + 1, 2)

    def test_a_renewed_lease_lasts_from_then_on(self, store: Store, advance: Advance) -> None:
        """A lease that is renewed in time, again and again, is never claimed by another."""
        created(store)
        lease = claimed(store, ChunkKind.PLAN)
        for _ in range(4):
            advance(LEASE - 1)
            store.renew(lease)
            assert could_be_claimed(store) is None

    def test_a_lease_that_nobody_took_over_is_renewed_late(
        self, store: Store, advance: Advance
    ) -> None:
        """A lease that is over but not taken over is still its worker's."""
        created(store)
        lease = claimed(store, ChunkKind.PLAN)
        advance(LEASE * 10)
        store.renew(lease)
        assert could_be_claimed(store) is None

    def test_a_lost_lease_is_not_renewed(self, store: Store, advance: Advance) -> None:
        """A lease that was taken over, given back, failed or completed cannot be renewed."""
        created(store)
        lease = claimed(store, ChunkKind.PLAN)
        advance(LEASE + 1)
        second = claimed(store, ChunkKind.PLAN)
        with pytest.raises(LeaseLost, match=f"lease 1 on plan 0 of job {lease.job_id}"):
            store.renew(lease)
        store.release(second)
        with pytest.raises(LeaseLost):
            store.renew(second)
        third = claimed(store, ChunkKind.PLAN)
        store.complete(third, Planned(), at=NOON)
        with pytest.raises(LeaseLost):
            store.renew(third)

    def test_a_canceled_job_takes_the_leases_away(self, store: Store) -> None:
        """A worker finds out at its next heartbeat that its job was canceled."""
        job = planned(store)
        lease = claimed(store, ChunkKind.WORK)
        store.move(job.id, "cancel", at=NOON, actor=None)
        with pytest.raises(LeaseLost):
            store.renew(lease)
        assert could_be_claimed(store) is None
        assert store.next_claim(job.id) is None

    def test_a_chunk_given_back_costs_no_attempt(self, store: Store) -> None:
        """A chunk that was given back untried can be claimed at once, for the same attempt."""
        created(store)
        for token in range(1, 9):
            lease = claimed(store, ChunkKind.PLAN)
            assert (lease.attempt, lease.token) == (1, token)
            store.release(lease)

    def test_what_is_not_ones_own_is_not_given_back(self, store: Store, advance: Advance) -> None:
        """Giving back or failing a chunk that another has taken over changes nothing."""
        job = created(store)
        lost = claimed(store, ChunkKind.PLAN)
        advance(LEASE + 1)
        current = claimed(store, ChunkKind.PLAN)
        store.release(lost)
        assert failed(store, lost, give_up=True) is False
        store.renew(current)
        assert store.get(job.id).status is Status.CREATED

    def test_a_failed_chunk_waits(self, store: Store, advance: Advance) -> None:
        """A chunk that failed can be claimed again after its delay, as the next attempt."""
        job = created(store)
        assert failed(store, claimed(store, ChunkKind.PLAN), delay=20) is False
        assert could_be_claimed(store) is None
        assert store.next_claim(job.id) == pytest.approx(20, abs=1)
        advance(21)
        assert claimed(store, ChunkKind.PLAN).attempt == 2

    def test_no_delay_is_longer_than_five_minutes(self, store: Store, advance: Advance) -> None:
        """A chunk waits for 300 seconds at most, and for all of them, however long it was told."""
        job = created(store)
        failed(store, claimed(store, ChunkKind.PLAN), delay=86400)
        assert store.next_claim(job.id) == pytest.approx(300, abs=1)
        advance(299)
        assert could_be_claimed(store) is None
        advance(2)
        assert could_be_claimed(store)

    def test_the_last_attempt_fails_the_job(self, store: Store) -> None:
        """A chunk that fails at its fifth attempt is dead, and the job fails with its errors."""
        job = planned(store, 3)
        lease, *_others = [claimed(store, ChunkKind.WORK) for _ in range(3)]
        for _ in range(4):
            assert failed(store, lease) is False
            lease = claimed(store, ChunkKind.WORK)
        assert (lease.seq, lease.attempt) == (0, 5)
        assert failed(store, lease) is True
        after_all = store.get(job.id)
        assert (after_all.status, after_all.failed_at) == (Status.FAILED, NOON)
        assert after_all.result
        assert (after_all.result.errors, after_all.result.count) == ((BROKEN,), 3)
        assert could_be_claimed(store) is None

    def test_a_chunk_can_be_given_up(self, store: Store) -> None:
        """A chunk that need not be tried again is dead at once, and the job fails."""
        job = created(store)
        assert failed(store, claimed(store, ChunkKind.PLAN), give_up=True) is True
        found = store.get(job.id)
        assert found.status is Status.FAILED
        assert found.result
        assert (found.result.errors, found.result.count) == ((BROKEN,), None)
        assert could_be_claimed(store) is None

    def test_a_thousand_errors_are_kept(self, store: Store) -> None:
        """A failed job keeps its first 1,000 errors, and one that counts the others."""
        job = created(store)
        errors = [JobError(code="x", message=str(n)) for n in range(1003)]
        plan = claimed(store, ChunkKind.PLAN)
        store.fail(plan, errors, detail="", delay=0, give_up=True, at=NOON)
        result = store.get(job.id).result
        assert result
        assert result.errors[:-1] == tuple(errors[:1000])
        assert result.errors[-1].message.startswith("3 more errors")

    def test_an_ended_job_does_not_fail(self, store: Store) -> None:
        """A chunk that is given up after its job was canceled leaves the job canceled."""
        job = planned(store)
        lease = claimed(store, ChunkKind.WORK)
        canceled = store.move(job.id, "cancel", at=NOON, actor=None)
        assert failed(store, lease, give_up=True) is False
        assert store.get(job.id) == canceled

    def test_a_chunk_that_takes_its_workers_along_is_given_up(
        self, store: Store, advance: Advance
    ) -> None:
        """A chunk whose five workers vanished is swept: dead, and its job failed, named."""
        job = planned(store, 2)
        worked(store, claimed(store, ChunkKind.WORK))
        for _ in range(5):
            assert store.sweep(at=NOON, limits=LIMITS) == 0
            last = claimed(store, ChunkKind.WORK)
            advance(LEASE + 1)
        assert could_be_claimed(store) is None
        assert store.next_claim(job.id) is None
        assert store.sweep(at=after(1), limits=LIMITS) == 1
        found = store.get(job.id)
        assert (found.status, found.failed_at) == (Status.FAILED, after(1))
        assert found.result
        (error,) = found.result.errors
        assert error.code == "worker_lost"
        assert error.params == {"kind": "work", "seq": 1, "attempts": 5}
        with pytest.raises(LeaseLost):
            worked(store, last)
        assert store.sweep(at=NOON, limits=LIMITS) == 0

    def test_a_sweep_leaves_alone_what_goes_on(self, store: Store, advance: Advance) -> None:
        """A last attempt whose lease is not over, and an earlier one's that is, are not swept."""
        job = created(store)
        for _ in range(4):
            failed(store, claimed(store, ChunkKind.PLAN))
        last = claimed(store, ChunkKind.PLAN)
        created(store)
        claimed(store, ChunkKind.PLAN)
        advance(LEASE - 1)
        store.renew(last)
        advance(2)
        assert store.sweep(at=NOON, limits=LIMITS) == 0
        store.complete(last, Planned(), at=NOON)
        assert store.get(job.id).status is Status.CONFIRMED

    def test_a_sweep_ends_no_ended_job_again(self, store: Store) -> None:
        """Sweeping after jobs have ended changes neither them nor their events."""
        jobs = [finished(store), store.move(planned(store, 3).id, "cancel", at=NOON, actor=None)]
        events = [tuple(store.events(job.id)) for job in jobs]
        assert (
            store.sweep(at=after(1), limits=LIMITS) == store.sweep(at=after(2), limits=LIMITS) == 0
        )
        assert [store.get(job.id) for job in jobs] == jobs
        assert [tuple(store.events(job.id)) for job in jobs] == events

    def test_a_clock_put_back_stops_no_leased_chunk(self, store: Store, advance: Advance) -> None:
        """A lease that ends later than a lease can last is over: its clock was wrong."""
        job = created(store)
        claimed(store, ChunkKind.PLAN)
        advance(-100_000)
        assert store.next_claim(job.id) == 0
        assert claimed(store, ChunkKind.PLAN).attempt == 2

    def test_a_clock_put_back_stops_no_waiting_chunk(self, store: Store, advance: Advance) -> None:
        """A chunk that waits for longer than any is told to may be claimed at once."""
        job = created(store)
        failed(store, claimed(store, ChunkKind.PLAN), delay=200)
        advance(-100_000)
        assert store.next_claim(job.id) == 0
        assert claimed(store, ChunkKind.PLAN).attempt == 2

    def test_a_clock_put_back_sweeps_what_is_lost(self, store: Store, advance: Advance) -> None:
        """A last attempt whose lease ends later than any can is swept as well."""
        created(store)
        for _ in range(4):
            failed(store, claimed(store, ChunkKind.PLAN))
        claimed(store, ChunkKind.PLAN)
        advance(-100_000)
        assert store.sweep(at=NOON, limits=LIMITS) == 1

    def test_no_two_get_the_same_chunk(self, store: Store) -> None:
        """Of many who claim at once, each chunk goes to one of them, and none is left out."""
        planned(store, 40)
        start, got = threading.Barrier(8), list[tuple[int, int]]()

        def work() -> None:
            start.wait()
            while lease := store.claim("w", limits=LIMITS, seconds=LEASE, at=NOON):
                got.append((lease.seq, lease.token))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == [(seq, 1) for seq in range(40)]

    def test_chunks_are_claimed_in_their_order(self, store: Store) -> None:
        """Of what may be claimed of a job, its chunks come as they were planned."""
        job = planned(store, 3)
        leases = [claimed(store, ChunkKind.WORK) for _ in range(3)]
        assert [(lease.job_id, lease.seq) for lease in leases] == [(job.id, n) for n in range(3)]
        assert chunks(1)[0].payload == leases[0].payload
