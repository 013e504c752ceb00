"""The part of a store in memory that tells listeners what happened, each of them in order."""

from collections.abc import Callable, Sequence
from itertools import islice

import attrs

from batchjob.abc import JobStore
from batchjob.core.events import Event
from batchjob.stores import rules
from batchjob.stores.memory_rows import ListenerRow, Rows


class MemoryListeners(JobStore):
    """What was heard, and who listens, in memory."""

    _rows: Rows
    _clock: Callable[[], float]

    def unheard(self, listener: str, *, worker: str, seconds: float) -> Sequence[Event]:
        """Return the next events that *listener* has not heard, and hold it where there are any."""
        with self._rows.transaction():
            row = self._rows.listeners.get(listener)
            if row is None:
                self._rows.put_listener(listener, ListenerRow(position=self._rows.position))
                return ()
            if not self._free(row, worker):
                return ()
            new = range(row.position + 1, self._rows.position + 1)
            there = (self._rows.log[place] for place in new if place in self._rows.log)
            found = tuple(islice(there, rules.HEARD_AT_ONCE))
            if found:
                until = self._clock() + seconds
                held = attrs.evolve(row, worker=worker, held_until=until, held_s=seconds)
                self._rows.put_listener(listener, held)
            return found

    def heard(self, listener: str, event: Event, *, worker: str) -> None:
        """Remember that *listener* has heard *event* and all before; nothing if it is not held."""
        with self._rows.transaction():
            row = self._rows.listeners.get(listener)
            if row is not None and row.worker == worker:
                position = max(row.position, event.position or 0)
                self._rows.put_listener(listener, attrs.evolve(row, position=position))

    def hand_over(self, listener: str, *, worker: str) -> None:
        """Let another worker have *listener* now; nothing if it is not held."""
        with self._rows.transaction():
            row = self._rows.listeners.get(listener)
            if row is not None and row.worker == worker:
                self._rows.put_listener(listener, attrs.evolve(row, worker=None))

    def _free(self, row: ListenerRow, worker: str) -> bool:
        over = rules.expired(row.held_until, row.held_s, now=self._clock())
        return row.worker in {None, worker} or over
