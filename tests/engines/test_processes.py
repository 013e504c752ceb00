import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs, Settings, Status
from batchjob.batchjobs import SystemClock
from batchjob.engines.environment import from_environment, to_environment
from batchjob.errors import InvalidSetting
from batchjob.testing.engines.conformance import LONG, EngineConformance, done, first_attempts, text


@pytest.fixture
def jobs(installed: Path, tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs that two processes work on."""
    with _opened(tmp_path) as opened:
        yield opened


class TestProcesses(EngineConformance):
    """The engine of processes keeps the promises."""

    def test_the_workers_are_other_processes(self, jobs: BatchJobs, tmp_path: Path) -> None:
        """Chunks that are done at the same time are done by two children of this process."""
        job = jobs.create("meeting", {"chunks": 2, "folder": str(tmp_path)})
        done(jobs, job)
        pids = {int(path.read_text()) for path in tmp_path.glob("came-*")}
        assert len(pids) == 2
        assert pids == set(_children())


@pytest.mark.parametrize("setting", ["processes", "processes:0", "processes:1001"])
def test_a_number_is_needed(setting: str, tmp_path: Path) -> None:
    """Without a number of processes, or with one that is none, opening is refused."""
    with pytest.raises(InvalidSetting, match="such as processes:4"):
        BatchJobs.open(f"sqlite:///{tmp_path}/jobs.db", engine=setting)


@pytest.mark.parametrize(
    ("store", "options", "reason"),
    [
        ("memory:", {}, "the store is in the memory of this process"),
        (
            "sqlite:",
            {"plugins": {"mine": object()}},
            "the plugin mine is an object of this process",
        ),
        ("sqlite:", {"disable": ["products"]}, "the plugin products is left out here"),
        ("sqlite:", {"clock": SystemClock()}, "the clock is an object of this process"),
    ],
    ids=["memory", "plugins", "disable", "clock"],
)
def test_what_other_processes_cannot_have_is_refused(
    tmp_path: Path, store: str, options: dict[str, Any], reason: str
) -> None:
    """What another process would have otherwise, or not at all, is refused with the reason."""
    url = store.replace("sqlite:", f"sqlite:///{tmp_path}/jobs.db")
    with pytest.raises(InvalidSetting, match=f"{reason}; use threads:2"):
        BatchJobs.open(url, engine="processes:2", **options)


def test_processes_start_with_the_first_job_and_end_with_the_jobs(
    installed: Path, tmp_path: Path
) -> None:
    """Opening starts no process, a job does, and closing ends them all."""
    jobs = _opened(tmp_path)
    assert not _children()
    done(jobs, jobs.create("letters"))
    assert len(_children()) == 2
    jobs.close()
    assert not _children()


def test_closing_waits_for_chunks_that_are_being_done(installed: Path, tmp_path: Path) -> None:
    """A chunk that was begun is ended before closing returns, and none is begun after."""
    jobs = _opened(tmp_path, engine="processes:1")
    job = jobs.create("gated", {"chunks": 2, "folder": str(tmp_path)})
    _until((tmp_path / "reached-0").exists)
    threading.Timer(0.3, (tmp_path / "gate").touch).start()
    jobs.close()
    assert not (tmp_path / "reached-1").exists()
    found = jobs.get(job.id).result
    assert found is not None
    assert found.advancement_count == 2


def test_a_process_that_dies_is_started_again(installed: Path, tmp_path: Path) -> None:
    """A killed worker costs its chunk an attempt; another one takes its place, and goes on."""
    with _opened(tmp_path, engine="processes:1", lease=3) as jobs:
        job = jobs.create("gated", {"chunks": 2, "folder": str(tmp_path)})
        _until((tmp_path / "reached-0").exists)
        os.kill(int((tmp_path / "reached-0").read_text()), signal.SIGKILL)
        (tmp_path / "gate").touch()
        assert text(jobs, done(jobs, job)) == "0 2\n1 1\n"


def test_f38_a_chunk_that_kills_its_process_fails_the_job(installed: Path, tmp_path: Path) -> None:
    """A chunk that kills its worker each time ends its job, and other jobs go on."""
    with _opened(tmp_path, lease=3) as jobs:
        job = jobs.create("deadly", {"chunks": 2, "folder": str(tmp_path)})
        assert text(jobs, done(jobs, jobs.create("letters"))) == first_attempts(5)
        _until(lambda: jobs.get(job.id).status is not Status.PROCESSING)
        failed = jobs.get(job.id)
    assert failed.status is Status.FAILED
    assert (tmp_path / "deaths").read_text().split() == ["1", "2", "3", "4", "5"]
    assert failed.result is not None
    (error,) = failed.result.errors
    assert (error.code, error.params["seq"]) == ("worker_lost", 1)
    assert "work 1 was given up" in error.message


HOST = """
import sys, time
from batchjob import BatchJobs
jobs = BatchJobs.open(sys.argv[1], files=sys.argv[2], engine="processes:2")
jobs.create("meeting", {"chunks": 2, "folder": sys.argv[2]})
time.sleep(60)
"""


def test_processes_end_when_their_parent_is_killed(installed: Path, tmp_path: Path) -> None:
    """Workers whose parent was killed end by themselves."""
    store = f"sqlite:///{tmp_path}/jobs.db"
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, store, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(installed)},
    )
    _until(lambda: len(list(tmp_path.glob("came-*"))) == 2)
    pids = [int(path.read_text()) for path in tmp_path.glob("came-*")]
    host.kill()
    host.wait(LONG)
    _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_settings_survive_the_environment() -> None:
    """What a process is told by its environment is what the other one was opened with."""
    settings = Settings(
        store="postgresql://u:p@h/d",
        files="s3://b/f",
        engine="processes:2",
        catalog="sqlite:///c.db",
        lease=4.5,
        actor_jobs=3,
        retention=90000.0,
        options={"a": "ü b"},
    )
    told = to_environment(settings)
    assert "BATCHJOB_ENGINE" not in told
    assert from_environment({**told, "BATCHJOB_ENGINE": "processes:2"}) == settings
    assert from_environment({}) == Settings()


@pytest.mark.parametrize("name", ["LEASE", "ACTOR_JOBS", "RETENTION", "OPTIONS"])
def test_a_setting_that_cannot_be_read_is_named(name: str) -> None:
    """A variable that makes no sense is named in the error."""
    with pytest.raises(InvalidSetting, match=f"BATCHJOB_{name} is"):
        from_environment({f"BATCHJOB_{name}": "{soon"})


def _opened(folder: Path, *, engine: str = "processes:2", lease: float = 30.0) -> BatchJobs:
    return BatchJobs.open(
        f"sqlite:///{folder}/jobs.db", files=str(folder / "files"), engine=engine, lease=lease
    )


def _children() -> list[int]:
    """Return the processes of this one that run a worker."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
            command = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == os.getpid() and b"--follow-stdin" in command:
            found.append(int(path.name))
    return found


def _until(is_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not is_true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
