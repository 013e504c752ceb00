"""What every store promises of how jobs are made: keys of requests, versions, contexts."""

from functools import partial
from typing import Any

import pytest

from batchjob.abc import Limits, Store
from batchjob.core.chunks import ChunkKind, Planned
from batchjob.core.job import Terms
from batchjob.core.status import Status
from batchjob.errors import DuplicateJob, IdempotencyConflict, UnknownJob
from batchjob.testing.stores.making import (
    NOON,
    a_job,
    at_once,
    chunks,
    claimed,
    could_be_claimed,
    created,
    finished,
    planned,
)

KEYED = Terms(idempotency_key="key-1", request_hash="a")


class PromisesOfTerms:
    """The port `JobStore`, as far as it is about `Terms`."""

    def test_terms_come_back_as_they_were_given(self, store: Store) -> None:
        """What a job was made with is read as it was given, also when the job has ended."""
        terms = Terms(
            context_version=3,
            retry_of="batch_1",
            idempotency_key="k",
            request_hash="h",
            exclusive_key="e",
        )
        job = created(store, terms=terms)
        store.move(job.id, "cancel", at=NOON, actor=None)
        assert store.terms(job.id) == terms

    def test_what_was_sent_is_told_from_what_planning_added(self, store: Store) -> None:
        """A job's context has what planning added, and what was sent can be read without it."""
        job = created(store, context={"b": {"x": 1}, "a": 1})
        plan = claimed(store, ChunkKind.PLAN)
        store.complete(plan, Planned(context={"b": {"y": 2}, "c": [3]}), at=NOON)
        sent = store.sent_context(job.id)
        assert sent == {"b": {"x": 1}, "a": 1}
        assert list(sent) == ["b", "a"]
        assert store.get(job.id).context == {"b": {"y": 2}, "a": 1, "c": [3]}

    def test_an_unknown_job_has_no_terms(self, store: Store) -> None:
        """Of a job that is not there neither terms nor context can be read."""
        missing = a_job().id
        for ask in (store.terms, store.sent_context):
            with pytest.raises(UnknownJob, match=missing):
                ask(missing)

    @pytest.mark.parametrize("created_by", ["usr_1", None])
    def test_a_request_sent_twice_makes_one_job(self, store: Store, created_by: str | None) -> None:
        """A request that is sent again with its key gets the job of then, as it stands now."""
        job = created(store, terms=KEYED, created_by=created_by)
        created(store, terms=Terms(), created_by=created_by)
        canceled = store.move(job.id, "cancel", at=NOON, actor=None)
        assert created(store, terms=KEYED, created_by=created_by) == canceled
        assert created(store, terms=KEYED, created_by=created_by).status is Status.CANCELED
        assert len(store.events(job.id)) == 2

    @pytest.mark.parametrize("created_by", ["usr_1", None])
    def test_a_key_is_for_one_request(self, store: Store, created_by: str | None) -> None:
        """A key that comes with another request is refused, and nothing is made."""
        job = created(store, terms=KEYED, created_by=created_by)
        other = a_job(created_by=created_by)
        with pytest.raises(IdempotencyConflict, match="'key-1' was used") as refused:
            store.create(other, Terms(idempotency_key="key-1", request_hash="b"))
        assert refused.value.job_id == job.id
        with pytest.raises(UnknownJob):
            store.get(other.id)

    def test_each_creator_has_keys_of_its_own(self, store: Store) -> None:
        """One key of several creators, and of none, makes a job for each."""
        makers = ["usr_1", "usr_2", None, ""]
        assert len({created(store, terms=KEYED, created_by=maker).id for maker in makers}) == 4

    def test_jobs_without_a_key_are_never_the_same(self, store: Store) -> None:
        """Without a key each request makes a job, whatever its hash."""
        terms = Terms(request_hash="a")
        assert created(store, terms=terms).id != created(store, terms=terms).id

    @pytest.mark.parametrize("created_by", ["usr_1", None])
    def test_one_request_sent_many_times_at_once_makes_one_job(
        self, store: Store, created_by: str | None
    ) -> None:
        """Of many who send one request at once, one makes the job and all are given it."""
        for number in range(5):
            terms = Terms(idempotency_key=f"k{number}", request_hash="a")
            jobs = [a_job(created_by=created_by) for _ in range(8)]
            made = at_once(*(partial(store.create, job, terms) for job in jobs))
            assert len({job.id for job in made}) == 1

    def test_an_id_given_many_times_at_once_is_kept_once(self, store: Store) -> None:
        """Of many who make a job of one id at once, one does, and the others are told so."""
        job = a_job()
        made = at_once(*[lambda: store.create(job, Terms())] * 8)
        assert [type(each) for each in made].count(DuplicateJob) == 7
        assert len(store.events(job.id)) == 1

    def test_a_context_of_a_newer_version_waits_for_a_newer_worker(self, store: Store) -> None:
        """A job is claimed by workers that know the version of its context, or a newer one."""
        job = created(store, terms=Terms(context_version=2))
        for version, answer in ((1, None), (2, job.id)):
            lease = could_be_claimed(store, limits=Limits(batch_types={"export": version}))
            assert (lease and lease.job_id) == answer
        old = created(store)
        newer = Limits(batch_types={"export": 9})
        assert could_be_claimed(store, limits=newer, job_id=old.id)

    def test_any_name_of_a_type_can_be_claimed(self, store: Store) -> None:
        """A claim finds a batch type by its whole name, whatever letters it is made of."""
        names = ["3d-export", "7", "a'b\"c", "$.x", "Export", "export "]
        jobs = [created(store, batch_type=name) for name in names]
        for job in jobs:
            lease = could_be_claimed(store, limits=Limits(batch_types={job.batch_type: 1}))
            assert lease
            assert lease.job_id == job.id


class PromisesOfStarts:
    """The port `ChunkStore`, as far as one job has to wait for another."""

    def test_one_job_of_an_exclusive_key_is_processed_at_a_time(self, store: Store) -> None:
        """A job is planned but not started while another with its key is processed; then it is."""
        terms = Terms(exclusive_key="catalogue")
        first, second = (planned(store, 2, terms=terms) for _ in range(2))
        other = planned(store, 1, terms=Terms(exclusive_key="prices"))
        assert claimed(store, ChunkKind.WORK).job_id == first.id
        assert claimed(store, ChunkKind.WORK).job_id == other.id
        assert could_be_claimed(store, job_id=second.id) is None
        assert store.get(second.id).status is Status.CONFIRMED
        assert claimed(store, ChunkKind.WORK).job_id == first.id
        assert could_be_claimed(store) is None
        store.move(first.id, "cancel", at=NOON, actor=None)
        assert claimed(store, ChunkKind.WORK).job_id == second.id

    def test_a_job_without_chunks_waits_for_an_exclusive_key_too(self, store: Store) -> None:
        """A finish that would start its job waits as a work chunk does."""
        terms = Terms(exclusive_key="catalogue")
        first, second = planned(store, 1, terms=terms), planned(store, 0, terms=terms)
        claimed(store, ChunkKind.WORK, job_id=first.id)
        assert could_be_claimed(store) is None
        store.move(first.id, "fail", at=NOON, actor=None)
        assert claimed(store, ChunkKind.FINISH).job_id == second.id

    def test_of_two_exclusive_jobs_started_at_once_one_is(self, store: Store) -> None:
        """Of many who claim jobs of one exclusive key at once, all get chunks of one job."""
        for number in range(5):
            terms = Terms(exclusive_key=f"k{number}")
            jobs = [planned(store, 1, terms=terms) for _ in range(6)]
            leases = at_once(*(partial(could_be_claimed, store, job_id=job.id) for job in jobs))
            assert [lease is None for lease in leases].count(False) == 1
            assert all(lease is None or not isinstance(lease, Exception) for lease in leases)
            statuses = [store.get(job.id).status for job in jobs]
            assert statuses.count(Status.PROCESSING) == 1
            for job in jobs:
                store.move(job.id, "cancel", at=NOON, actor=None)

    def test_a_creator_has_so_many_jobs_processed(self, store: Store) -> None:
        """A job is not started while as many of its creator's are processed as may be."""
        limits = Limits(batch_types={"export": 1}, actor_jobs=2)
        jobs = [planned(store, 1, created_by="usr_1") for _ in range(3)]
        other = planned(store, 1, created_by="usr_2")
        found = [could_be_claimed(store, limits=limits) for _ in range(4)]
        assert [lease and lease.job_id for lease in found] == [
            jobs[0].id,
            jobs[1].id,
            other.id,
            None,
        ]
        store.move(jobs[0].id, "cancel", at=NOON, actor=None)
        lease = could_be_claimed(store, limits=limits)
        assert lease
        assert lease.job_id == jobs[2].id

    def test_a_started_job_goes_on_whatever_the_limit(self, store: Store) -> None:
        """The limit of a creator's jobs holds up no chunk of a job that is processed, no plan."""
        limits = Limits(batch_types={"export": 1}, actor_jobs=1)
        job = planned(store, 2)
        assert could_be_claimed(store, limits=limits)
        assert could_be_claimed(store, limits=limits)
        new = created(store)
        assert could_be_claimed(store, limits=limits, job_id=new.id)
        assert store.get(job.id).status is Status.PROCESSING

    def test_jobs_of_nobody_are_not_counted(self, store: Store) -> None:
        """Jobs without a creator are all started, whatever the limit."""
        limits = Limits(batch_types={"export": 1}, actor_jobs=1)
        for _ in range(3):
            planned(store, 1, created_by=None)
        assert all(could_be_claimed(store, limits=limits) for _ in range(3))

    def test_of_many_started_at_once_a_creator_has_so_many(self, store: Store) -> None:
        """Of many who claim a creator's jobs at once, as many are started as may be."""
        limits = Limits(batch_types={"export": 1}, actor_jobs=2)
        for number in range(5):
            jobs = [planned(store, 1, created_by=f"usr_{number}") for _ in range(6)]
            leases = at_once(
                *(partial(could_be_claimed, store, limits=limits, job_id=job.id) for job in jobs)
            )
            assert [lease is None for lease in leases].count(False) == 2
            for job in jobs:
                store.move(job.id, "cancel", at=NOON, actor=None)

    def test_the_job_with_the_fewest_leases_comes_first(self, store: Store) -> None:
        """A job of many chunks takes turns with the others; of equals the older one is first."""
        large, small, late = planned(store, 6), planned(store, 2), planned(store, 1)
        turns = [claimed(store, ChunkKind.WORK).job_id for _ in range(6)]
        assert turns == [large.id, small.id, late.id, large.id, small.id, large.id]

    def test_a_lease_that_is_over_does_not_count(self, store: Store, advance: Any) -> None:
        """A job whose workers vanished is as good as one that has none: the older comes first."""
        first = planned(store, 1)
        claimed(store, ChunkKind.WORK)
        advance(31)
        planned(store, 1)
        assert claimed(store, ChunkKind.WORK).job_id == first.id

    def test_a_plan_that_goes_on_holds_nobody_up(self, store: Store) -> None:
        """What a plan has staged is passed by for a younger job."""
        created(store)
        store.stage(claimed(store, ChunkKind.PLAN), chunks(50))
        young = planned(store, 1)
        assert claimed(store, ChunkKind.WORK).job_id == young.id
        finished(store, 1)
