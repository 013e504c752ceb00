"""The suite for engines: each promise is seen to be broken by an engine that breaks it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs, Engine
from batchjob.core.chunks import Lease
from batchjob.errors import BatchJobError, UnknownJob
from batchjob.testing.engines import conformance, plugin
from batchjob.testing.engines.conformance import EngineConformance
from batchjob.testing.promises import promise_of


class Whole(Engine):
    """Keeps the promises: two threads for each nudge do all that there is to be done for a job."""

    threads = 2

    def __init__(self, jobs: BatchJobs) -> None:
        self.jobs = jobs
        self.nudged = list[str]()
        self.begun = list[threading.Thread]()

    def nudge(self, job_id: str) -> None:
        """Begin."""
        self.nudged.append(job_id)
        for _ in range(self.threads):
            self.begun.append(threading.Thread(target=self.work, args=[job_id], daemon=True))
            self.begun[-1].start()

    def work(self, job_id: str) -> None:
        """Work on a job until it ends or waits."""
        try:
            self.jobs.work(job_id)
        except UnknownJob:
            return
        except BatchJobError:
            self.work(job_id)  # another thread was faster

    def close(self) -> None:
        """Wait for the threads."""
        for each in self.begun:
            each.join(conformance.LONG)


class Idle(Whole):
    """Does nothing."""

    threads = 0


class Once(Whole):
    """Does not hear of a job again."""

    threads = 1

    def nudge(self, job_id: str) -> None:
        """Hear of it, the first time."""
        if job_id not in self.nudged:
            super().nudge(job_id)


class Forgetful(Whole):
    """Does not mind what a sweep has found."""

    def remind(self, job_ids: Iterable[str]) -> None:
        """Do nothing."""


class Wasteful(Whole):
    """Spends an attempt on each nudge that it has heard already."""

    def nudge(self, job_id: str) -> None:
        """Fail a chunk, and begin."""
        if job_id in self.nudged:
            self.jobs.worker().step(job_id, claimed=self.fail)
        self.nudged.append(job_id)
        if self.nudged.count(job_id) > 1:
            self.work(job_id)

    def fail(self, lease: Lease) -> None:
        """Fail it."""
        raise RuntimeError(lease.kind)


class Strict(Whole):
    """Knows its own jobs alone, and breaks over others."""

    def nudge(self, job_id: str) -> None:
        """Look it up."""
        if not job_id.startswith("batch_0") or job_id.endswith("00000"):
            raise ValueError(job_id)
        super().nudge(job_id)


class Fragile(Whole):
    """Ends for good with the first error."""

    is_broken = False

    def work(self, job_id: str) -> None:
        """Work, chunk by chunk."""
        while not self.is_broken and self.jobs.worker().step(job_id, claimed=self.look):
            self.is_broken = bool(self.jobs.get(job_id).failed_at)

    def look(self, lease: Lease) -> None:
        """Give up where something was tried before."""
        self.is_broken = self.is_broken or lease.attempt > 1


class Single(Whole):
    """Does one chunk at a time."""

    threads = 1


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchJobs]:
    """Jobs that no engine works on yet; nothing is waited for long."""
    monkeypatch.setattr(conformance, "LONG", 3.0)
    store = f"sqlite:///{tmp_path}/jobs.db"
    given = {"engine-tests": plugin}
    with BatchJobs.open(store, files=str(tmp_path / "files"), plugins=given) as opened:
        yield opened


def with_engine(jobs: BatchJobs, engine: Engine) -> BatchJobs:
    """Have an engine work on the jobs."""
    vars(jobs)["_engine"] = engine
    return jobs


def arguments(promise: str, jobs: BatchJobs, folder: Path) -> dict[str, Any]:
    """Return what the test of a promise is given."""
    more: dict[str, Any] = {"jobs": jobs}
    if promise.startswith("f21"):
        more["odd"] = ["own"]
    if promise.startswith("f23"):
        more["context"] = {"returns": "nan"}
    if "side_by_side" in promise:
        more["tmp_path"] = folder
    return more


BROKEN = [
    (Idle, "a_job_is_done"),
    (Idle, "a_job_without_chunks_is_done"),
    (Once, "a_dry_run_is_done_when_it_is_confirmed"),
    (Forgetful, "f8_jobs_whose_nudges_are_lost_are_found_by_a_sweep"),
    (Wasteful, "f9_nudges_that_come_often_and_in_any_order_cost_nothing"),
    (Strict, "an_unknown_job_does_no_harm"),
    (Fragile, "f21_f22_f23_whatever_is_raised_is_an_error_of_its_chunk"),
    (Fragile, "f23_what_is_no_json_fails_the_job_alone"),
    (Idle, "progress_is_seen_from_outside"),
    (Single, "workers_work_side_by_side"),
]


@pytest.mark.parametrize(("broken", "promise"), BROKEN)
def test_a_broken_promise_is_found(
    broken: type[Whole], promise: str, jobs: BatchJobs, tmp_path: Path
) -> None:
    """The test that is called as the promise fails for an engine that breaks it."""
    tried: Callable[..., None] = getattr(EngineConformance(), f"test_{promise}")
    given = arguments(promise, with_engine(jobs, broken(jobs)), tmp_path)
    with pytest.raises((AssertionError, TimeoutError, ValueError)) as found:
        tried(**given)
    assert promise_of(tried) in found.value.__notes__


@pytest.mark.parametrize("promise", [promise for _, promise in BROKEN])
def test_a_whole_engine_keeps_them(promise: str, jobs: BatchJobs, tmp_path: Path) -> None:
    """The same tests pass for one that is not broken, so that it is the break that is found."""
    tried: Callable[..., None] = getattr(EngineConformance(), f"test_{promise}")
    tried(**arguments(promise, with_engine(jobs, Whole(jobs)), tmp_path))


def test_every_promise_has_been_broken() -> None:
    """No promise of the suite is without an engine that breaks it."""
    promised = {name for name in vars(EngineConformance) if name.startswith("test_")}
    assert promised == {f"test_{promise}" for _, promise in BROKEN}
