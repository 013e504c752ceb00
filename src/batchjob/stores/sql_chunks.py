"""The half of a SQL store that leases chunks and takes what became of them.

The statements are in `statements`; here is what of them makes one transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

import attrs
import sqlalchemy as sa

from batchjob.abc import ChunkStore
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
from batchjob.core.results import OUTCOMES, JobError
from batchjob.errors import LeaseLost
from batchjob.stores import rows
from batchjob.stores.database import Database
from batchjob.stores.rules import worker_lost
from batchjob.stores.sql_moves import failure, moved
from batchjob.stores.statements import Statements
from batchjob.stores.tables import chunk, job

_PAGE: Final = 1000  # rows that are read, or tidied, at a time
_BURIALS: Final = 100  # of one sweep: the next one goes on


class SqlChunks(ChunkStore):
    """The lease protocol in a SQL database."""

    _database: Database
    _statements: Statements

    def claim(
        self,
        worker: str,
        *,
        batch_types: Sequence[str],
        seconds: float,
        at: datetime,
        job_id: str | None = None,
    ) -> Lease | None:
        """Lease the next chunk that may be tried (of one job, if named), or return None."""
        if not batch_types:
            return None
        values = {"worker": worker, "seconds": seconds, "batch_types": list(batch_types)}
        statement = self._statements.claim
        if job_id is not None:
            statement, values["job_id"] = self._statements.claim_of_job, job_id
        with self._database.write() as connection:
            if self._statements.walk is not None:
                connection.execute(self._statements.walk)
            row = connection.execute(statement, values).one_or_none()
            if row is None:
                return None
            if row.to_start:
                moved(connection, self._statements, "start", {"job_id": row.job_id, "at": at})
        return rows.lease(row, worker=worker, seconds=seconds)

    def renew(self, lease: Lease) -> None:
        """Make the lease last its seconds from now; `LeaseLost` if it is not current any more."""
        with self._database.write() as connection:
            if not connection.execute(self._statements.renew, _mine(lease)).rowcount:
                raise _lost(lease)

    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """Open a transaction; what is executed on its connection commits with the block's end."""
        return self._database.write()

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
            with self._database.write() as connection:
                self._complete(connection, lease, done, at)
            return
        try:
            self._complete(transaction, lease, done, at)
        except LeaseLost:
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
    ) -> bool:
        """Give the chunk back after an error; True if that was its end, and the job failed."""
        told = {"detail": detail, "errors": rows.listed(tuple(errors[:10]))}
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
            failing = {"job_id": lease.job_id, "at": at, **failure(errors)}
            return moved(connection, self._statements, "fail", failing) is not None

    def release(self, lease: Lease) -> None:
        """Give chunk and attempt back untried; a lease that is not current is left alone."""
        with self._database.write() as connection:
            connection.execute(self._statements.release, _mine(lease))

    def sweep(self, *, at: datetime) -> int:
        """End chunks whose last attempt's lease is over, and return how many there were.

        Besides, chunks of ended jobs become void, and a finish that is missing is added.
        """
        with self._database.read() as connection:  # so that an idle sweep takes no lock
            exhausted, untidy, unfinished = connection.execute(self._statements.to_sweep).one()
        buried = 0
        while exhausted and buried < _BURIALS and self._bury(at):
            buried += 1
        if untidy or buried:
            with self._database.write() as connection:
                connection.execute(self._statements.void, {"most": _PAGE})
                connection.execute(self._statements.tidied, {"most": _PAGE, "at": at})
        if unfinished:
            with self._database.write() as connection:
                connection.execute(self._statements.repair)
        return buried

    def parts(self, job_id: str) -> Iterator[Part]:
        """Yield what the done work chunks of a job left, in order."""
        wanted = (
            sa.select(chunk.c.seq, chunk.c.result)
            .where(
                chunk.c.job_id == job_id,
                chunk.c.kind == ChunkKind.WORK.value,
                chunk.c.state == ChunkState.DONE.value,
            )
            .order_by(chunk.c.seq)
            .limit(_PAGE)
        )
        last = -1
        while True:  # by pages, so that no transaction is open while the caller reads
            with self._database.read() as connection:
                page = connection.execute(wanted.where(chunk.c.seq > last)).all()
            yield from (rows.part(row.seq, row.result) for row in page)
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

    def _bury(self, at: datetime) -> bool:
        with self._database.write() as connection:
            row = connection.execute(self._statements.bury).one_or_none()
            if row is None:
                return False
            errors = (worker_lost(row.kind, row.seq, row.attempts),)
            failing = {"job_id": row.job_id, "at": at, **failure(errors)}
            moved(connection, self._statements, "fail", failing)
            return True

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
            self._plan(connection, lease, done, at, fresh=row.staged_by != lease.token)
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

    def _plan(
        self,
        connection: sa.Connection,
        lease: Lease,
        planned: Planned,
        at: datetime,
        *,
        fresh: bool,
    ) -> None:
        if fresh:  # what there is was staged by an attempt that did not come to its end
            connection.execute(self._statements.unstage, {"job_id": lease.job_id})
        _insert(connection, lease.job_id, planned.chunks)
        of_job = {"job_id": lease.job_id, "at": at}
        context = connection.scalar(sa.select(job.c.context).where(job.c.id == lease.job_id))
        sets = {
            "context": {**context, **planned.context} if context is not None else {},
            "stat_descriptors": rows.listed(planned.stat_descriptors),
        }
        row = moved(connection, self._statements, "pre_process", {**of_job, **sets})
        if row is None:
            raise _lost(lease)
        if not row.dry_run:
            moved(connection, self._statements, "confirm", of_job)

    def _finish(
        self, connection: sa.Connection, lease: Lease, finished: Finished, at: datetime
    ) -> None:
        fields = attrs.asdict(finished.file) if finished.file else {}
        sets = {f"file_{name}": fields.get(name) for name in ("key", "size", "sha256")}
        values = {"job_id": lease.job_id, "at": at, **sets}
        if moved(connection, self._statements, "complete", values) is None:
            raise _lost(lease)


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
