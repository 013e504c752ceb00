"""The promises of the port `Engine`, to be kept by every engine.

Subclass `EngineConformance` in a test module and give it the fixture ``jobs``: jobs that were
opened with the engine, on a store and files that its workers know, and with the plugin that
``plugin_folder`` holds installed.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from batchjob import BatchJob, BatchJobs, Engine, Status

LONG: Final = 30.0


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


class EngineConformance:
    """All that an engine promises."""

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

    @pytest.mark.parametrize(
        "deliver",
        [
            pytest.param(lambda came: came[-1:] * 5, id="five times"),
            pytest.param(lambda came: came[::-1] if len(came) == 3 else [], id="reversed"),
            pytest.param(lambda _: [], id="lost"),
        ],
    )
    def test_nudges_change_nothing_but_latency(
        self, jobs: BatchJobs, deliver: Callable[[list[str]], list[str]]
    ) -> None:
        """Nudges that are repeated, reordered or lost leave each chunk with one attempt."""
        engine: Any = jobs._engine
        jobs._engine = Tampered(engine, deliver)
        made = [jobs.create("letters", {"chunks": 4}) for _ in range(3)]
        jobs._engine = engine
        jobs.sweep()
        for job in made:
            assert text(jobs, done(jobs, job)) == first_attempts(4)

    def test_an_unknown_job_does_no_harm(self, jobs: BatchJobs) -> None:
        """A nudge for a job that is not there is of no account, and the next one is heard."""
        engine: Any = jobs._engine
        for nobody in ("batch_00000000000000000000000000", "x", ""):
            try:
                engine.nudge(nobody)
            except LookupError:  # the engine's own way to say so
                continue
        assert text(jobs, done(jobs, jobs.create("letters"))) == first_attempts(5)

    def test_what_a_strategy_raises_is_recorded(self, jobs: BatchJobs) -> None:
        """Whatever is raised costs an attempt of its chunk alone, and no worker."""
        odd = ["exit", "interrupt", "generator", "own", "unprintable", "unpicklable", "cyclic"]
        job = in_thread(lambda: jobs.create("odd", {"raises": [*odd, "huge", "nul", "none"]}))
        lines = text(jobs, done(jobs, job)).splitlines()
        assert lines == [*(f"{number} 2" for number in range(9)), "9 1"]
        assert text(jobs, done(jobs, jobs.create("letters"))) == first_attempts(5)

    @pytest.mark.parametrize("context", [
        {"returns": "nan"}, {"returns": "bytes"}, {"returns": "set"}, {"returns": "huge"},
        {"plans": "nan"}, {"plans": "bytes"}, {"plans": "set"},
    ])  # fmt: skip
    def test_what_is_no_json_fails_the_job_alone(
        self, jobs: BatchJobs, context: dict[str, str]
    ) -> None:
        """A result or a plan that cannot be kept fails its job, which says why."""
        job = done(jobs, jobs.create("odd", context))
        assert job.status is Status.FAILED
        assert job.result is not None
        (error,) = job.result.errors
        assert error.code == "invalid_strategy"

    def test_progress_is_seen_from_outside(self, jobs: BatchJobs) -> None:
        """While a job is done elsewhere, its advancement grows and never falls."""
        context = {"chunks": 8, "seconds": 0.1}
        thread = threading.Thread(target=lambda: jobs.create("letters", context))
        thread.start()
        seen = _progress(jobs)
        thread.join(LONG)
        assert seen == sorted(seen)
        assert seen[-1] == 16
        assert len(set(seen) - {0, 16}) >= 2

    def test_workers_work_side_by_side(self, jobs: BatchJobs, tmp_path: Path) -> None:
        """As many chunks of one job as there are workers are done at the same time."""
        context = {"chunks": self.workers, "folder": str(tmp_path)}
        job = done(jobs, jobs.create("meeting", context))
        assert text(jobs, job) == first_attempts(self.workers)


def _progress(jobs: BatchJobs) -> list[int]:
    """Return the advancement of the newest job, as it was seen until the job ended."""
    seen: list[int] = []
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        page = jobs.list(limit=1).jobs
        if page and page[0].result is not None:
            seen.append(page[0].result.advancement_count or 0)
            if page[0].status is Status.COMPLETED:
                break
        time.sleep(0.02)
    return seen
