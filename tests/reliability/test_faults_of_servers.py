"""Faults of servers, and races on one; each test is a line of the fault list, by its number."""

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from batchjob import BatchJob, Run, Status
from batchjob.core.status import OPEN
from batchjob.errors import InvalidState, StoreUnavailable
from batchjob.worker import WorkerPool, pool
from reliability.scene import Rows, Scene, Size, scene

RACES: Final = int(os.environ.get("BATCHJOB_RACES", "50"))
SEED: Final = int(os.environ.get("BATCHJOB_SEED", "1"))
PATIENCE: Final = 60.0


def until(true: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workers look, sweep and come back soon."""
    monkeypatch.setattr(pool, "SWEEP", 0.3)
    monkeypatch.setattr(pool, "_AWAY", 1.0)


def workers_of(here: Scene, threads: int) -> WorkerPool:
    """Start workers that look often."""
    made = WorkerPool(here.jobs.worker, here.jobs.sweep, threads=threads, poll=0.05)
    made.start()
    return made


def is_open(here: Scene, job: BatchJob) -> bool:
    """Tell whether the job has not ended."""
    try:
        return here.jobs.get(job.id).status in OPEN
    except StoreUnavailable:
        return True


@pytest.mark.usefixtures("_quick")
def test_f5_a_server_that_crashes_loses_nothing(own_server: Any, tmp_path: Path) -> None:
    """PostgreSQL is stopped at once and started again three times in the middle of a job.

    The workers come back by themselves; nothing is lost, and nothing is there twice.
    """
    slow = Rows(work=lambda _: time.sleep(0.02))
    with scene(own_server.url, tmp_path, slow, lease=2.0, now_sql=None) as here:
        job = here.jobs.create("rows", {"chunks": 120})
        workers = workers_of(here, 3)
        for part in (10, 40, 70):
            until(lambda part=part: len(here.rows(job.id)) >= part * 3)  # type: ignore[misc]
            own_server.crash()
            here.eye.dispose()
        until(lambda: not is_open(here, job))
        workers.drain()
        assert workers.join()
        here.is_whole(job)


@pytest.mark.usefixtures("_quick")
def test_f6_a_server_that_is_away_costs_no_attempt(own_server: Any, tmp_path: Path) -> None:
    """While the store is out of reach a caller is told so, and workers wait.

    No attempt is spent on work that never began.
    """
    with scene(own_server.url, tmp_path, lease=2.0, now_sql=None) as here:
        job = here.jobs.create("rows", {"chunks": 4})
        here.jobs.pause(job.id)
        workers = workers_of(here, 2)
        own_server.stop()
        with pytest.raises(StoreUnavailable, match="out of reach"):
            here.jobs.create("rows", {"chunks": 4})
        time.sleep(3.0)
        own_server.start()
        here.eye.dispose()
        until(lambda: is_reached(here))
        here.jobs.resume(job.id)
        until(lambda: not is_open(here, job))
        workers.drain()
        assert workers.join()
        here.is_whole(job, extra=0)


def is_reached(here: Scene) -> bool:
    """Tell whether the store answers."""
    try:
        here.jobs.list()
    except StoreUnavailable:
        return False
    return True


def test_f13_after_a_cancel_nothing_is_committed(postgresql_url: str, tmp_path: Path) -> None:
    """A job is canceled at a random moment under four workers: no effect commits after that.

    It ends canceled, or completed if that came first.
    """
    chance = random.Random(SEED)  # noqa: S311 - no secret
    print(f"seed {SEED}")  # noqa: T201 - shown where the test fails
    ends = {Status.CANCELED: 0, Status.COMPLETED: 0}

    def work(run: Run[Size]) -> None:
        time.sleep(0.002)

    with scene(postgresql_url, tmp_path, Rows(work=work), now_sql=None) as here:
        stop = threading.Event()
        threads = [threading.Thread(target=_serve, args=[here, stop]) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(RACES):
                ends[_race(here, chance)] += 1
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    print(ends)  # noqa: T201 - shown by pytest -s
    assert ends[Status.CANCELED]


def _serve(here: Scene, stop: threading.Event) -> None:
    worker = here.jobs.worker()
    while not stop.is_set():
        if not worker.step():
            time.sleep(0.005)


def _race(here: Scene, chance: random.Random) -> Status:
    job = here.jobs.create("rows", {"chunks": 12})
    time.sleep(chance.random() * 0.12)
    try:
        here.jobs.cancel(job.id)
    except InvalidState:
        here.is_whole(job)
        return Status.COMPLETED
    seen = here.rows(job.id)
    time.sleep(0.05)
    assert here.rows(job.id) == seen, "an effect was committed after the cancel"
    assert len(seen) % 3 == 0
    assert here.jobs.get(job.id).status is Status.CANCELED
    return Status.CANCELED
