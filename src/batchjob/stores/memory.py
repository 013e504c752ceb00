"""Jobs and chunks in this process's memory: for tests and notebooks, gone when it ends.

The parts of the store, put together; they keep the same promises as any store, by the same
rules of the core.
"""

import time
from collections.abc import Callable

from batchjob.abc import Store
from batchjob.stores.memory_board import Board
from batchjob.stores.memory_chunks import MemoryChunks
from batchjob.stores.memory_jobs import MemoryJobs
from batchjob.stores.memory_listeners import MemoryListeners
from batchjob.stores.memory_rows import MemoryTransaction, Rows
from batchjob.stores.memory_standings import MemoryStandings
from batchjob.stores.memory_tokens import MemoryTokens

__all__ = ["MemoryStore", "MemoryTransaction"]


class MemoryStore(MemoryJobs, MemoryStandings, MemoryListeners, MemoryChunks, MemoryTokens, Store):
    """A store in memory, for the threads of one process.

    *clock* gives the seconds since 1970 by which leases are judged; as the attribute ``clock`` it
    can be replaced. ``transaction()`` yields a `MemoryTransaction`; while one is open, other
    threads wait.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._rows = Rows()
        self._board = Board(self._rows, self._clock)

    def _clock(self) -> float:
        return self.clock()
