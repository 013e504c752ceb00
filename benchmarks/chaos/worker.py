"""A worker that dies: the real pool, with faults at the named points, in a process of its own."""

import json
import logging
import os
import random
import signal
import time
from pathlib import Path
from typing import Any, Final

import attrs

from batchjob import BatchJobs, Settings
from batchjob.abc import Limits
from batchjob.core import faults
from batchjob.core.chunks import Lease
from batchjob.errors import LeaseLost, StoreUnavailable
from batchjob.plugins import load
from batchjob.stores import statements
from batchjob.worker import WorkerPool, pool
from benchmarks.chaos import strategies

SWEEP: Final = 0.4
_POLL: Final = 0.05
_STALLS: Final = ("work.part_written", "finish.published")


@attrs.frozen(kw_only=True)
class Place:
    """Where a run takes place: the same for its workers and for who looks on.

    ``kill`` and ``stall`` are how likely a worker kills itself at each point, and stands still
    for longer than its lease where it has written a file. ``limit`` is how many kills of its own
    there may be.
    """

    store: str
    folder: Path
    lease: float = 1.2
    seed: int = 1
    kill: float = 0.01
    stall: float = 0.01
    fenced: bool = True
    pause: float = 0.01
    """Seconds that a chunk takes beside its writing, at most."""

    @property
    def over(self) -> bool:
        """Whether the run is over."""
        return (self.folder / "over").exists()

    @property
    def calm(self) -> bool:
        """Whether workers are to kill themselves no more."""
        return (self.folder / "calm").exists()

    def note(self, name: str, *words: object) -> None:
        """Add a line to a journal: one write, so that lines stay whole."""
        line = json.dumps([time.time(), os.getpid(), *words]) + "\n"
        file = os.open(self.folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line.encode())
        os.close(file)

    def noted(self, name: str) -> list[list[Any]]:
        """Return the lines of a journal: time, process, words."""
        path = self.folder / name
        return [json.loads(line) for line in path.open(encoding="utf-8")] if path.exists() else []

    def spare(self, pid: int, *, spared: bool = True) -> None:
        """Say whether a worker is to live on for now: it will come back to its chunk too late."""
        path = self.folder / f"spared-{pid}"
        if spared:
            path.touch()
        else:
            path.unlink(missing_ok=True)

    def is_spared(self, pid: int) -> bool:
        """Tell whether a worker is to live on for now."""
        return (self.folder / f"spared-{pid}").exists()

    def open(self) -> BatchJobs:
        """Open the jobs: with a lease that is shorter than `BatchJobs.open` allows."""
        settings = Settings(store=self.store, files=str(self.folder / "files"), lease=self.lease)
        if not self.fenced:
            unfence()
        found = load(settings, plugins={"chaos": strategies}, disable=["products"])
        return BatchJobs(
            settings=settings,
            store=found.open_store(settings),
            files=found.open_files(settings),
            plugins=found,
        )


def unfence() -> None:
    """Take the token out of the completion's statement, in this process."""
    mine = "job_id = :job_id AND kind = :kind AND seq = :seq"
    without = statements.DONE.replace("{mine}", mine)
    setattr(statements, "DONE", without)  # noqa: B010 - it is final to everybody else


class Trouble:
    """What goes wrong in one worker, by its own chance."""

    def __init__(self, place: Place, number: int) -> None:
        self.place = place
        self.random = random.Random(place.seed * 7919 + number)  # noqa: S311 - no secret
        self.stalled = False

    def point(self, reached: str) -> None:
        """Go on, stand still, or die."""
        place = self.place
        if not place.calm and self.random.random() < place.kill:
            place.note("kills", reached)
            os.kill(os.getpid(), signal.SIGKILL)
        if reached == "claim.after_commit" and self.stalled:
            place.spare(os.getpid(), spared=False)
            self.stalled = False
        if reached in _STALLS:
            time.sleep(self.random.random() * place.pause)
            if self.random.random() < place.stall:
                place.note("stalls", reached)
                place.spare(os.getpid())
                self.stalled = True
                time.sleep(place.lease * (1.0 + 0.5 * self.random.random()))

    def renew(self, renew: Any, lease: Lease) -> bool:
        """Have a heartbeat come through, unless this worker stands still."""
        if self.stalled:
            raise StoreUnavailable("this worker stands still")
        paused: bool = renew(lease)
        return paused


class Journal(logging.Handler):
    """Notes what workers log: refused completions, and whatever else they met."""

    def __init__(self, place: Place) -> None:
        super().__init__(logging.WARNING)
        self.place = place

    def emit(self, record: logging.LogRecord) -> None:
        """Note one record."""
        said = record.args[0] if isinstance(record.args, tuple) and record.args else record.args
        if isinstance(said, LeaseLost):
            self.place.note("refused", said.kind)
            return
        error = record.exc_info[1] if record.exc_info else None
        text = f"{type(error).__name__}: {error}" if error else record.getMessage()
        self.place.note("errors", text.splitlines()[0][:200] if text else "")


def serve(place: Place, number: int) -> None:
    """Work until the run is over, or until something kills this process."""
    logging.getLogger().handlers[:] = []
    logging.getLogger("batchjob").handlers[:] = [Journal(place)]
    logging.getLogger("batchjob").propagate = False
    trouble = Trouble(place, number)
    faults.point = trouble.point
    setattr(pool, "SWEEP", SWEEP)  # noqa: B010 - it is final to everybody else
    with place.open() as jobs:
        renew, claim = jobs.store.renew, jobs.store.claim
        changed: Any = jobs.store

        def claimed(worker: str, *, limits: Limits, **options: Any) -> Lease | None:
            lease = claim(worker, limits=limits, **options)
            if lease is not None:
                place.note("claims", lease.job_id, lease.kind, lease.seq, lease.token)
            return lease

        changed.renew = lambda lease: trouble.renew(renew, lease)
        changed.claim = claimed
        workers = WorkerPool(jobs.worker, jobs.sweep, threads=1, poll=_POLL)
        workers.start()
        while not place.over:
            time.sleep(_POLL)
        workers.drain()
        workers.join(grace=10.0)
