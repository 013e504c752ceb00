"""Keeping a lease alive while its chunk is worked on, and knowing when it is lost."""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Self

from batchjob.abc import ChunkStore
from batchjob.core.chunks import Lease
from batchjob.errors import BatchJobError, LeaseLost, Paused

_log = logging.getLogger(__name__)


class Heartbeat:
    """Renews *lease* from a thread of its own every third of its seconds, while the block runs.

    *since* is `time.monotonic` from before the lease was asked for: counted from there, the worker
    never believes in its lease for longer than the store does. With `limit` the lease is given up
    when the block takes too long.
    """

    def __init__(self, store: ChunkStore, lease: Lease, *, since: float) -> None:
        self._store, self._lease = store, lease
        self._until = since + lease.seconds
        self._stop = threading.Event()
        self._lost = self._paused = False
        self._deadline = math.inf
        self._overdue: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._beat, name="batchjob-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def limit(self, seconds: float | None, overdue: Callable[[], object]) -> None:
        """Renew no more after so many seconds from now, but call *overdue*, in another thread."""
        self._overdue = overdue
        self._deadline = math.inf if seconds is None else time.monotonic() + seconds

    def check(self) -> None:
        """Raise `LeaseLost` if the lease is lost, or may be by this machine's own clock.

        `Paused` if the job is paused.
        """
        lease = self._lease
        if self._lost or time.monotonic() >= self._until:
            raise LeaseLost(lease.job_id, lease.kind, lease.seq, lease.token)
        if self._paused:
            raise Paused(lease.job_id)

    def _beat(self) -> None:
        while not self._stop.wait(self._lease.seconds / 3):
            asked = time.monotonic()
            if asked >= self._deadline:
                self._lost = True
                self._overdue()
                return
            try:
                self._paused = self._store.renew(self._lease)
            except LeaseLost:
                self._lost = True
                return
            except BatchJobError as error:  # the store may be back before the lease is over
                _log.warning("could not renew a lease on job %s: %s", self._lease.job_id, error)
            else:
                self._until = asked + self._lease.seconds
