import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchjob import BatchJobs, Status
from batchjob.abc import GRACE
from batchjob.core.chunks import ChunkState
from batchjob.stores.schema import upgrade
from batchjob.testing.engines.conformance import first_attempts, text
from batchjob.testing.engines.installing import install
from cli.harness import LONG, Cli
from engines.brokers import Proxy
from stores.databases import new_postgresql

Until = Callable[[Callable[[], object]], None]
LEASE = 3.0


@pytest.fixture
def cli(cli: Cli, tmp_path: Path) -> Cli:
    """The command line, with strategies that workers are tried with."""
    cli.environ["PYTHONPATH"] = str(install(tmp_path / "site"))
    cli.environ["BATCHJOB_LEASE"] = str(LEASE)
    return cli


@pytest.fixture
def jobs(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchJobs]:
    """The jobs that the command line's workers work on."""
    monkeypatch.syspath_prepend(cli.environ["PYTHONPATH"])
    store, files = f"sqlite:///{cli.folder}/batchjob.db", str(cli.folder / "batchjob-files")
    with BatchJobs.open(store, files=files, lease=LEASE) as opened:
        yield opened


def _context(cli: Cli, chunks: int) -> dict[str, object]:
    return {"chunks": chunks, "folder": str(cli.folder)}


def _reached(cli: Cli) -> int:
    return len(list(cli.folder.glob("reached-*")))


def _stopped(worker: subprocess.Popen[str], signum: int) -> str:
    """Send the signal and return what the worker said by its end."""
    worker.send_signal(signum)
    return worker.communicate(timeout=LONG)[1]


def test_a_worker_works_until_it_is_told_to_end(cli: Cli, jobs: BatchJobs) -> None:
    """It says what it serves, does the jobs there are and those that come, and ends with 0."""
    first = jobs.create("letters")
    worker = cli.start("worker", "--concurrency", "2", "--types", "letters,empty", "--types", "odd")
    assert jobs.wait(first.id, timeout=LONG).status is Status.COMPLETED
    second = jobs.wait(jobs.create("letters").id, timeout=LONG)
    assert text(jobs, second) == first_attempts(5)
    other = jobs.create("meeting")
    said = _stopped(worker, signal.SIGTERM)
    assert worker.returncode == 0
    assert f"worker {worker.pid} works on the jobs of sqlite:///batchjob.db" in said
    assert "2 chunks at once, leases of 3 s; batch types: letters, empty, odd" in said
    assert jobs.get(other.id).status is Status.CREATED


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_idle_worker_ends_at_once(cli: Cli, jobs: BatchJobs, signum: int) -> None:
    """A worker with nothing to do ends with status 0 as soon as it is told to."""
    worker = cli.start("worker")
    jobs.wait(jobs.create("empty").id, timeout=LONG)
    began = time.monotonic()
    _stopped(worker, signum)
    assert worker.returncode == 0
    assert time.monotonic() - began < 3


def test_f18_running_chunks_are_ended_before_the_worker(
    cli: Cli, jobs: BatchJobs, until: Until
) -> None:
    """After SIGTERM no chunk begins; those that run end, and the worker with status 0."""
    job = jobs.create("gated", _context(cli, 6))
    worker = cli.start("worker", "--concurrency", "4")
    until(lambda: _reached(cli) == 4)
    worker.terminate()
    time.sleep(0.5)
    (cli.folder / "gate").touch()
    assert worker.wait(LONG) == 0
    standing = jobs.standing(job.id)
    assert dict(standing.chunks) == {ChunkState.DONE: 4, ChunkState.READY: 2}
    assert _reached(cli) == 4
    assert text(jobs, jobs.work(job.id)) == first_attempts(6)


def test_f18_chunks_that_take_too_long_are_given_back(
    cli: Cli, jobs: BatchJobs, until: Until
) -> None:
    """What is not done when the grace is over is free for others, no attempt spent."""
    assert GRACE == 25.0
    cli.environ["BATCHJOB_GRACE"] = "0.5"
    job = jobs.create("deaf", _context(cli, 4))
    worker = cli.start("worker", "--concurrency", "4")
    until(lambda: _reached(cli) == 4)
    began = time.monotonic()
    _stopped(worker, signal.SIGTERM)
    assert worker.returncode == 0
    assert time.monotonic() - began < 2.5
    standing = jobs.standing(job.id)
    assert (standing.workers, standing.seconds, standing.attempts) == (0, 0, 0)
    (cli.folder / "gate").touch()
    assert text(jobs, jobs.work(job.id)) == first_attempts(4)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_f19_a_second_signal_ends_the_worker_at_once(
    cli: Cli, jobs: BatchJobs, until: Until, signum: int
) -> None:
    """While chunks are being ended, a second signal ends all; their leases run out."""
    job = jobs.create("deaf", _context(cli, 2))
    worker = cli.start("worker", "--concurrency", "2")
    until(lambda: _reached(cli) == 2)
    worker.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    began = time.monotonic()
    _stopped(worker, signum)
    assert time.monotonic() - began < 1
    assert worker.returncode == 128 + signum
    (cli.folder / "gate").touch()
    assert text(jobs, jobs.work(job.id)) == "0 2\n1 2\n"


def test_f3_a_worker_that_stood_still_goes_on(cli: Cli, jobs: BatchJobs, until: Until) -> None:
    """A worker that was stopped for three leases is refused what it did, and works on."""
    job = jobs.create("deaf", _context(cli, 1))
    stopped = cli.start("worker")
    until(lambda: _reached(cli) == 1)
    stopped.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    until(lambda: jobs.standing(job.id).workers == 0)
    (cli.folder / "gate").touch()
    assert text(jobs, jobs.work(job.id)) == "0 2\n"
    time.sleep(max(0, began + 3 * LEASE - time.monotonic()))
    stopped.send_signal(signal.SIGCONT)
    after = jobs.wait(jobs.create("letters").id, timeout=LONG)
    assert text(jobs, after) == first_attempts(5)
    assert text(jobs, jobs.get(job.id)) == "0 2\n"
    said = _stopped(stopped, signal.SIGTERM)
    assert f"on work 0 of job {job.id} is lost" in said


def test_a_store_that_goes_away_is_waited_for(
    cli: Cli, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose store is gone for a while says so once, and works when it is back."""
    monkeypatch.syspath_prepend(cli.environ["PYTHONPATH"])
    with new_postgresql() as url:
        upgrade(url)
        proxy = Proxy("127.0.0.1", 5432)
        through = url.replace(":5432/", f":{proxy.port}/")
        worker = cli.start("worker", "--store", through)
        files = str(cli.folder / "batchjob-files")
        with BatchJobs.open(url, files=files) as jobs:
            jobs.wait(jobs.create("letters").id, timeout=LONG)
            proxy.cut()
            job = jobs.create("letters")
            time.sleep(2.5)
            assert jobs.get(job.id).status is Status.CREATED
            proxy.mend()
            assert text(jobs, jobs.wait(job.id, timeout=LONG)) == first_attempts(5)
        said = _stopped(worker, signal.SIGTERM)
        proxy.cut()
    assert worker.returncode == 0
    assert said.count("is out of reach, and is tried again") == 1


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (["--types", "lettres"], 2, "did you mean letters?"),
        (["--concurrency", "0"], 2, "0 is not in the range"),
        (["--lease", "2.9"], 2, "must be 3 or more"),
        (["--store", "memory:"], 2, "the store is in the memory of this process"),
        (["--store", "redis://u:geheim@host/0"], 2, "unknown store scheme 'redis'"),
        (["--engine", "celery"], 2, "needs a broker"),
        (["--store", "sqlite:///nope/batchjob.db"], 3, "cannot be opened"),
        (["--store", "sqlite:///text.db"], 3, "is not a SQLite database"),
        (["--store", "postgresql://user:geheim@127.0.0.1:1/jobs"], 3, "is out of reach"),
    ],
)
def test_what_a_worker_cannot_work_with_ends_it(
    cli: Cli, args: list[str], status: int, words: str
) -> None:
    """A worker that could do nothing ends at once, with one line that says why."""
    (cli.folder / "text.db").write_text("This is a text, and was never a database." * 50)
    done = cli("worker", *args)
    assert (done.returncode, done.stdout) == (status, "")
    (said,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert words in said
    assert "geheim" not in done.stderr


def test_f33_a_newer_store_ends_a_worker(cli: Cli, jobs: BatchJobs) -> None:
    """A store that a newer batchjob made is not touched: status 3, and what to do is said."""
    with sqlite3.connect(cli.folder / "batchjob.db") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master")]
        (version,) = [name for name in tables if "version" in name and "autoindex" not in name]
        database.execute(f"UPDATE {version} SET version_num = 'from_the_future'")  # noqa: S608
    database.close()
    done = cli("worker")
    assert done.returncode == 3
    assert "was made by a newer batchjob" in done.stderr
    assert "install that one here too" in done.stderr


def test_f33_a_store_without_tables_ends_a_worker(cli: Cli) -> None:
    """A server's database that was not brought up is refused with the command: status 3."""
    with new_postgresql() as url:
        done = cli("worker", "--store", url)
    assert done.returncode == 3
    assert "bring it up with: batchjob db upgrade" in " ".join(done.stderr.split())


def test_a_store_that_may_not_be_written_to_ends_a_worker(cli: Cli) -> None:
    """A store that takes reads only is refused before any work is looked for: status 3."""
    with new_postgresql() as url:
        upgrade(url)
        done = cli("worker", "--store", f"{url}?options=-c%20default_transaction_read_only%3Don")
    assert done.returncode == 3
    assert "takes reads only" in done.stderr


def test_a_worker_starts_no_workers(cli: Cli, jobs: BatchJobs) -> None:
    """An engine that would start workers of its own has nothing to do for a worker."""
    worker = cli.start("worker", "--engine", "processes:2")
    jobs.wait(jobs.create("letters").id, timeout=LONG)
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
    assert not children.exists() or not children.read_text().split()
    _stopped(worker, signal.SIGTERM)
    assert worker.returncode == 0


def test_a_pipe_that_ends_drains_a_worker(cli: Cli, jobs: BatchJobs) -> None:
    """With --follow-stdin a line has it look for work, and the end of its input ends it."""
    worker = cli.start("worker", "--follow-stdin", stdin=subprocess.PIPE)
    assert worker.stdin is not None
    job = jobs.create("letters")
    worker.stdin.write("\n")
    worker.stdin.flush()
    assert jobs.wait(job.id, timeout=LONG).status is Status.COMPLETED
    assert worker.communicate(timeout=LONG) == ("", "")
    assert worker.returncode == 0


def test_options_for_plugins_are_read(cli: Cli) -> None:
    """What plugins read of their own comes as JSON in the environment, or is refused."""
    done = cli("worker", BATCHJOB_OPTIONS=json.dumps([os.getpid()]))
    assert done.returncode == 2
    assert "BATCHJOB_OPTIONS is no JSON object of texts" in done.stderr
