"""What the engine ``celery`` promises over any broker: what all engines do, and to bear losses.

Subclass `CeleryConformance` and give it the fixture ``shop``, for the whole class.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from batchjob import BatchJobs, Status
from batchjob.testing.engines.conformance import LONG, EngineConformance, done, first_attempts, text
from engines.brokers import Broker, broker


@attrs.frozen(kw_only=True)
class Shop:
    """A store and files that this process and Celery's workers share."""

    folder: Path
    broker: Broker

    @property
    def environ(self) -> dict[str, str]:
        """What the workers are told."""
        return {
            "BATCHJOB_STORE": f"sqlite:///{self.folder}/jobs.db",
            "BATCHJOB_FILES": str(self.folder / "files"),
            "BATCHJOB_LEASE": "3",
            "BATCHJOB_BROKER": self.broker.url,
            "BATCHJOB_QUEUE": self.broker.queue,
        }

    def open(self) -> BatchJobs:
        """Open the jobs here."""
        return BatchJobs.open(
            self.environ["BATCHJOB_STORE"],
            files=self.environ["BATCHJOB_FILES"],
            engine=f"celery:{self.broker.url}",
            options={"queue": self.broker.queue},
        )


@contextmanager
def working(url: str, folder: Path, plugin_folder: Path) -> Iterator[Shop]:
    """Have a Celery worker with two processes, started as the how-to says, on the broker *url*."""
    command = "-A batchjob.engines.celery_app worker -c 2 --without-mingle --without-gossip"
    with broker(url) as made, (folder / "log").open("w") as log:
        shop = Shop(folder=folder, broker=made)
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", *command.split()],
            cwd=folder,
            env={**os.environ, **shop.environ, "PYTHONPATH": str(plugin_folder)},
            stdout=log,
            stderr=log,
        )
        yield shop
        worker.terminate()
        try:
            worker.wait(10)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


class CeleryConformance(EngineConformance):
    """The engine of Celery keeps the promises, and bears what happens to its broker."""

    @pytest.fixture
    def jobs(self, shop: Shop, installed: Path) -> Iterator[BatchJobs]:
        """Jobs that Celery's workers work on."""
        with shop.open() as opened:
            yield opened

    def test_f8_messages_that_are_lost_are_made_up_for(
        self, jobs: BatchJobs, shop: Shop, tmp_path: Path
    ) -> None:
        """Jobs whose messages a broker lost are done all the same: a sweep finds them."""
        busy = jobs.create("gated", {"chunks": 2, "folder": str(tmp_path)})
        _until(lambda: len(list(tmp_path.glob("reached-*"))) == 2)
        waiting = [jobs.create("letters") for _ in range(3)]
        shop.broker.lose()
        (tmp_path / "gate").touch()
        for job in waiting:
            assert text(jobs, done(jobs, job)) == first_attempts(5)
        assert text(jobs, done(jobs, busy)) == first_attempts(2)

    def test_f8_a_job_is_made_while_the_broker_is_away(
        self, jobs: BatchJobs, shop: Shop, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Without a broker a job is made without delay, and done once the broker is back."""
        shop.broker.proxy.cut()
        began = time.monotonic()
        job = jobs.create("letters")
        assert time.monotonic() - began < 5
        assert job.status is Status.CREATED
        assert f"could not nudge the engine for job {job.id}" in caplog.text
        shop.broker.proxy.mend()
        assert text(jobs, done(jobs, job)) == first_attempts(5)

    def test_a_worker_that_is_killed_is_made_up_for(self, jobs: BatchJobs, tmp_path: Path) -> None:
        """The chunk of a process that was killed is done by another one, once its lease is over."""
        job = jobs.create("gated", {"chunks": 1, "folder": str(tmp_path)})
        _until((tmp_path / "reached-0").exists)
        os.kill(int((tmp_path / "reached-0").read_text()), signal.SIGKILL)
        (tmp_path / "gate").touch()
        assert text(jobs, done(jobs, job)) == "0 2\n"

    def test_nothing_is_left_behind(self, shop: Shop, installed: Path) -> None:
        """Neither a nudge nor closing leaves a thread."""
        before = set(threading.enumerate())
        with shop.open() as jobs:
            done(jobs, jobs.create("letters"))
        left = {t.name for t in set(threading.enumerate()) - before if "_pass_on" not in t.name}
        assert not left


def _until(is_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not is_true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
