"""What every store promises of jobs and events."""

import threading
from datetime import datetime
from typing import Any

import pytest

from batchjob._typing import JsonObject
from batchjob.abc import Store
from batchjob.core.chunks import ChunkKind, Finished, Planned
from batchjob.core.job import BatchJob, Terms
from batchjob.core.results import Outcomes, Result
from batchjob.core.status import OPEN, Status, Verb
from batchjob.errors import DuplicateJob, InvalidState, InvalidTime, UnknownJob
from batchjob.testing.stores.making import (
    FILE,
    LEASE,
    LIMITS,
    NOON,
    PRODUCTS,
    a_job,
    after,
    claimed,
    created,
    finished,
    planned,
    worked,
)


def brought_to(store: Store, status: Status) -> BatchJob:
    """Keep a new job and bring it to a status that is open."""
    if status is Status.CREATED:
        return created(store)
    job = planned(store, dry_run=status is Status.PRE_PROCESSED)
    if status is Status.PROCESSING:
        claimed(store, ChunkKind.WORK, job_id=job.id)
    return store.get(job.id)


class PromisesOfJobs:
    """The port `JobStore`."""

    def test_a_job_comes_back_as_it_was_given(self, store: Store) -> None:
        """A job that was kept is read as it was made, its context's keys in their order."""
        context: JsonObject = {
            "z": 1.0,
            "a": {"y": [None, True], "b": "ä\u0000\ud83d"},
            "m": 10**20,
        }
        job = store.create(a_job(context=context, dry_run=True), Terms(context_version=3))
        assert store.get(job.id) == job
        assert list(store.get(job.id).context) == ["z", "a", "m"]
        assert store.terms(job.id) == Terms(context_version=3)

    def test_a_kept_job_shares_nothing_with_its_giver(self, store: Store) -> None:
        """What is done to a context after the job was kept, or read, changes no kept job."""
        context: dict[str, Any] = {"list": [1]}
        job = store.create(a_job(context=context), Terms())
        context["list"].append(2)
        store.get(job.id).context["list"].append(3)  # type: ignore[union-attr]
        assert store.get(job.id).context == {"list": [1]}

    def test_a_number_that_json_lacks_is_refused(self, store: Store) -> None:
        """NaN and infinity are in no context: such a job is not kept."""
        job = a_job(context={"x": float("nan")})
        with pytest.raises(ValueError, match="not JSON compliant"):
            store.create(job, Terms())
        with pytest.raises(UnknownJob):
            store.get(job.id)

    def test_an_id_is_given_once(self, store: Store) -> None:
        """A second job with the id of another is refused, and that one stays."""
        job = created(store)
        with pytest.raises(DuplicateJob, match=job.id):
            store.create(job, Terms(context_version=2))
        assert store.terms(job.id) == Terms()
        assert len(store.events(job.id)) == 1

    def test_an_unknown_job_is_said_to_be_unknown(self, store: Store) -> None:
        """Whatever is asked of a job that is not there, the answer is that it is unknown."""
        missing = a_job().id
        with pytest.raises(UnknownJob, match=missing):
            store.get(missing)
        with pytest.raises(UnknownJob, match=missing):
            store.terms(missing)
        with pytest.raises(UnknownJob, match=missing):
            store.move(missing, "cancel", at=NOON, actor=None)
        assert not store.events(missing)
        assert store.next_claim(missing) is None
        assert not list(store.parts(missing))

    def test_a_dry_run_waits_to_be_confirmed(self, store: Store) -> None:
        """A planned dry run is pre-processed, nobody may claim it, and confirming lets it go on."""
        job = planned(store, dry_run=True)
        assert job.status is Status.PRE_PROCESSED
        assert store.next_claim(job.id) is None
        confirmed = store.move(job.id, "confirm", at=after(5), actor="usr_2")
        assert confirmed == store.get(job.id)
        assert (confirmed.status, confirmed.confirmed_at) == (Status.CONFIRMED, after(5))
        claimed(store, ChunkKind.WORK)

    def test_a_job_that_is_no_dry_run_is_confirmed_when_it_is_planned(self, store: Store) -> None:
        """A job that nobody wants to look at is pre-processed and confirmed in one commit."""
        job = planned(store)
        assert job.status is Status.CONFIRMED
        assert job.pre_processed_at == job.confirmed_at == NOON

    @pytest.mark.parametrize("status", OPEN)
    @pytest.mark.parametrize(
        ("verb", "end"), [("cancel", Status.CANCELED), ("fail", Status.FAILED)]
    )
    def test_an_open_job_can_be_ended(
        self, store: Store, status: Status, verb: Verb, end: Status
    ) -> None:
        """A job that is not at its end can be canceled or failed wherever it is."""
        job = brought_to(store, status)
        assert job.status is status
        ended = store.move(job.id, verb, at=after(9), actor="usr_2", reason="no need")
        assert (ended.status, ended.updated_at) == (end, after(9))
        event = store.events(job.id)[-1]
        assert (event.from_status, event.to_status, event.at) == (status, end, after(9))
        assert (event.actor, event.reason) == ("usr_2", "no need")

    @pytest.mark.parametrize("verb", ["confirm", "cancel", "fail"])
    def test_a_closed_job_stays_as_it_is(self, store: Store, verb: Verb) -> None:
        """A job at its end refuses every verb, and neither it nor its events change."""
        job = finished(store)
        events = store.events(job.id)
        with pytest.raises(InvalidState, match=f"cannot {verb} job {job.id}: it is completed"):
            store.move(job.id, verb, at=after(9), actor=None)
        assert (store.get(job.id), store.events(job.id)) == (job, events)

    def test_a_job_is_confirmed_once_it_is_planned(self, store: Store) -> None:
        """A job that is not planned yet cannot be confirmed, and one that is, once."""
        job = created(store, dry_run=True)
        with pytest.raises(InvalidState, match="it is created"):
            store.move(job.id, "confirm", at=NOON, actor=None)
        store.complete(claimed(store, ChunkKind.PLAN), Planned(), at=NOON)
        store.move(job.id, "confirm", at=NOON, actor=None)
        with pytest.raises(InvalidState, match="it is confirmed"):
            store.move(job.id, "confirm", at=NOON, actor=None)

    def test_a_time_without_a_zone_is_refused(self, store: Store) -> None:
        """A transition at a naive time is refused, and the job is as it was."""
        job = created(store)
        with pytest.raises(InvalidTime):
            store.move(job.id, "cancel", at=datetime(2024, 1, 1), actor=None)  # noqa: DTZ001
        assert store.get(job.id) == job

    def test_stamps_never_go_back(self, store: Store) -> None:
        """A transition at a time before the job's last change is stamped with that change."""
        job = created(store, at=after(100))
        canceled = store.move(job.id, "cancel", at=after(-100), actor=None)
        assert canceled.canceled_at == canceled.updated_at == after(100)
        assert store.events(job.id)[-1].at == after(100)

    def test_stamps_are_cut_to_milliseconds(self, store: Store) -> None:
        """A transition is stamped with its time in UTC, cut to whole milliseconds."""
        job = created(store)
        canceled = store.move(job.id, "cancel", at=NOON.replace(microsecond=1999), actor=None)
        assert canceled.canceled_at == NOON.replace(microsecond=1000)
        assert canceled == store.get(job.id)

    def test_a_life_is_written_down(self, store: Store) -> None:
        """Each transition of a job has one event, numbered from 1 without gaps."""
        job = finished(store)
        events = store.events(job.id)
        assert [(event.n, event.job_id) for event in events] == [(n, job.id) for n in range(1, 6)]
        assert [event.to_status for event in events] == [
            Status.CREATED,
            Status.PRE_PROCESSED,
            Status.CONFIRMED,
            Status.PROCESSING,
            Status.COMPLETED,
        ]
        assert [event.from_status for event in events[1:]] == [e.to_status for e in events[:-1]]
        assert (events[0].from_status, events[0].actor) == (None, "usr_1")
        assert {event.actor for event in events[1:]} == {None}
        assert tuple(store.events(job.id, after=3)) == tuple(events[3:])

    def test_of_two_at_once_one_wins(self, store: Store) -> None:
        """Of many who confirm a job at once, one does so and the others are refused."""
        job = planned(store, dry_run=True)
        start, answers = threading.Barrier(8), list[str]()

        def confirm() -> None:
            start.wait()
            try:
                answers.append(store.move(job.id, "confirm", at=NOON, actor=None).status)
            except InvalidState as refused:
                answers.append(f"cannot {refused.verb} {refused.job_id}: it is {refused.status}")

        threads = [threading.Thread(target=confirm) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert min(answers) == f"cannot confirm {job.id}: it is confirmed"
        assert answers.count("confirmed") == 1
        assert len(store.events(job.id)) == 3

    def test_a_result_is_there_once_it_is_known(self, store: Store) -> None:
        """A job has no result until it is planned; then its plan, and numbers that only grow."""
        job = created(store)
        assert job.result is None
        plan = claimed(store, ChunkKind.PLAN)
        assert store.get(job.id).result is None
        done = planned(store, 3, weight=2).result
        assert done == Result(
            stat_descriptors=(PRODUCTS,), count=6, advancement_count=0, progress=0.0
        )
        store.release(plan)

    def test_progress_is_one_only_at_the_end(self, store: Store) -> None:
        """Progress is what is done of the count, short of 1 until the job is completed."""
        job, seen = planned(store, 2), []
        for second in (1, 2):
            worked(store, claimed(store, ChunkKind.WORK), at=after(second))
            seen.append(store.get(job.id))
        assert [now.result and now.result.progress for now in seen] == [0.5, 0.99]
        assert [now.updated_at for now in seen] == [after(1), after(2)]
        store.complete(claimed(store, ChunkKind.FINISH), Finished(file=FILE), at=after(3))
        assert store.get(job.id).result == Result(
            stat_descriptors=(PRODUCTS,),
            count=2,
            advancement_count=2,
            progress=1.0,
            file_key=FILE.key,
            file_size=FILE.size,
        )

    def test_outcomes_add_up(self, store: Store) -> None:
        """A job's outcomes are the sum of its chunks'; where none has any, there are none."""
        job = planned(store, 3)
        for outcomes in (None, Outcomes(created=2, failed=1), Outcomes(created=1, skipped=4)):
            before = store.get(job.id).result
            assert before
            worked(store, claimed(store, ChunkKind.WORK), outcomes=outcomes)
            if outcomes is None:
                assert before.outcomes is None
        result = store.get(job.id).result
        assert result
        assert result.outcomes == Outcomes(created=3, skipped=4, failed=1)

    def test_a_job_failed_by_hand_has_a_result_without_errors(self, store: Store) -> None:
        """A job that somebody failed keeps what was planned, and names no error."""
        planless = store.move(created(store).id, "fail", at=NOON, actor="usr_1")
        assert planless.result == Result()
        full = store.move(planned(store, 2).id, "fail", at=NOON, actor="usr_1").result
        assert full == Result(
            stat_descriptors=(PRODUCTS,), count=2, advancement_count=0, progress=0.0
        )

    def test_a_closed_store_can_be_used_again(self, store: Store) -> None:
        """A store that was closed opens what it needs when it is next used."""
        job = created(store)
        store.close()
        assert store.get(job.id) == job
        assert store.claim("w1", limits=LIMITS, seconds=LEASE, at=NOON)
