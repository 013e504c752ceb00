"""Many workers at once: threads that look for chunks, and the sweeper that runs beside them."""

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from typing import Final

from batchjob.abc import GRACE
from batchjob.errors import BatchJobError, StoreUnavailable
from batchjob.worker.loop import Worker

_log = logging.getLogger(__name__)

SWEEP: Final = 5.0
"""Seconds between two sweeps of one pool."""

_POLL: Final = 1.0  # seconds between looks at a store that had nothing, unless nudged
_BRIEF: Final = 0.05  # and at first: a nudge is for the plan, and what it makes is for all
_AWAY: Final = 10.0  # and at one that was out of reach, at most
_SOON: Final = 0.5
_WHILE: Final = 600.0  # seconds until the same problem is logged again


class WorkerPool:
    """*threads* workers of *make_worker*, and a sweeper that calls *sweep*, until `drain`.

    `start` returns at once; `nudge` says that there may be work, so that idle workers look now.
    """

    def __init__(
        self,
        make_worker: Callable[[], Worker],
        sweep: Callable[[], object],
        *,
        threads: int = 1,
        poll: float = _POLL,
    ) -> None:
        self._make_worker = make_worker
        self._workers = [make_worker() for _ in range(threads)]
        self._sweep, self._poll = sweep, poll
        self._draining = threading.Event()
        self._news = threading.Condition()
        self._nudges = 0
        self._said: dict[str, float] = {}  # problems, and when they were logged
        self._threads = [self._thread(n) for n in range(threads)]
        self._sweeper = threading.Thread(
            target=self._sweep_now_and_then, name="batchjob-sweeper", daemon=True
        )

    def start(self) -> None:
        """Start the workers and the sweeper."""
        for thread in (*self._threads, self._sweeper):
            thread.start()

    def nudge(self) -> None:
        """Have idle workers look for chunks now."""
        with self._news:
            self._nudges += 1
            self._news.notify_all()

    def drain(self) -> None:
        """Claim nothing more; returns at once. Chunks that are being done go on."""
        self._draining.set()
        self.nudge()

    def join(self, *, grace: float = GRACE) -> bool:
        """Wait up to *grace* seconds for the last chunks, and give those back that are not done.

        Returns whether all were done. What is given back is claimable at once, its attempt unspent;
        what its thread still does with it is refused when it completes.
        """
        deadline = time.monotonic() + grace
        for thread in (*self._threads, self._sweeper):
            thread.join(max(0.0, deadline - time.monotonic()))
        return not sum([worker.give_back() for worker in self._workers])

    def _thread(self, n: int) -> threading.Thread:
        name = f"batchjob-worker-{n}"
        return threading.Thread(target=self._serve, args=[self._workers[n]], name=name, daemon=True)

    def _replace_overdue(self) -> None:
        """Put a new worker in the place of each one that hangs; who comes back then ends."""
        for n, worker in enumerate(self._workers):
            if worker.is_overdue:
                self._warn("a chunk hangs beyond its time limit; another thread goes on without it")
                self._workers[n] = self._make_worker()
                self._threads[n] = self._thread(n)
                self._threads[n].start()

    def _serve(self, worker: Worker) -> None:
        away, idle = _SOON, _BRIEF
        while not self._draining.is_set() and worker in self._workers:
            seen = self._nudges
            try:
                found, away = worker.step() is not None, _SOON
            except StoreUnavailable as error:
                self._warn("the store is out of reach, and is tried again: %s", error)
                self._draining.wait(away * random.uniform(0.5, 1))  # noqa: S311 - not a secret
                away = min(_AWAY, away * 2)
                continue
            except Exception:  # noqa: BLE001 - the store's own fault; the lease runs out
                self._warn("a worker could not go on with a chunk", exc_info=True)
                found = False
            if found or self._news_within(idle, seen):
                idle = _BRIEF
                continue
            idle = min(self._poll, 2 * idle)

    def _news_within(self, seconds: float, seen: int) -> bool:
        with self._news:
            return self._news.wait_for(lambda: self._nudges != seen, timeout=seconds)

    def _sweep_now_and_then(self) -> None:
        while not self._draining.wait(SWEEP * random.uniform(0.8, 1.2)):  # noqa: S311 - jitter
            try:
                self._replace_overdue()
                self._sweep()
            except BatchJobError as error:
                self._warn("could not sweep: %s", error)
            except Exception:  # noqa: BLE001 - the next sweep may do better
                self._warn("could not sweep", exc_info=True)

    def _warn(self, problem: str, *facts: object, exc_info: bool = False) -> None:
        """Log a problem, once in some minutes: a store may be away for hours."""
        with self._news:
            before, now = self._said.get(problem, -math.inf), time.monotonic()
            if now - before < _WHILE:
                return
            self._said[problem] = now
        _log.warning(problem, *facts, exc_info=exc_info)
