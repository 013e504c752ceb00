"""What is done now and then, whoever works: ending what is stuck, telling, forgetting."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from batchjob.abc import Clock, FileStore, JobQuery, Limits, Store
from batchjob.core.status import OPEN
from batchjob.worker.listening import Teller
from batchjob.worker.run import job_folder

_PAGE: Final = 100  # jobs at a time
_PURGES: Final = 3600.0  # seconds between two purges by retention


class Upkeep:
    """Keeps a store going: any number of processes may do so at once.

    *limits* are those of the workers here; *retention* is how many seconds ended jobs are kept,
    None for ever.
    """

    def __init__(
        self,
        store: Store,
        files: FileStore,
        *,
        clock: Clock,
        limits: Limits,
        teller: Teller,
        retention: float | None,
    ) -> None:
        self._store, self._files, self._clock = store, files, clock
        self._limits, self._teller, self._retention = limits, teller, retention
        self._next_purge = 0.0

    def sweep(self) -> None:
        """End what no worker can end, tell listeners what is new, and purge by the retention."""
        self._store.sweep(at=self._clock.now(), limits=self._limits)
        self._teller.tell()
        if self._retention is not None and time.monotonic() >= self._next_purge:
            self._next_purge = time.monotonic() + _PURGES
            self.purge(timedelta(seconds=self._retention))

    def claimable(self) -> Iterator[str]:
        """Yield the ids of open jobs that have a chunk to claim now."""
        offset = 0
        while jobs := self._store.list(JobQuery(statuses=OPEN, limit=_PAGE, offset=offset)).jobs:
            yield from (job.id for job in jobs if self._store.next_claim(job.id) == 0)
            offset += _PAGE

    def purge(self, older_than: timedelta) -> int:
        """Forget jobs that ended longer ago than *older_than*, with their files."""
        before, purged = self._clock.now() - older_than, 0
        while job_ids := self._store.ended(before=before, limit=_PAGE):
            for job_id in job_ids:  # files first: a crash leaves rows, and the next purge them
                self._files.delete_all(job_folder(job_id))
            if not (gone := self._store.purge(job_ids)):
                break
            purged += gone
        return purged
