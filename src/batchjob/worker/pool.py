"""Many workers at once: threads that look for chunks, and the sweeper that runs beside them."""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Final

from batchjob.errors import BatchJobError, StoreUnavailable
from batchjob.worker.loop import Worker

_log = logging.getLogger(__name__)

SWEEP: Final = 5.0
"""Seconds between two sweeps of one pool."""

GRACE: Final = 25.0
"""Seconds that chunks are given to end when a pool drains."""

_POLL: Final = 1.0  # seconds between looks at a store that had nothing, unless nudged
_AWAY: Final = 10.0  # and at one that was out of reach, at most
_SOON: Final = 0.5


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
        self._workers = [make_worker() for _ in range(threads)]
        self._sweep, self._poll = sweep, poll
        self._draining = threading.Event()
        self._news = threading.Condition()
        self._nudges = 0
        names = [f"batchjob-worker-{n}" for n in range(threads)]
        self._threads = [
            threading.Thread(target=self._serve, args=[worker], name=name, daemon=True)
            for worker, name in zip(self._workers, names, strict=True)
        ]
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
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not sum([worker.give_back() for worker in self._workers])

    def _serve(self, worker: Worker) -> None:
        away = _SOON
        while not self._draining.is_set():
            seen = self._nudges
            try:
                found, away = worker.step(), _SOON
            except StoreUnavailable as error:
                _log.warning("the store is out of reach; trying again in %.1f s: %s", away, error)
                self._draining.wait(away * random.uniform(0.5, 1))  # noqa: S311 - not a secret
                away = min(_AWAY, away * 2)
                continue
            except Exception:  # noqa: BLE001 - the store's own fault; the lease runs out
                _log.exception("a worker could not go on with a chunk")
                found = False
            if not found:
                self._wait_for_news(seen)

    def _wait_for_news(self, seen: int) -> None:
        with self._news:
            self._news.wait_for(lambda: self._nudges != seen, timeout=self._poll)

    def _sweep_now_and_then(self) -> None:
        while not self._draining.wait(SWEEP * random.uniform(0.8, 1.2)):  # noqa: S311 - jitter
            try:
                self._sweep()
            except BatchJobError as error:
                _log.warning("could not sweep: %s", error)
            except Exception:  # noqa: BLE001 - the next sweep may do better
                _log.exception("could not sweep")
