"""The promises of the port `Engine`, to be kept by every engine.

Subclass `EngineConformance` in a test module and give it the fixture ``jobs``: jobs that were
opened with the engine, on a store and files that its workers know, with the batch types of
`batchjob.testing.engines.plugin` here and there. The store is a SQL one: its rows say what was
tried.
"""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from batchjob.abc import Engine
from batchjob.batchjobs import BatchJobs
from batchjob.core.job import BatchJob
from batchjob.core.status import Status
from batchjob.testing.promises import promises

__all__ = ["EngineConformance"]

LONG: Final = 30.0
JOBS: Final = 3


class Tampered(Engine):
    """Hands nudges on to *engine* as *deliver* says: it is given all that came so far."""

    def __init__(self, engine: Engine, deliver: Callable[[list[str]], list[str]]) -> None:
        self.engine, self.deliver = engine, deliver
        self.came: list[str] = []

    def nudge(self, job_id: str) -> None:
        """Hand on what is to be delivered now."""
        self.came.append(job_id)
        for each in self.deliver(self.came):
            self.engine.nudge(each)

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()


def engine_of(jobs: BatchJobs) -> Any:
    """Return the engine that was opened with the jobs: nobody but these tests asks for it."""
    return vars(jobs)["_engine"]


def made_with(jobs: BatchJobs, deliver: Callable[[list[str]], list[str]]) -> list[BatchJob]:
    """Make jobs of four chunks whose nudges are handed on as *deliver* says."""
    engine = engine_of(jobs)
    vars(jobs)["_engine"] = Tampered(engine, deliver)
    made = [jobs.create("letters", {"chunks": 4}) for _ in range(JOBS)]
    vars(jobs)["_engine"] = engine
    return made


def attempts(jobs: BatchJobs, job: BatchJob) -> set[int]:
    """Return how often the chunks of a job were claimed, its plan and its finish too."""
    sql = f"SELECT attempts FROM batchjob_chunk WHERE job_id = '{job.id}'"  # noqa: S608 - an id
    with jobs.store.transaction() as connection:
        return set(connection.exec_driver_sql(sql).scalars())


def in_thread(do: Callable[[], Any]) -> Any:
    """Do it in another thread, where no signal comes, and return what it returns."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(do()))
    thread.start()
    thread.join(LONG)
    return results[0]


def done(jobs: BatchJobs, job: BatchJob) -> BatchJob:
    """Return the job when it has ended."""
    return jobs.wait(job.id, timeout=LONG)


def text(jobs: BatchJobs, job: BatchJob) -> str:
    """Return the file of a job, which is completed."""
    assert job.status is Status.COMPLETED, job
    with jobs.open_result(job.id) as file:
        return file.read().decode()


def first_attempts(chunks: int) -> str:
    """Return the file of letters whose chunks were all done at the first attempt."""
    return "".join(f"{number} 1\n" for number in range(chunks))


@promises
class EngineConformance:
    """All that an engine promises.

    Subclass it in a test module, with the fixture ``jobs``: jobs that were opened with the engine
    on SQLite or PostgreSQL, and ``plugins={"engine-tests": plugin}``, where ``plugin`` is the
    module ``batchjob.testing.engines.plugin``. Workers in other processes have it by the entry
    point that `batchjob.testing.engines.installing.install` writes into a folder for their path.
    """

    workers = 2
    """How many chunks it does at once."""

    def test_a_job_is_done(self, jobs: BatchJobs) -> None:
        """A job that is made is done without more, each chunk once, and its file is right."""
        job = done(jobs, jobs.create("letters", {"chunks": 7}))
        assert text(jobs, job) == first_attempts(7)
        assert job.result is not None
        assert (job.result.count, job.result.advancement_count) == (14, 14)

    def test_a_job_without_chunks_is_done(self, jobs: BatchJobs) -> None:
        """A job with nothing to do completes as well."""
        assert done(jobs, jobs.create("empty")).status is Status.COMPLETED

    def test_a_dry_run_is_done_when_it_is_confirmed(self, jobs: BatchJobs) -> None:
        """A dry run is planned and waits; confirming it has it done."""
        job = done(jobs, jobs.create("letters", dry_run=True))
        assert job.status is Status.PRE_PROCESSED
        assert text(jobs, done(jobs, jobs.confirm(job.id))) == first_attempts(5)

    def test_f8_jobs_whose_nudges_are_lost_are_found_by_a_sweep(self, jobs: BatchJobs) -> None:
        """Jobs that the engine never heard of are done all the same, each chunk once."""
        made = made_with(jobs, lambda _: [])
        jobs.sweep()
        for job in made:
            assert text(jobs, done(jobs, job)) == first_attempts(4)
            assert attempts(jobs, job) == {1}

    def test_f9_nudges_that_come_often_and_in_any_order_cost_nothing(self, jobs: BatchJobs) -> None:
        """Of nudges that all come five times, the last one first, each chunk has one attempt."""
        for job in made_with(jobs, lambda came: came[::-1] * 5 if len(came) == JOBS else []):
            assert text(jobs, done(jobs, job)) == first_attempts(4)
            assert attempts(jobs, job) == {1}

    def test_an_unknown_job_does_no_harm(self, jobs: BatchJobs) -> None:
        """A nudge for a job that is not there is of no account, and the next one is heard."""
        engine = engine_of(jobs)
        for nobody in ("batch_00000000000000000000000000", "x", ""):
            try:
                engine.nudge(nobody)
            except LookupError:  # the engine's own way to say so
                continue
        assert text(jobs, done(jobs, jobs.create("letters"))) == first_attempts(5)

    @pytest.mark.parametrize("odd", [
        pytest.param(["exit", "interrupt", "generator", "own"], id="f21"),
        pytest.param(["unprintable", "cyclic", "huge", "nul"], id="f22"),
        pytest.param(["unpicklable"], id="f23"),
    ])  # fmt: skip
    def test_f21_f22_f23_whatever_is_raised_is_an_error_of_its_chunk(
        self, jobs: BatchJobs, odd: list[str]
    ) -> None:
        """Whatever is raised costs an attempt of its chunk alone, and no worker."""
        job = in_thread(lambda: jobs.create("odd", {"raises": [*odd, "none"]}))
        lines = text(jobs, done(jobs, job)).splitlines()
        assert lines == [*(f"{number} 2" for number in range(len(odd))), f"{len(odd)} 1"]
        assert text(jobs, done(jobs, jobs.create("letters"))) == first_attempts(5)

    @pytest.mark.parametrize("context", [
        {"returns": "nan"}, {"returns": "bytes"}, {"returns": "function"}, {"returns": "huge"},
        {"plans": "nan"}, {"plans": "bytes"}, {"plans": "function"},
    ])  # fmt: skip
    def test_f23_what_is_no_json_fails_the_job_alone(
        self, jobs: BatchJobs, context: dict[str, str]
    ) -> None:
        """A result or a plan that cannot be kept fails its job, which says why, and no worker."""
        job = done(jobs, jobs.create("odd", context))
        assert job.status is Status.FAILED
        assert job.result is not None
        (error,) = job.result.errors
        assert error.code == "result_not_serialisable"
        assert error.params["attempts"] == 1
        assert done(jobs, jobs.create("empty")).status is Status.COMPLETED

    def test_progress_is_seen_from_outside(self, jobs: BatchJobs) -> None:
        """While a job is done elsewhere, its advancement grows and never falls."""
        context = {"chunks": 8, "seconds": 0.1}
        thread = threading.Thread(target=lambda: jobs.create("letters", context))
        older = [job.id for job in jobs.list(limit=1).jobs]
        thread.start()
        seen = _progress(jobs, older)
        thread.join(LONG)
        assert seen == sorted(seen)
        assert seen[-1:] == [16]
        assert len(set(seen) - {0, 16}) >= 2

    def test_workers_work_side_by_side(self, jobs: BatchJobs, tmp_path: Path) -> None:
        """As many chunks of one job as there are workers are done at the same time."""
        context = {"chunks": self.workers, "folder": str(tmp_path)}
        job = done(jobs, jobs.create("meeting", context))
        assert text(jobs, job) == first_attempts(self.workers)


def _progress(jobs: BatchJobs, older: Sequence[str]) -> list[int]:
    """Return the advancement of the job after *older*, as it was seen until the job ended."""
    seen: list[int] = []
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        page = jobs.list(limit=1).jobs
        if page and page[0].id not in older and page[0].result is not None:
            seen.append(page[0].result.advancement_count or 0)
            if page[0].status is Status.COMPLETED:
                break
        time.sleep(0.02)
    return seen
