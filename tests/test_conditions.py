"""The facade: what lets a job run or wait beside its status, and what is done about old ones."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from batchjob import (
    BatchJob,
    BatchJobs,
    Chunk,
    Event,
    InvalidState,
    JobError,
    Outcomes,
    Part,
    Refused,
    Run,
    Status,
    Wait,
    hookimpl,
)
from batchjob.errors import IdempotencyConflict, InvalidSetting, UnknownJob
from batchjob.testing import HandClock
from support import Lines, LinesContext, Listening, Offering

Opener = Callable[..., BatchJobs]


@pytest.fixture(params=["memory:", "sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Open jobs on each embedded store, with these plugins and options."""
    made: list[BatchJobs] = []

    def open_jobs(*plugins: Any, **options: Any) -> BatchJobs:
        url = f"sqlite:///{tmp_path}/jobs.db" if request.param == "sqlite" else request.param
        named = {f"test{n}": plugin for n, plugin in enumerate(plugins)}
        jobs = BatchJobs.open(url, files=str(tmp_path / "files"), plugins=named, **options)
        made.append(jobs)
        return jobs

    yield open_jobs
    for jobs in made:
        jobs.close()


class Turnstile(Lines):
    """Lines, of which two jobs with one word must not run at once."""

    def exclusive_key(self, context: LinesContext) -> str | None:
        """Return the word."""
        return context.word


class Refusing(Lines):
    """Lines that a job can be made for, and that are refused when they are planned."""

    def plan(self, run: Run[LinesContext]) -> Any:
        """Refuse, and say so; the planning before that has added to the context."""
        run.amend(word="amended")
        raise Refused("not today", [JobError(code="closed", message="not today")])


class Unfinished(Lines):
    """Lines that cannot be put together."""

    batch_type = "unfinished"

    def finish(self, run: Run[LinesContext], parts: Iterable[Part]) -> None:
        """Refuse."""
        raise Refused("not today")


def test_the_same_request_makes_one_job(opened: Opener) -> None:
    """An idempotency key gives the job of the first time; another request with it is refused."""
    jobs = opened(Offering(Lines()))
    first = jobs.create("lines", {"lines": 1, "page": 1}, actor="usr_1", idempotency_key="k")
    done = jobs.work(first.id)
    again = jobs.create("lines", {"page": 1, "lines": 1}, actor="usr_1", idempotency_key="k")
    assert again == done
    with pytest.raises(IdempotencyConflict, match=f"another request, which made job {first.id}"):
        jobs.create("lines", {"lines": 2}, actor="usr_1", idempotency_key="k")
    for other in ("usr_2", None):
        assert jobs.create("lines", actor=other, idempotency_key="k").id != first.id
    assert jobs.list().count == 3


def test_a_paused_job_stands_still_until_it_is_resumed(opened: Opener) -> None:
    """Pause is a condition beside the status; nothing is lost and nothing done twice."""
    done: list[int] = []
    jobs: list[BatchJobs] = []

    class Pausing(Lines):
        def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
            done.append(chunk.seq)
            if done == [0, 1]:
                jobs[0].pause(run.job_id, actor="usr_1")
            return super().work(run, chunk)

    jobs.append(opened(Offering(Pausing())))
    job = jobs[0].work(jobs[0].create("lines", actor="usr_1").id)
    assert (job.status, done) == ("processing", [0, 1])
    assert job.result is not None
    assert job.result.advancement_count == 2
    assert jobs[0].standing(job.id).wait is Wait.RESUME
    assert jobs[0].pause(job.id) == jobs[0].get(job.id)

    jobs[0].resume(job.id)
    assert jobs[0].work(job.id).status is Status.COMPLETED
    assert done == [0, 1, 2]
    said = [(event.reason, event.actor) for event in jobs[0].events(job.id) if event.reason]
    assert said == [("paused", "usr_1"), ("resumed", None)]


def test_listeners_hear_of_a_pause_at_once(opened: Opener) -> None:
    """Pause and resume are events like all others."""
    listening = Listening(Lines())
    jobs = opened(listening)
    job = jobs.create("lines")
    jobs.pause(job.id)
    assert len(listening.heard) == 2
    jobs.resume(job.id)
    assert [n for n, _, _ in listening.heard] == [1, 2, 3]


def test_a_job_may_be_paused_before_it_is_planned(opened: Opener) -> None:
    """Nothing of a paused job is claimed, its plan neither; a job that ended cannot be paused."""
    jobs = opened(Offering(Lines()))
    job = jobs.create("lines")
    jobs.pause(job.id)
    assert jobs.work(job.id).status is Status.CREATED
    assert jobs.standing(job.id).paused_at is not None
    jobs.resume(job.id)
    assert jobs.work(job.id).status is Status.COMPLETED
    for verb in (jobs.pause, jobs.resume):
        with pytest.raises(InvalidState, match="it is completed"):
            verb(job.id)
    with pytest.raises(UnknownJob):
        jobs.pause(job.id, actor="usr_2")


def test_a_failed_job_is_tried_again_by_a_new_one(opened: Opener) -> None:
    """The new job names the old one and has its context as it was sent; others have none."""
    jobs = opened(Offering(Refusing()))
    failed = jobs.work(jobs.create("lines", {"lines": 2}, dry_run=True, actor="usr_1").id)
    assert failed.status is Status.FAILED
    again = jobs.retry(failed.id)
    assert (again.status, again.context) == ("created", {"lines": 2})
    assert (again.dry_run, again.created_by) == (True, "usr_1")
    assert jobs.standing(again.id).retry_of == failed.id
    assert jobs.get(failed.id) == failed
    with pytest.raises(InvalidState, match=f"cannot retry job {again.id}: it is created"):
        jobs.retry(again.id)


def test_an_exclusive_key_keeps_the_second_job_waiting(opened: Opener) -> None:
    """The second job stays confirmed, says for whom it waits, and goes on after the first."""
    jobs = opened(Offering(Turnstile()))
    first, second, other = (
        jobs.work(jobs.create("lines", {"word": word}).id, until=Status.CONFIRMED)
        for word in ("a", "a", "b")
    )
    assert jobs.worker().step(first.id)
    assert not jobs.worker().step(second.id)
    standing = jobs.standing(second.id)
    assert (standing.wait, standing.blocked_by) == (Wait.EXCLUSIVE, first.id)
    assert jobs.worker().step(other.id)
    assert jobs.get(second.id).status is Status.CONFIRMED
    jobs.work(first.id)
    assert jobs.work(second.id).status is Status.COMPLETED


def test_an_actor_has_only_so_many_jobs_at_once(opened: Opener) -> None:
    """Beyond the limit an actor's jobs wait; those of others, and of nobody, do not."""
    jobs = opened(Offering(Lines()), actor_jobs=1)
    first, second, other, nobody = (
        jobs.work(jobs.create("lines", actor=actor).id, until=Status.CONFIRMED)
        for actor in ("usr_1", "usr_1", "usr_2", None)
    )
    steps = [bool(jobs.worker().step(job.id)) for job in (first, second, other, nobody)]
    assert steps == [True, False, True, True]
    assert jobs.standing(second.id).wait is Wait.ACTOR
    jobs.work(first.id)
    assert jobs.work(second.id).status is Status.COMPLETED


def test_a_job_can_say_why_it_does_not_move(opened: Opener) -> None:
    """A worker, a confirmation, a retry at a time with what went wrong; nothing at its end."""

    class Failing(Lines):
        def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
            raise ValueError(chunk.seq)

    jobs = opened(Offering(Failing()))
    job = jobs.create("lines", dry_run=True)
    assert jobs.standing(job.id).wait is Wait.WORKER
    jobs.work(job.id)
    assert jobs.standing(job.id).wait is Wait.CONFIRMATION
    jobs.confirm(job.id)
    jobs.worker().step(job.id)
    jobs.worker().step(job.id)
    jobs.worker().step(job.id)
    standing = jobs.standing(job.id)
    assert (standing.wait, standing.attempts, standing.last_error) == (Wait.RETRY, 1, "ValueError")
    assert standing.seconds is not None
    assert 0 < standing.seconds <= 0.5
    jobs.cancel(job.id)
    assert jobs.standing(job.id).wait is None


def test_old_jobs_are_purged_with_their_files(opened: Opener, tmp_path: Path) -> None:
    """Rows and files go together; younger jobs and open ones stay, however old."""
    clock = HandClock()
    jobs = opened(Offering(Lines()), clock=clock)
    old, still_open = jobs.work(jobs.create("lines").id), jobs.create("lines")
    clock.move(7200)
    young = jobs.work(jobs.create("lines").id)
    assert jobs.purge(older_than=timedelta(hours=1)) == 1
    with pytest.raises(UnknownJob):
        jobs.get(old.id)
    assert {job.id for job in jobs.list().jobs} == {still_open.id, young.id}
    assert [path.name for path in (tmp_path / "files" / "jobs").iterdir()] == [young.id]
    assert jobs.purge(older_than=timedelta(hours=1)) == 0


def test_workers_purge_by_the_retention(opened: Opener) -> None:
    """With a retention, a sweep forgets what is older; below a day it is refused."""
    clock = HandClock()
    jobs = opened(Offering(Lines()), clock=clock, retention=86_400.0)
    jobs.work(jobs.create("lines").id)
    jobs._upkeep._next_round = 0.0
    clock.move(86_401)
    jobs.sweep()
    assert jobs.list().count == 0
    with pytest.raises(InvalidSetting, match="give 86400"):
        opened(retention=3600.0)


def test_parts_that_a_job_left_are_deleted_a_day_later(opened: Opener, tmp_path: Path) -> None:
    """A failed job's parts go when nobody works on it any more; what is another's stays."""
    clock, files = HandClock(), tmp_path / "files"
    jobs = opened(Offering(Lines(), Unfinished()), clock=clock)
    failed = jobs.work(jobs.create("unfinished").id)
    assert failed.status is Status.FAILED
    other = files / "jobs" / "batch_01HF0000000000000000000000" / "parts" / "0"
    other.parent.mkdir(parents=True)
    other.touch()
    jobs.work(jobs.create("lines").id)
    before = set(jobs.files.keys())
    parts = {key for key in before if key.startswith(f"jobs/{failed.id}/parts/")}
    assert len(parts) == 3
    for moved, left in ((86_000, before), (1_000, before - parts)):
        clock.move(moved)
        jobs._upkeep.forget()
        assert set(jobs.files.keys()) == left


class Flaky(Offering):
    """Hears of changes, but fails the first time it is told of the second one."""

    @hookimpl
    def batchjob_job_changed(self, event: Event, job: BatchJob) -> None:
        """Fail once."""
        self.heard.append((event.n, event.from_status, event.to_status))
        if [n for n, _, _ in self.heard] == [1, 2]:
            raise RuntimeError(job.id)


def test_a_listener_that_failed_is_told_again(opened: Opener) -> None:
    """It goes on with the event that it failed on, and hears the rest in order."""
    flaky = Flaky(Lines())
    jobs = opened(flaky)
    jobs.sweep()
    jobs.work(jobs.create("lines").id)
    jobs.sweep()
    assert [n for n, _, _ in flaky.heard] == [1, 2, 2, 3, 4, 5]


def test_a_listener_hears_what_a_crash_kept_from_it(opened: Opener) -> None:
    """What was committed and not told is told by whoever looks next."""
    flaky = Flaky(Lines())
    jobs = opened(flaky)
    jobs.sweep()
    job = jobs.create("lines")
    jobs.store.move(job.id, "cancel", at=jobs.clock.now(), actor=None)  # as if it crashed then
    assert [n for n, _, _ in flaky.heard] == [1]
    jobs.sweep()
    jobs.sweep()
    assert [n for n, _, _ in flaky.heard] == [1, 2, 2]


@pytest.mark.parametrize("actor_jobs", [0, -1])
def test_a_limit_below_one_is_refused(opened: Opener, actor_jobs: int) -> None:
    """No job could ever run."""
    with pytest.raises(InvalidSetting, match="1 or more"):
        opened(actor_jobs=actor_jobs)
