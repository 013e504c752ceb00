"""The part of a SQL store that leases chunks and takes what became of them.

The statements are in `statements`; here is what of them makes one transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

import attrs
import sqlalchemy as sa

from batchjob.abc import ChunkStore, Limits
from batchjob.core import faults
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
from batchjob.core.results import OUTCOMES, JobError
from batchjob.errors import LeaseLost
from batchjob.stores import rows
from batchjob.stores.database import Database
from batchjob.stores.retrying import retried
from batchjob.stores.rules import dumps, error_class
from batchjob.stores.sql_moves import made, moved
from batchjob.stores.statements import Statements
from batchjob.stores.tables import chunk, job

_PAGE: Final = 1000  # rows that are read at a time
_STARTS: Final = 5  # of jobs that somebody else outran, in one claim
_EXCLUSIVE: Final = "batchjob_job_exclusive_idx"


class _OutrunError(Exception):
    """Another job was started first, and the one of this claim has to wait for it."""


class SqlChunks(ChunkStore):
    """The lease protocol in a SQL database."""

    _database: Database
    _statements: Statements

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
        if not limits.batch_types:
            return None
        values = {
            "worker": worker,
            "seconds": seconds,
            "batch_types": dumps(dict(limits.batch_types)),
            "actor_jobs": limits.actor_jobs,
        }
        statement = self._statements.claim
        if job_id is not None:
            statement, values["job_id"] = self._statements.claim_of_job, job_id
        for _ in range(_STARTS):
            try:
                row = self._claimed(statement, values, at)
            except _OutrunError:  # nothing was kept; now it can be seen who was first
                continue
            return None if row is None else rows.lease(row, worker=worker, seconds=seconds)
        return None

    @retried
    def renew(self, lease: Lease) -> bool:
        """Make the lease last its seconds from now; whether the job is paused, or `LeaseLost`."""
        with self._database.write() as connection:
            row = connection.execute(self._statements.renew, _mine(lease)).one_or_none()
        if row is None:
            raise _lost(lease)
        return bool(row[0])

    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """Open a transaction; what is executed on its connection commits with the block's end."""
        return self._database.write()

    def savepoint(self, transaction: Any) -> AbstractContextManager[Any]:
        """Undo what the block does in an open *transaction* if it raises, and nothing else."""
        nested: AbstractContextManager[Any] = transaction.begin_nested()
        return nested

    @retried
    def stage(self, lease: Lease, chunks: Sequence[Chunk]) -> None:
        """Keep chunks of a plan that goes on; `LeaseLost` if the lease is not current any more."""
        with self._database.write() as connection:
            staged = connection.execute(self._statements.staged, _mine(lease)).one_or_none()
            if staged is None:
                raise _lost(lease)
            if staged.staged_by != lease.token:
                connection.execute(self._statements.unstage, {"job_id": lease.job_id})
                connection.execute(self._statements.stage, _mine(lease))
            _insert(connection, lease.job_id, chunks)

    def complete(
        self,
        lease: Lease,
        done: Planned | Part | Finished,
        *,
        at: datetime,
        transaction: Any = None,
    ) -> None:
        """Commit what a chunk did, as the last statements; `LeaseLost` and nothing is kept."""
        if transaction is None:
            self._complete_alone(lease, done, at)
            return
        try:
            self._complete(transaction, lease, done, at)
        except LeaseLost:
            transaction.rollback()  # also if the caller goes on as if nothing had been
            raise

    @retried
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
        told = {
            "class": error_class(errors),
            "detail": detail,
            "errors": rows.listed(tuple(errors[:10])),
        }
        values = {
            **_mine(lease),
            "give_up": give_up,
            "delay": min(delay, MAX_BACKOFF),  # longer would count as a clock's fault
            "error": told,
        }
        with self._database.write() as connection:
            state = connection.scalar(self._statements.fail_chunk, values)
            if state != ChunkState.DEAD:
                return False
            failing = {"job_id": lease.job_id, "at": at, **made(errors, file)}
            return moved(connection, self._statements, "fail", failing) is not None

    @retried
    def release(self, lease: Lease) -> None:
        """Give chunk and attempt back untried; a lease that is not current is left alone."""
        with self._database.write() as connection:
            connection.execute(self._statements.release, _mine(lease))

    def chunks(self, job_id: str) -> Iterator[Chunk]:
        """Yield the work chunks of a job that is planned, in order."""
        planned = sa.select(job.c.id).where(job.c.id == job_id, job.c.count.is_not(None)).exists()
        wanted = _works(job_id, chunk.c.payload, chunk.c.weight).where(planned)
        for row in self._paged(wanted):
            yield Chunk(row.payload, weight=row.weight, seq=row.seq)

    def parts(self, job_id: str) -> Iterator[Part]:
        """Yield what the done work chunks of a job left, in order."""
        done = chunk.c.state == ChunkState.DONE.value
        for row in self._paged(_works(job_id, chunk.c.result).where(done)):
            yield rows.part(row.seq, row.result)

    def _paged(self, wanted: sa.Select[Any]) -> Iterator[sa.Row[Any]]:
        last = -1
        while True:  # by pages, so that no transaction is open while the caller reads
            with self._database.read() as connection:
                page = connection.execute(wanted.where(chunk.c.seq > last)).all()
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].seq

    def next_claim(self, job_id: str) -> float | None:
        """Return the seconds until a chunk of the job may be claimed; None if there is none."""
        with self._database.read() as connection:
            seconds = connection.scalar(self._statements.next_claim, {"job_id": job_id})
        return None if seconds is None else max(0.0, seconds)

    def close(self) -> None:
        """Let go of connections; the store may be used again afterwards."""
        self._database.close()

    @retried
    def _claimed(
        self, statement: sa.TextualSelect, values: dict[str, Any], at: datetime
    ) -> sa.Row[Any] | None:
        with self._database.write() as connection:
            if self._statements.walk is not None:
                connection.execute(self._statements.walk)
            row = connection.execute(statement, values).one_or_none()
            if row is not None and row.to_start:
                self._start(connection, row.job_id, values, at)
            if row is not None:
                faults.point("claim.before_commit")
            return row

    def _start(
        self, connection: sa.Connection, job_id: str, values: dict[str, Any], at: datetime
    ) -> None:
        """Start a job; `_OutrunError` if another one that excludes it was started at once."""
        if values["actor_jobs"] is not None and self._statements.lock_actor is not None:
            values = {**values, "job_id": job_id}
            connection.execute(self._statements.lock_actor, values)
            if not connection.scalar(self._statements.still_may_start, values):
                raise _OutrunError
        try:
            moved(connection, self._statements, "start", {"job_id": job_id, "at": at})
        except sa.exc.IntegrityError as error:
            if _EXCLUSIVE not in str(error.orig):
                raise
            raise _OutrunError from None

    @retried
    def _complete_alone(self, lease: Lease, done: Planned | Part | Finished, at: datetime) -> None:
        with self._database.write() as connection:
            self._complete(connection, lease, done, at)

    def _complete(
        self, connection: sa.Connection, lease: Lease, done: Planned | Part | Finished, at: datetime
    ) -> None:
        result = rows.of_part(done) if isinstance(done, Part) else None
        values = {**_mine(lease), "result": result}
        row = connection.execute(self._statements.done, values).one_or_none()
        if row is None:
            raise _lost(lease)
        if isinstance(done, Part):
            self._advance(connection, lease, done, at, row.weight)
        elif isinstance(done, Planned):
            self._plan(connection, lease, done, at, stale=row.staged_by not in (None, lease.token))
        else:
            self._finish(connection, lease, done, at)

    def _advance(
        self, connection: sa.Connection, lease: Lease, part: Part, at: datetime, weight: int
    ) -> None:
        counts = attrs.asdict(part.outcomes) if part.outcomes else dict.fromkeys(OUTCOMES)
        values = {"job_id": lease.job_id, "at": at, "weight": weight, **counts}
        last = connection.scalar(self._statements.advance, values)
        if last is None:
            raise _lost(lease)
        if last:
            connection.execute(self._statements.add_finish, {"job_id": lease.job_id})
        faults.point("work.before_commit")

    def _plan(
        self,
        connection: sa.Connection,
        lease: Lease,
        planned: Planned,
        at: datetime,
        *,
        stale: bool,
    ) -> None:
        if stale:  # what there is was staged by an attempt that did not come to its end
            connection.execute(self._statements.unstage, {"job_id": lease.job_id})
        _insert(connection, lease.job_id, planned.chunks)
        of_job = {"job_id": lease.job_id, "at": at}
        sets = {
            "amended": dict(planned.context) or None,
            "stat_descriptors": rows.listed(planned.stat_descriptors),
            **made(planned.errors or None, planned.file),
        }
        row = moved(connection, self._statements, "pre_process", {**of_job, **sets})
        if row is None:
            raise _lost(lease)
        if not row.dry_run:
            moved(connection, self._statements, "confirm", of_job)

    def _finish(
        self, connection: sa.Connection, lease: Lease, finished: Finished, at: datetime
    ) -> None:
        sets = made(finished.errors or None, finished.file)
        values = {"job_id": lease.job_id, "at": at, **sets}
        if moved(connection, self._statements, "complete", values) is None:
            raise _lost(lease)
        faults.point("finish.before_commit")


def _works(job_id: str, *also: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Return the statement for a page of a job's work chunks, with *also* beside their numbers."""
    of_job = chunk.c.job_id == job_id, chunk.c.kind == ChunkKind.WORK.value
    return sa.select(chunk.c.seq, *also).where(*of_job).order_by(chunk.c.seq).limit(_PAGE)


def _mine(lease: Lease) -> dict[str, Any]:
    return {
        "job_id": lease.job_id,
        "kind": lease.kind.value,
        "seq": lease.seq,
        "token": lease.token,
    }


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(lease.job_id, lease.kind, lease.seq, lease.token)


def _insert(connection: sa.Connection, job_id: str, chunks: Sequence[Chunk]) -> None:
    if not chunks:
        return
    same = {"job_id": job_id, "kind": ChunkKind.WORK.value}
    new = [{**same, **attrs.asdict(each, recurse=False)} for each in chunks]
    connection.execute(sa.insert(chunk), new)
    faults.point("plan.rows_inserted")
