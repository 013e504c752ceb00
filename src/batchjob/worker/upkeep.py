"""What is done now and then, whoever works: ending what is stuck, telling, forgetting."""

import random
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from batchjob.abc import Clock, FileStore, JobQuery, Limits, Store
from batchjob.core.files import JOBS
from batchjob.core.status import OPEN, sources
from batchjob.errors import UnknownJob
from batchjob.worker.listening import Teller
from batchjob.worker.run import PARTS, job_folder, parts_folder

_PAGE: Final = 100  # jobs at a time
_ROUNDS: Final = 3600.0  # seconds between two rounds of forgetting
_UNFINISHED: Final = (*sources("pre_process"), *sources("start"), *sources("complete"))
_STALE: Final = timedelta(days=1)  # after which nobody comes back for what a crash left behind


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
        self._next_round = time.monotonic() + _ROUNDS * random.random()  # noqa: S311 - no secret

    def sweep(self) -> None:
        """End what no worker can end and tell listeners what is new; now and then, forget."""
        self._store.sweep(at=self._clock.now(), limits=self._limits)
        self._teller.tell()
        if time.monotonic() >= self._next_round:
            self._next_round = time.monotonic() + _ROUNDS
            self.forget()

    def forget(self) -> None:
        """Purge by the retention, and delete what crashes left in the file store a day ago."""
        if self._retention is not None:
            self.purge(timedelta(seconds=self._retention))
        self._files.tidy(older_than=_STALE)
        for job_id in {_job_of_part(key) for key in self._files.keys(f"{JOBS}/")} - {None}:
            with suppress(UnknownJob):  # the job of another store that has its files here too
                job = self._store.get(str(job_id))
                if job.status not in OPEN and job.updated_at < self._clock.now() - _STALE:
                    self._files.delete_all(parts_folder(job.id))

    def has_unfinished(self) -> bool:
        """Tell whether a job has chunks that workers are at, or that wait for some."""
        return bool(self._store.list(JobQuery(statuses=_UNFINISHED, limit=1)).jobs)

    def claimable(self) -> Sequence[str]:
        """Return the ids of open jobs that have a chunk to claim now, a hundred at most.

        Where more jobs are open, other ones are looked at each time.
        """
        found = self._store.list(JobQuery(statuses=_UNFINISHED, limit=_PAGE))
        if found.count > _PAGE:
            offset = random.randrange(0, found.count, _PAGE)  # noqa: S311 - not a secret
            found = self._store.list(JobQuery(statuses=_UNFINISHED, limit=_PAGE, offset=offset))
        return [job.id for job in found.jobs if self._store.next_claim(job.id) == 0]

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


def _job_of_part(key: str) -> str | None:
    """Return whose part the file *key* is, None if it is no part."""
    _, job_id, folder, *_ = *key.split("/"), "", ""
    return job_id if folder == PARTS else None
