"""The facade: what a service calls."""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batchjob import (
    BatchJob,
    BatchJobs,
    Chunk,
    Cursor,
    Fault,
    InvalidContext,
    InvalidState,
    Outcomes,
    Part,
    Run,
    Status,
    TimeRange,
    Wait,
    hookimpl,
)
from batchjob.abc import Engine
from batchjob.errors import InvalidSetting, NoResult, UnknownBatchType, UnknownJob, UnknownName
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


@pytest.fixture
def jobs(opened: Opener) -> BatchJobs:
    """Jobs with the strategy `Lines`."""
    return opened(Offering(Lines()))


def test_a_dry_run_is_planned_confirmed_and_done(jobs: BatchJobs) -> None:
    """A dry run says what it would do and waits; confirmed, it does just that."""
    job = jobs.create("lines", {"lines": 5, "page": 2}, dry_run=True, actor="usr_1")
    assert (job.status, job.created_by, job.result) == ("created", "usr_1", None)

    planned = jobs.work(job.id)
    assert planned.status is Status.PRE_PROCESSED
    assert planned.result is not None
    assert planned.result.stat_descriptors[0].message == "There will be 5 lines written"
    assert (planned.result.count, planned.result.advancement_count) == (5, 0)
    assert jobs.work(job.id) == planned

    assert jobs.confirm(job.id).status is Status.CONFIRMED
    done = jobs.work(job.id)
    assert done.status is Status.COMPLETED
    assert done.result is not None
    assert (done.result.count, done.result.advancement_count, done.result.progress) == (5, 5, 1)
    assert done.result.outcomes == Outcomes(created=5)
    with jobs.open_result(job.id) as file:
        content = file.read()
    assert content == b"line 0\nline 1\nline 2\nline 3\nline 4\n"
    assert done.result.file_size == len(content)


def test_a_job_that_is_no_dry_run_goes_on_to_its_end(jobs: BatchJobs) -> None:
    """Without a dry run nothing waits; each of the transitions is recorded."""
    job = jobs.work(jobs.create("lines", LinesContext(lines=1)).id)
    assert job.status is Status.COMPLETED
    line = ["created", "pre_processed", "confirmed", "processing", "completed"]
    events = jobs.events(job.id)
    assert [event.to_status for event in events] == line
    assert [event.n for event in events] == [1, 2, 3, 4, 5]


def test_an_empty_plan_still_finishes(jobs: BatchJobs) -> None:
    """A job with nothing to do completes, with count 0 and an empty file."""
    job = jobs.work(jobs.create("lines", {"lines": 0}).id)
    assert job.status is Status.COMPLETED
    assert job.result is not None
    assert (job.result.count, job.result.progress, job.result.file_size) == (0, 1, 0)


def test_progress_is_seen_while_the_job_runs(jobs: BatchJobs) -> None:
    """After each chunk the advancement grows; progress is 1 at the end only."""
    seen: list[tuple[int | None, float | None]] = []

    def watch(job: BatchJob) -> None:
        if job.result is not None:
            seen.append((job.result.advancement_count, job.result.progress))

    jobs.work(jobs.create("lines", {"lines": 4, "page": 2}).id, watch=watch)
    assert seen == [(0, 0.0), (2, 0.5), (4, 0.99), (4, 1.0)]


def test_an_actor_sees_only_what_is_theirs(jobs: BatchJobs) -> None:
    """Somebody else's job is as unknown as one that is not there, to every verb."""
    job = jobs.create("lines", actor="usr_1")
    verbs: list[Callable[..., object]] = [
        *(jobs.get, jobs.confirm, jobs.cancel, jobs.work, jobs.wait, jobs.open_result, jobs.events)
    ]
    for verb in verbs:
        for job_id in (job.id, "batch_01G8T782965PYFG0751G0Z38B4", "'; drop", "\0"):
            with pytest.raises(UnknownJob) as refused:
                verb(job_id, actor="usr_2")
            assert str(refused.value) == f"there is no job {job_id!r}"
    assert jobs.list(actor="usr_2").count == 0
    assert jobs.list(actor="usr_1").jobs == (job,) == jobs.list().jobs


def test_jobs_are_listed_newest_first_and_in_pages(opened: Opener) -> None:
    """Lists take types, statuses, a limit and an offset, and say how many match in all."""
    clock = HandClock()
    jobs = opened(Offering(Lines()), clock=clock)
    made = []
    for _ in range(3):
        made.append(jobs.create("lines"))
        clock.move(1)
    canceled = jobs.cancel(made[1].id)
    assert [job.id for job in jobs.list().jobs] == [job.id for job in reversed(made)]
    page = jobs.list(limit=1, offset=1)
    assert (page.jobs, page.count) == ((canceled,), 3)
    assert jobs.list(statuses=[Status.CANCELED]).jobs == (canceled,)
    assert jobs.list(batch_types=["other"]).count == 0


def test_a_list_goes_on_behind_a_cursor(opened: Opener) -> None:
    """Lists take an order, times and a cursor; other names of them are refused with the known."""
    clock = HandClock()
    jobs = opened(Offering(Lines()), clock=clock)
    made = []
    for _ in range(3):
        made.append(jobs.create("lines"))
        clock.move(1)
    oldest = jobs.list(order="created_at", limit=1).jobs[0]
    assert oldest == made[0]
    place = Cursor(at=oldest.created_at, id=oldest.id)
    assert list(jobs.list(order="created_at", after=place).jobs) == made[1:]
    late = {"created_at": TimeRange(gt=made[1].created_at)}
    assert jobs.list(times=late).jobs == (made[2],)
    with pytest.raises(UnknownName, match="known: -created_at, -updated_at, created_at, updated"):
        jobs.list(order="password")
    with pytest.raises(UnknownName, match="did you mean created_at"):
        jobs.list(times={"createdat": TimeRange()})


@pytest.mark.parametrize("wrong", ["", "batch_nope", "\0", "batch_01g8t782965pyfg0751g0z38b4"])
def test_a_list_of_ids_has_no_others(jobs: BatchJobs, wrong: str) -> None:
    """Ids that no job can have match nothing, alone and beside others."""
    job = jobs.create("lines")
    assert jobs.list(ids=[wrong]).count == 0
    assert jobs.list(ids=[job.id, wrong]).jobs == (job,)
    assert jobs.list(ids=[job.id], actor="usr_2").count == 0


def test_a_verb_that_the_status_does_not_allow_is_refused(jobs: BatchJobs) -> None:
    """The error names job, status and verb, and the job is as it was."""
    job = jobs.work(jobs.create("lines").id)
    for verb in (jobs.confirm, jobs.cancel):
        with pytest.raises(InvalidState, match=f"cannot .* job {job.id}: it is completed"):
            verb(job.id)
    assert jobs.get(job.id) == job


def test_a_refused_context_makes_no_job(jobs: BatchJobs) -> None:
    """Whatever is wrong with a context is said when the job would be created."""
    wrong: list[Any] = [{"line": 1}, {"lines": "3"}, [], "x", {"lines": float("nan")}]
    for context in wrong:
        with pytest.raises(InvalidContext):
            jobs.create("lines", context)
    with pytest.raises(UnknownBatchType, match="did you mean lines"):
        jobs.create("linse")
    assert jobs.list().count == 0


def test_a_strategy_may_refuse_by_data(opened: Opener) -> None:
    """What `check` raises refuses the job; there is nothing to write to yet."""

    class Checked(Lines):
        def check(self, context: LinesContext, run: Run[LinesContext]) -> None:
            assert run.actor == "usr_1"
            raise InvalidContext([Fault("/lines", f"{context.lines} are too many")])

    jobs = opened(Offering(Checked()))
    with pytest.raises(InvalidContext, match="/lines: 9 are too many"):
        jobs.create("lines", {"lines": 9}, actor="usr_1")
    assert jobs.list().count == 0


def test_a_canceled_job_gets_no_file_and_no_later_effect(opened: Opener) -> None:
    """Canceled in the middle of a chunk, a job keeps its status, and has no file."""
    opening: list[BatchJobs] = []

    class Slow(Lines):
        def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
            if chunk.seq == 1:
                opening[0].cancel(run.job_id, actor="usr_1")
            return super().work(run, chunk)

    jobs = opened(Offering(Slow()))
    opening.append(jobs)
    job = jobs.work(jobs.create("lines", {"lines": 3}, actor="usr_1").id)
    assert (job.status, job.completed_at) == ("canceled", None)
    assert job.result is not None
    assert (job.result.advancement_count, job.result.file_key) == (1, None)
    with pytest.raises(NoResult, match=f"job {job.id} has no file: it is canceled"):
        jobs.open_result(job.id)
    assert jobs.events(job.id)[-1].actor == "usr_1"


def test_work_can_stop_at_a_status(jobs: BatchJobs) -> None:
    """With until, somebody else may go on from there."""
    job = jobs.create("lines")
    assert jobs.work(job.id, until=Status.CONFIRMED).status is Status.CONFIRMED
    assert jobs.work(job.id).status is Status.COMPLETED


def test_the_inline_engine_works_where_the_job_is_made(opened: Opener) -> None:
    """With the inline engine, what create and confirm return is done already."""
    jobs = opened(Offering(Lines()), engine="inline")
    assert jobs.create("lines").status is Status.COMPLETED
    job = jobs.create("lines", dry_run=True)
    assert job.status is Status.PRE_PROCESSED
    assert jobs.confirm(job.id).status is Status.COMPLETED


def test_an_engine_that_fails_loses_nothing(opened: Opener) -> None:
    """A job is made though the engine cannot be told of it; who looks into the store finds it."""

    class Down(Engine):
        @hookimpl
        def batchjob_engines(self) -> Any:
            return {"down": lambda *_: self}

        def nudge(self, job_id: str) -> None:
            raise ConnectionError(job_id)

    jobs = opened(Offering(Lines()), Down(), engine="down")
    job = jobs.create("lines")
    assert jobs.work(job.id).status is Status.COMPLETED


def test_wait_waits_for_others(jobs: BatchJobs) -> None:
    """`wait` returns what others made of a job, or the job as it is when the time is over."""
    job = jobs.create("lines", dry_run=True)
    assert jobs.wait(job.id, timeout=0.01).status is Status.CREATED
    worker = threading.Thread(target=jobs.work, args=[job.id])
    worker.start()
    assert jobs.wait(job.id, timeout=30).status is Status.PRE_PROCESSED
    worker.join()


def test_listeners_hear_of_each_transition_in_order(opened: Opener) -> None:
    """Plugins are told of a job's changes once they are committed; one that raises harms nobody."""

    class Deaf(Offering):
        @hookimpl
        def batchjob_job_changed(self, job: BatchJob) -> None:
            raise RuntimeError(job.id)

    listening = Listening()
    jobs = opened(Offering(Lines()), Deaf(), listening)
    jobs.work(jobs.create("lines").id)
    assert listening.heard == [
        (1, None, "created"),
        (2, "created", "pre_processed"),
        (3, "pre_processed", "confirmed"),
        (4, "confirmed", "processing"),
        (5, "processing", "completed"),
    ]


def test_a_context_of_an_older_version_is_upgraded(opened: Opener, tmp_path: Path) -> None:
    """A strategy brings old contexts up to date; newer ones wait for a newer strategy."""

    class Second(Lines):
        version = 2

        def upgrade(self, context: Any, from_version: int) -> Any:
            return {**context, "word": f"was {from_version}"}

    first, second = Lines(), Second()
    offering = Offering(first)
    jobs = opened(offering)
    old = jobs.create("lines", {"lines": 1})
    jobs.plugins.registry._owners["lines"] = [("test", second)]
    jobs.work(old.id)
    with jobs.open_result(old.id) as file:
        assert file.read() == b"was 1 0\n"

    new = jobs.create("lines", {"lines": 1})
    jobs.plugins.registry._owners["lines"] = [("test", first)]
    assert jobs.work(new.id).status is Status.CREATED
    assert jobs.standing(new.id).wait is Wait.STRATEGY
    jobs.plugins.registry._owners["lines"] = [("test", second)]
    assert jobs.work(new.id).status is Status.COMPLETED


@pytest.mark.parametrize("lease", [0, -1, 2.9, float("nan"), float("inf")])
def test_a_lease_below_three_seconds_is_refused(opened: Opener, lease: float) -> None:
    """The error says what was given and what would be right."""
    with pytest.raises(InvalidSetting, match="it must be 3 or more"):
        opened(lease=lease)


def test_types_say_what_jobs_can_be_made_of(jobs: BatchJobs) -> None:
    """Each type has its version and the JSON Schema of its context."""
    lines = next(batch_type for batch_type in jobs.types() if batch_type.type == "lines")
    properties: Any = lines.context_schema["properties"]
    assert (lines.version, sorted(properties)) == (1, ["lines", "page", "word"])


def test_a_finish_may_make_no_file(opened: Opener) -> None:
    """A job whose strategy writes nothing completes without a file."""

    class Silent(Lines):
        def finish(self, run: Run[LinesContext], parts: Iterable[Part]) -> None:
            assert [part.outcomes for part in parts] == [Outcomes(created=1)] * 3

    jobs = opened(Offering(Silent()))
    job = jobs.work(jobs.create("lines").id)
    assert job.status is Status.COMPLETED
    with pytest.raises(NoResult):
        jobs.open_result(job.id)


def test_a_chunk_that_kills_its_workers_ends_the_job(opened: Opener) -> None:
    """When the last attempt's worker is gone, the next one to look fails the job and says so."""
    clock = HandClock()
    jobs = opened(Offering(Lines()), clock=clock)
    job = jobs.work(jobs.create("lines").id, until=Status.CONFIRMED)
    for _ in range(5):
        lease = jobs.store.claim(
            "gone", limits=jobs.limits(), seconds=0.01, at=clock.now(), job_id=job.id
        )
        assert lease is not None
        threading.Event().wait(0.03)
    done = jobs.work(job.id)
    assert done.status is Status.FAILED
    assert done.result is not None
    assert [error.code for error in done.result.errors] == ["worker_lost"]


def test_closing_the_jobs_closes_the_strategies(opened: Opener) -> None:
    """A strategy that holds connections lets go of them with the jobs."""
    closed: list[str] = []

    class Holding(Lines):
        def close(self) -> None:
            closed.append(self.batch_type)

    opened(Offering(Holding())).close()
    assert closed == ["lines"]
