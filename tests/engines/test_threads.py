import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchjob import BatchJobs
from batchjob.errors import InvalidSetting
from batchjob.testing.engines.conformance import LONG, EngineConformance, done, first_attempts, text


@pytest.fixture
def jobs(installed: Path, tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs that threads of this process work on."""
    with BatchJobs.open(
        f"sqlite:///{tmp_path}/jobs.db", files=str(tmp_path / "files"), engine="threads:2"
    ) as opened:
        yield opened


class TestThreads(EngineConformance):
    """The engine of threads keeps the promises."""


@pytest.mark.parametrize("setting", ["threads", "threads:", "threads:0", "threads:x", "threads:٣"])
def test_a_number_is_needed(setting: str) -> None:
    """Without a number of threads, or with one that is none, opening is refused."""
    with pytest.raises(InvalidSetting, match="such as threads:4"):
        BatchJobs.open("memory:", engine=setting)


def test_threads_start_with_the_first_job_and_end_with_the_jobs(installed: Path) -> None:
    """Opening starts no thread, a job does, and closing ends them all."""
    before = set(threading.enumerate())
    jobs = BatchJobs.open("memory:", engine="threads:3")
    assert set(threading.enumerate()) == before
    done(jobs, jobs.create("letters"))
    names = {thread.name for thread in set(threading.enumerate()) - before}
    assert {f"batchjob-worker-{number}" for number in range(3)} <= names
    jobs.close()
    assert set(threading.enumerate()) == before


def test_what_was_left_unfinished_starts_the_threads(installed: Path, tmp_path: Path) -> None:
    """Jobs that an earlier process left behind are done without a word from anybody."""
    store, files = f"sqlite:///{tmp_path}/jobs.db", str(tmp_path / "files")
    with BatchJobs.open(store, files=files) as jobs:
        job = jobs.create("letters")
    with BatchJobs.open(store, files=files, engine="threads:1") as jobs:
        assert text(jobs, done(jobs, job)) == first_attempts(5)


def test_closing_waits_for_chunks_that_are_being_done(installed: Path, tmp_path: Path) -> None:
    """A chunk that was begun is ended before closing returns, and none is begun after."""
    jobs = BatchJobs.open("memory:", files=str(tmp_path), engine="threads:1")
    job = jobs.create("gated", {"chunks": 2, "folder": str(tmp_path)})
    _until(tmp_path / "reached-0")
    threading.Timer(0.3, (tmp_path / "gate").touch).start()
    jobs.close()
    assert not (tmp_path / "reached-1").exists()
    assert jobs.standing(job.id).workers == 0
    found = jobs.get(job.id).result
    assert found is not None
    assert found.advancement_count == 2


def test_f20_a_forked_process_has_threads_of_its_own(installed: Path, tmp_path: Path) -> None:
    """After a fork the child works with threads of its own, and the parent with its own."""
    with BatchJobs.open(
        f"sqlite:///{tmp_path}/jobs.db", files=str(tmp_path / "files"), engine="threads:1"
    ) as jobs:
        done(jobs, jobs.create("letters"))
        child = os.fork()
        if child == 0:
            status = 1
            try:
                found = text(jobs, done(jobs, jobs.create("letters")))
                status = 0 if found == first_attempts(5) else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert text(jobs, done(jobs, jobs.create("letters"))) == first_attempts(5)


def _until(path: Path) -> None:
    pause = threading.Event()
    for _ in range(int(LONG / 0.02)):
        if path.exists():
            return
        pause.wait(0.02)
    pytest.fail(f"{path.name} never came")
