import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from batchjob.abc import Store
from batchjob.batchjobs import BatchJobs
from batchjob.cli.interrupts import Interrupted, UntornStore, interruptible
from batchjob.core.chunks import Lease
from batchjob.core.job import BatchJob, Terms
from batchjob.stores.memory import MemoryStore
from cli import sample_plugin
from cli.harness import LONG, Cli

Until = Callable[[Callable[[], object]], None]


def test_ctrl_c_leaves_the_job_to_be_gone_on_with(cli: Cli, until: Until) -> None:
    """After Ctrl-C the job is left as it is, status 130; work goes on, and repeats no chunk."""
    context = cli.counting(chunks=5, gate=str(cli.gate))
    options = ("--store", "sqlite:///s.db", "--files", "f")
    process = cli.start("run", "count-up", "--context", context, *options)
    until((cli.folder / "reached").exists)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=LONG)
    assert (process.returncode, stdout) == (130, "")
    last = stderr.splitlines()[-1]
    job = last.partition("batchjob work ")[2].split()[0]
    assert last.endswith(f"go on with: batchjob work {job} --store sqlite:///s.db --files f")
    cli.gate.touch()
    done = cli.job("work", job, *options)
    assert done["status"] == "completed"
    assert cli.recorded == ["0", "1", "2", "3", "4"]


def test_sigterm_counts_as_ctrl_c(cli: Cli, until: Until) -> None:
    """A program that is asked to end gives its chunk back at once, and ends with 143."""
    context = cli.counting(chunks=5, gate=str(cli.gate))
    process = cli.start("run", "count-up", "--context", context)
    until((cli.folder / "reached").exists)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=LONG)
    assert process.returncode == 143
    cli.gate.touch()
    job = stderr.partition("batchjob work ")[2].split()[0]
    done = cli("work", job)
    assert (done.returncode, "waiting" in done.stderr) == (0, False)


def test_a_second_ctrl_c_exits_at_once(cli: Cli, until: Until) -> None:
    """A second Ctrl-C ends the program whatever it does, with status 130."""
    process = cli.start("run", "stubborn")
    for name in ("first", "second"):
        until((cli.folder / name).exists)
        process.send_signal(signal.SIGINT)
    assert process.wait(LONG) == 130


class Interrupting(MemoryStore):
    """A store in which Ctrl-C comes when a chunk was just claimed."""

    def claim(self, *args: Any, **options: Any) -> Lease | None:
        """Claim, and interrupt."""
        lease = super().claim(*args, **options)
        os.kill(os.getpid(), signal.SIGINT)
        return lease


def test_ctrl_c_while_a_chunk_is_claimed_gives_it_back() -> None:
    """An interrupt that comes as a chunk is claimed leaves it free, with no attempt paid."""
    with interruptible(), BatchJobs.open("memory:", plugins={"sample": sample_plugin}) as jobs:
        store = Interrupting()
        jobs.store = cast("Store", UntornStore(store))
        job = jobs.create("count-up")
        with pytest.raises(Interrupted):
            jobs.work(job.id)
        assert store.next_claim(job.id) == 0
        lease = MemoryStore.claim(store, "w", limits=jobs.limits(), seconds=9, at=jobs.clock.now())
    assert lease is not None
    assert lease.attempt == 1


class InterruptingEarly(MemoryStore):
    """A store in which Ctrl-C comes when a job was just made."""

    def create(self, job: BatchJob, terms: Terms) -> BatchJob:
        """Create, and interrupt."""
        made = super().create(job, terms)
        os.kill(os.getpid(), signal.SIGINT)
        return made


def test_ctrl_c_while_a_job_is_made_still_tells_its_id() -> None:
    """An interrupt that comes as a job is made is raised once its id is known."""
    with interruptible(), BatchJobs.open("memory:", plugins={"sample": sample_plugin}) as jobs:
        jobs.store = cast("Store", UntornStore(InterruptingEarly()))
        job = jobs.create("count-up")
        with pytest.raises(Interrupted):
            jobs.work(job.id)


def test_a_lost_worker_is_waited_for(cli: Cli, until: Until) -> None:
    """A chunk of a worker that was killed is waited for, which is said, and then done once."""
    context = cli.counting(chunks=4, gate=str(cli.gate))
    process = cli.start("run", "count-up", "--context", context, "--lease", "6")
    until((cli.folder / "reached").exists)
    process.kill()
    _, stderr = process.communicate(timeout=LONG)
    job = stderr.split()[2]
    cli.gate.touch()
    done = cli("work", job, "--lease", "3")
    assert done.returncode == 0
    assert "waiting, about" in done.stderr
    assert sorted(cli.recorded) == ["0", "1", "2", "3"]


def test_a_store_that_goes_away_says_how_to_go_on(cli: Cli, until: Until) -> None:
    """When the store is lost on the way, status 3 and the command to go on with are given."""
    context = cli.counting(chunks=4, gate=str(cli.gate))
    process = cli.start("run", "count-up", "--context", context)
    until((cli.folder / "reached").exists)
    for path in cli.folder.glob("batchjob.db*"):
        _spoil(path)
    cli.gate.touch()
    _, stderr = process.communicate(timeout=LONG)
    assert process.returncode == 3
    assert "go on with: batchjob work batch_" in stderr
    assert "Traceback" not in stderr


def _spoil(path: Path) -> None:
    path.write_bytes(b"not a database any more" * 1000)
