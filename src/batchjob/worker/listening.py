"""Telling plugins of transitions: from the event table, at least once, in order."""

import logging
import secrets
import threading
from contextlib import suppress
from typing import Final

from batchjob.abc import Store
from batchjob.core.events import Event
from batchjob.errors import BatchJobError, UnknownJob
from batchjob.plugins import Plugins

_log = logging.getLogger(__name__)

HELD: Final = 30.0
"""Seconds that one process holds a listener, renewed with each page of events."""


class Teller:
    """Tells the listening plugins what they have not heard of yet.

    Each has a place of its own in the event table. One process at a time tells it, so that it
    hears in order; one that is killed leaves the place where it was, and the next goes on there.
    """

    def __init__(self, store: Store, plugins: Plugins) -> None:
        self._store, self._plugins = store, plugins
        self._worker = secrets.token_hex(8)
        self._lock, self._news = threading.Lock(), False

    def tell(self) -> None:
        """Tell what is new, unless another thread does: that one then tells this too."""
        if not self._plugins.listeners:
            return
        self._news = True
        while self._news and self._lock.acquire(blocking=False):
            try:
                self._news = False
                for listener in self._plugins.listeners:
                    self._tell(listener)
            finally:
                self._lock.release()

    def _tell(self, listener: str) -> None:
        """Tell *listener* all that is new; where it raises, this is where it goes on later."""
        try:
            while events := self._store.unheard(listener, worker=self._worker, seconds=HELD):
                for event in events:
                    self._tell_event(listener, event)
                    self._store.heard(listener, event, worker=self._worker)
        except Exception:  # noqa: BLE001 - a listener changes nothing
            _log.exception("plugin %s could not be told of a change; it will be again", listener)
        finally:
            with suppress(BatchJobError):  # it runs out by itself
                self._store.hand_over(listener, worker=self._worker)

    def _tell_event(self, listener: str, event: Event) -> None:
        try:
            job = self._store.get(event.job_id)
        except UnknownJob:  # purged since
            return
        self._plugins.tell(listener, event, job)
