"""A chunk that never comes to its end."""

import threading
from pathlib import Path
from typing import ClassVar

import pytest

from batchjob import BatchJobs, Chunk, Outcomes, Run, Status
from batchjob.worker import loop, pool
from support import Lines, LinesContext, Offering

LONG = 30.0


class Hanging(Lines):
    """Hangs in the second chunk, so many times."""

    time_limit: ClassVar[float | None] = 0.1

    def __init__(self, times: int) -> None:
        self.left, self.gate = times, threading.Event()

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Wait at the gate, where it does not help to be asked to stop."""
        if chunk.seq == 1 and self.left:
            self.left -= 1
            self.gate.wait(LONG)
        return super().work(run, chunk)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweep often, and try a failed chunk again at once."""
    monkeypatch.setattr(pool, "SWEEP", 0.1)
    monkeypatch.setattr(loop, "backoff", lambda _: 0.0)


def test_a_chunk_that_hangs_is_done_by_another_thread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its attempt has failed, the worker is replaced, and what comes late is refused."""
    hanging = Hanging(1)
    url, files = f"sqlite:///{tmp_path}/jobs.db", str(tmp_path / "files")
    with BatchJobs.open(url, files=files, lease=3.0, plugins={"h": Offering(hanging)}) as jobs:
        job = jobs.create("lines")
        workers = jobs.pool(threads=1)
        workers.start()
        done = jobs.wait(job.id, timeout=LONG)
        assert done.status is Status.COMPLETED
        assert done.result is not None
        assert done.result.outcomes == Outcomes(created=3)
        before = threading.active_count()
        hanging.gate.set()
        while threading.active_count() >= before:  # who hung comes back, and ends
            threading.Event().wait(0.01)
        workers.drain()
        assert workers.join()
        with jobs.open_result(job.id) as file:
            assert file.read() == b"line 0\nline 1\nline 2\n"
    assert "was not done within its time limit of 0.1 s" in caplog.text
    assert "another thread goes on without it" in caplog.text


def test_a_chunk_that_always_hangs_fails_its_job(tmp_path: Path) -> None:
    """The error names the chunk, its attempts and the limit."""
    hanging = Hanging(100)
    url, files = f"sqlite:///{tmp_path}/jobs.db", str(tmp_path / "files")
    with BatchJobs.open(url, files=files, lease=3.0, plugins={"h": Offering(hanging)}) as jobs:
        job = jobs.create("lines")
        workers = jobs.pool(threads=2)
        workers.start()
        failed = jobs.wait(job.id, timeout=LONG)
        hanging.gate.set()
        workers.drain()
        workers.join()
        assert failed.status is Status.FAILED
        assert failed.result is not None
        (error,) = failed.result.errors
        assert (error.code, error.params["chunk"], error.params["attempts"]) == ("time_limit", 1, 5)
        assert "work chunk 1" in error.message
