"""The part of a store in memory that leases chunks and takes what became of them."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

import attrs

from batchjob.abc import ChunkStore, Limits
from batchjob.core.chunks import (
    MAX_BACKOFF,
    Chunk,
    ChunkKind,
    ChunkState,
    Finished,
    Lease,
    Part,
    Planned,
)
from batchjob.core.files import StoredFile
from batchjob.core.results import JobError
from batchjob.core.status import MOVES, OPEN
from batchjob.core.times import utc_ms
from batchjob.errors import InvalidState, LeaseLost
from batchjob.stores import memory_effects, rules
from batchjob.stores.memory_board import Board
from batchjob.stores.memory_jobs import job_row, moved
from batchjob.stores.memory_rows import ChunkRow, MemoryTransaction, Rows

_FREE: Final[dict[str, Any]] = {"worker": None, "lease_until": 0.0}


class MemoryChunks(ChunkStore):
    """The lease protocol in memory."""

    _rows: Rows
    _board: Board
    _clock: Callable[[], float]

    def claim(
        self,
        worker: str,
        *,
        limits: Limits,
        seconds: float,
        at: datetime,
        job_id: str | None = None,
    ) -> Lease | None:
        """Lease the next chunk that may be tried (of one job, if named), or return None."""
        with self._rows.transaction():
            row = self._board.next(limits, job_id)
            if row is None:
                return None
            claimed = attrs.evolve(
                row,
                state=ChunkState.LEASED,
                token=row.token + 1,
                attempts=row.attempts + 1,
                worker=worker,
                lease_s=seconds,
                lease_until=self._clock() + seconds,
            )
            self._rows.put_chunk(claimed)
            if job_row(self._rows, row.job_id).job.status in MOVES["start"]:
                moved(self._rows, row.job_id, "start", at)
        return _lease(claimed, worker)

    def renew(self, lease: Lease) -> bool:
        """Make the lease last its seconds from now; whether the job is paused, or `LeaseLost`."""
        with self._rows.transaction():
            row = self._live(lease)
            self._rows.put_chunk(attrs.evolve(row, lease_until=self._clock() + row.lease_s))
            return job_row(self._rows, lease.job_id).paused_at is not None

    def transaction(self) -> AbstractContextManager[MemoryTransaction]:
        """Open a transaction; what is given to its ``on_commit`` is done at the block's end."""
        return self._rows.transaction()

    def savepoint(self, transaction: Any) -> AbstractContextManager[Any]:
        """Undo what the block does in an open *transaction* if it raises, and nothing else."""
        nested: AbstractContextManager[Any] = transaction.savepoint()
        return nested

    def stage(self, lease: Lease, chunks: Sequence[Chunk]) -> None:
        """Keep chunks of a plan that goes on; `LeaseLost` if the lease is not current any more."""
        with self._rows.transaction():
            row = self._live(lease)
            memory_effects.stage(self._rows, row, chunks)
            self._rows.put_chunk(attrs.evolve(row, staged_by=lease.token))

    def complete(
        self,
        lease: Lease,
        done: Planned | Part | Finished,
        *,
        at: datetime,
        transaction: Any = None,
    ) -> None:
        """Commit what a chunk did, as the last statements; `LeaseLost` and nothing is kept."""
        try:
            with self._rows.transaction():
                self._complete(lease, done, at)
        except LeaseLost:
            if transaction is not None:
                transaction.rollback()  # also if the caller goes on as if nothing had been
            raise

    def fail(
        self,
        lease: Lease,
        errors: Sequence[JobError],
        *,
        detail: str,
        delay: float,
        give_up: bool,
        at: datetime,
        file: StoredFile | None = None,
    ) -> bool:
        """Give the chunk back after an error; True if that was its end, and the job failed."""
        with self._rows.transaction():
            row = self._mine(lease)
            if row is None:
                return False
            dead = give_up or row.attempts >= row.max_attempts
            told = attrs.evolve(
                row,
                state=ChunkState.DEAD if dead else ChunkState.READY,
                token=row.token + 1,
                not_before=self._clock() + min(delay, MAX_BACKOFF),
                detail=detail,
                error=rules.error_class(errors),
                **_FREE,
            )
            self._rows.put_chunk(told)
            return dead and self._failed(lease.job_id, errors, at, file)

    def release(self, lease: Lease) -> None:
        """Give chunk and attempt back untried; a lease that is not current is left alone."""
        with self._rows.transaction():
            if (row := self._mine(lease)) is not None:
                free = {"state": ChunkState.READY, "attempts": row.attempts - 1, **_FREE}
                self._rows.put_chunk(attrs.evolve(row, **free))

    def sweep(self, *, at: datetime, limits: Limits) -> int:
        """End what can only end here, and return how many chunks were given up."""
        with self._rows.transaction():
            exhausted = [row for row in self._rows.open_chunks() if self._board.exhausted(row)]
            for row in exhausted:
                dead = {"state": ChunkState.DEAD, "token": row.token + 1, **_FREE}
                self._rows.put_chunk(attrs.evolve(row, **dead))
                error = rules.worker_lost(row.kind, row.seq, row.attempts)
                self._failed(row.job_id, (error,), at)
            for job_id in tuple(self._rows.open_jobs()):
                if self._board.overlooked(job_id, utc_ms(at), limits):
                    self._rows.put_job(
                        attrs.evolve(job_row(self._rows, job_id), served_at=utc_ms(at))
                    )
                if self._board.stranded(job_id, utc_ms(at), limits):
                    of_job = job_row(self._rows, job_id)
                    made_by = of_job.terms.context_version
                    missing = rules.strategy_missing(of_job.job.batch_type, made_by)
                    self._failed(job_id, (missing,), at)
            for row in tuple(self._rows.open_chunks()):
                if job_row(self._rows, row.job_id).job.status not in OPEN:
                    self._rows.put_chunk(attrs.evolve(row, state=ChunkState.VOID, **_FREE))
        return len(exhausted)

    def chunks(self, job_id: str) -> Iterator[Chunk]:
        """Yield the work chunks of a job that is planned, in order."""
        if (of_job := self._rows.jobs.get(job_id)) is None or of_job.count is None:
            return
        works = [row for row in self._rows.chunks_of(job_id) if row.kind is ChunkKind.WORK]
        for row in sorted(works, key=lambda row: row.seq):
            yield Chunk(json.loads(row.payload), weight=row.weight, seq=row.seq)

    def parts(self, job_id: str) -> Iterator[Part]:
        """Yield what the done work chunks of a job left, in order."""
        parts = [row.part for row in self._rows.chunks_of(job_id) if row.part is not None]
        yield from sorted(parts, key=lambda part: part.seq)

    def next_claim(self, job_id: str) -> float | None:
        """Return the seconds until a chunk of the job may be claimed; None if there is none."""
        with self._rows.locked():
            rows = [row for row in self._rows.open_chunks_of(job_id) if self._board.to_try(row)]
            return min(map(self._board.wait, rows), default=None)

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _mine(self, lease: Lease) -> ChunkRow | None:
        row = self._rows.chunk(lease.job_id, lease.kind, lease.seq)
        current = row is not None and row.state is ChunkState.LEASED and row.token == lease.token
        return row if current else None

    def _live(self, lease: Lease) -> ChunkRow:
        row = self._mine(lease)
        if row is None or job_row(self._rows, lease.job_id).job.status not in OPEN:
            raise _lost(lease)
        return row

    def _failed(
        self,
        job_id: str,
        errors: Sequence[JobError],
        at: datetime,
        file: StoredFile | None = None,
    ) -> bool:
        try:
            kept = rules.kept(errors)
            file = file or job_row(self._rows, job_id).file  # a report that the plan has made
            moved(self._rows, job_id, "fail", at, errors=kept, file=file)
        except InvalidState:
            return False  # it ended otherwise, and stays as it is
        return True

    def _complete(self, lease: Lease, done: Planned | Part | Finished, at: datetime) -> None:
        if (row := self._mine(lease)) is None:
            raise _lost(lease)
        part = attrs.evolve(done, seq=lease.seq) if isinstance(done, Part) else None
        self._rows.put_chunk(attrs.evolve(row, state=ChunkState.DONE, part=part, **_FREE))
        try:
            memory_effects.keep(self._rows, row, done, at)
        except InvalidState:
            raise _lost(lease) from None


def _lease(row: ChunkRow, worker: str) -> Lease:
    return Lease(
        job_id=row.job_id,
        kind=row.kind,
        seq=row.seq,
        token=row.token,
        attempt=row.attempts,
        max_attempts=row.max_attempts,
        seconds=row.lease_s,
        worker=worker,
        payload=json.loads(row.payload),
        weight=row.weight,
    )


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(lease.job_id, lease.kind, lease.seq, lease.token)
