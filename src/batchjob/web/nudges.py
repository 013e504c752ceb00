"""An engine for answers that do not wait: what works while it is nudged does so in a thread."""

import logging
import queue
import threading
from typing import Final

from batchjob.abc import Engine

_log = logging.getLogger(__name__)

_THREADS: Final = 4


class BackgroundEngine(Engine):
    """Nudges *engine*, which works while it is nudged, in threads that end with the process.

    What they do not get to then is in the store, as is everything that an engine is told of.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._known: set[str] = set()
        self._lock, self._threads = threading.Lock(), 0

    def nudge(self, job_id: str) -> None:
        """Have a thread nudge for the job, and return at once."""
        with self._lock:
            if job_id in self._known:
                return
            self._known.add(job_id)
            begins = self._threads < min(_THREADS, len(self._known))
            self._threads += begins
        self._waiting.put(job_id)
        if begins:
            threading.Thread(target=self._serve, name="batchjob-nudges", daemon=True).start()

    def _serve(self) -> None:
        while True:
            job_id = self._waiting.get()
            with self._lock:
                self._known.discard(job_id)  # what comes from now on is news
            try:
                self._engine.nudge(job_id)
            except Exception:  # noqa: BLE001 - the store has the job, and workers look there
                _log.exception("could not nudge the engine for job %s", job_id)


def in_background(engine: Engine | None) -> Engine | None:
    """Return *engine*, or one that does its work in the background."""
    return engine if engine is None or not engine.works_at_once else BackgroundEngine(engine)
