"""The part of a SQL store that keeps jobs and their events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from batchjob._typing import JsonObject
from batchjob.abc import JobPage, JobQuery, JobStore
from batchjob.core.chunks import ChunkKind
from batchjob.core.events import Event
from batchjob.core.job import BatchJob, Terms
from batchjob.core.status import OPEN, Verb, sources
from batchjob.core.times import utc_ms
from batchjob.errors import DuplicateJob, IdempotencyConflict, InvalidState, UnknownJob
from batchjob.stores import rows
from batchjob.stores.database import Database
from batchjob.stores.retrying import retried
from batchjob.stores.rules import paused_seconds
from batchjob.stores.sql_files import SqlFiles
from batchjob.stores.sql_lists import count, page
from batchjob.stores.sql_moves import made, moved, said
from batchjob.stores.statements import Statements
from batchjob.stores.tables import ENDED, chunk, event, file, job

_CREATIONS: Final = 3  # of one job, while others make the same


class SqlJobs(SqlFiles, JobStore):
    """Jobs, their events and what is known of files, in a SQL database."""

    _database: Database
    _statements: Statements

    def create(self, new: BatchJob, terms: Terms) -> BatchJob:
        """Keep a new job, its first event and its plan chunk, or return the one of its key.

        `IdempotencyConflict` if its key is another request's, `DuplicateJob` if its id is taken.
        """
        for attempt in range(_CREATIONS):
            try:
                return self._created(new, terms, again=attempt > 0)
            except sa.exc.IntegrityError:  # somebody else was first: there is something to find
                continue
        return self._created(new, terms, again=True)

    def get(self, job_id: str) -> BatchJob:
        """Return the job as it stands; `UnknownJob` if there is none."""
        with self._database.read() as connection:
            return _job(connection, job_id)

    def terms(self, job_id: str) -> Terms:
        """Return what the job was made with; raises as `get`."""
        with self._database.read() as connection:
            return rows.terms(_row(connection, job_id))

    def sent_context(self, job_id: str) -> JsonObject:
        """Return the job's context as it was sent, without what planning added; raises as `get`."""
        with self._database.read() as connection:
            sent: JsonObject = _row(connection, job_id)["context"]
        return sent

    def list(self, query: JobQuery) -> JobPage:
        """Return the jobs that match, a page of them, and how many there are on all pages."""
        with self._database.read() as connection:
            number = connection.scalar(count(query))
            found = connection.execute(page(query)).mappings().all()
        return JobPage(jobs=tuple(rows.job(row) for row in found), count=number or 0)

    @retried
    def move(
        self, job_id: str, verb: Verb, *, at: datetime, actor: str | None, reason: str | None = None
    ) -> BatchJob:
        """Confirm, cancel or fail a job and return it; `InvalidState` or `UnknownJob` if not."""
        values = {"job_id": job_id, "at": at, **(made(()) if verb == "fail" else {})}
        with self._database.write() as connection:
            done = moved(connection, self._statements, verb, values, actor=actor, reason=reason)
            found = _job(connection, job_id)
            if done is None:
                raise InvalidState(job_id, verb, found.status, sources(verb))
        return found

    @retried
    def pause(self, job_id: str, *, at: datetime, actor: str | None) -> BatchJob:
        """Let no chunk of an open job be claimed until `resume`; `InvalidState` if it has ended."""
        with self._database.write() as connection:
            values = {"job_id": job_id, "at": at}
            if connection.execute(self._statements.pause, values).one_or_none():
                said(connection, self._statements, job_id, actor=actor, reason="paused")
            return _still_open(connection, job_id, "pause")

    @retried
    def resume(self, job_id: str, *, at: datetime, actor: str | None) -> BatchJob:
        """Let chunks of a paused job be claimed again; `InvalidState` if it has ended."""
        with self._database.write() as connection:
            row = connection.execute(self._statements.paused, {"job_id": job_id}).one_or_none()
            if row is not None:
                stood = paused_seconds(
                    row.paused_at, row.processing_at, max(utc_ms(at), row.updated_at)
                )
                values = {"job_id": job_id, "at": at, "seconds": stood}
                connection.execute(self._statements.resume, values)
                said(connection, self._statements, job_id, actor=actor, reason="resumed")
            return _still_open(connection, job_id, "resume")

    def events(self, job_id: str, *, after: int = 0) -> Sequence[Event]:
        """Return the job's events whose ``n`` is above *after*, in order."""
        wanted = (
            sa.select(event).where(event.c.job_id == job_id, event.c.n > after).order_by(event.c.n)
        )
        with self._database.read() as connection:
            return tuple(rows.event(row) for row in connection.execute(wanted).mappings())

    def ended(self, *, before: datetime, limit: int) -> Sequence[str]:
        """Return ids of jobs that ended before a time, at most *limit*, the oldest first."""
        wanted = (
            sa.select(job.c.id)
            .where(job.c.ended_at < before)
            .order_by(job.c.ended_at, job.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return connection.scalars(wanted).all()

    @retried
    def purge(self, job_ids: Sequence[str]) -> int:
        """Forget those of the jobs that have ended; return how many there were."""
        over = job.c.id.in_(job_ids), job.c.status.in_(ENDED)
        with self._database.write() as connection:
            gone = connection.scalars(sa.select(job.c.id).where(*over)).all()  # over for good
            for table in (chunk, event, file):  # chunks before jobs, as everywhere
                connection.execute(sa.delete(table).where(table.c.job_id.in_(gone)))
            return connection.execute(sa.delete(job).where(*over, job.c.id.in_(gone))).rowcount

    @retried
    def _created(self, new: BatchJob, terms: Terms, *, again: bool) -> BatchJob:
        of_job = {"job_id": new.id}
        with self._database.write() as connection:
            if terms.idempotency_key is not None and (
                known := _of_key(connection, new.created_by, terms.idempotency_key)
            ):
                if known["request_hash"] != terms.request_hash:
                    raise IdempotencyConflict(terms.idempotency_key, known["id"])
                return rows.job(known)
            if again and connection.scalar(sa.select(job.c.id).where(job.c.id == new.id)):
                raise DuplicateJob(new.id)
            connection.execute(sa.insert(job), rows.of_job(new, terms))
            connection.execute(self._statements.add_first_event, of_job)
            connection.execute(sa.insert(chunk), {**of_job, "kind": ChunkKind.PLAN, "seq": 0})
        return new


def _row(connection: sa.Connection, job_id: str) -> sa.RowMapping:
    row = connection.execute(sa.select(job).where(job.c.id == job_id)).mappings().first()
    if row is None:
        raise UnknownJob(job_id)
    return row


def _job(connection: sa.Connection, job_id: str) -> BatchJob:
    return rows.job(_row(connection, job_id))


def _still_open(connection: sa.Connection, job_id: str, verb: str) -> BatchJob:
    found = _job(connection, job_id)
    if found.status not in OPEN:
        raise InvalidState(job_id, verb, found.status, OPEN)
    return found


def _of_key(connection: sa.Connection, created_by: str | None, key: str) -> sa.RowMapping | None:
    wanted = sa.select(job).where(job.c.created_by == created_by, job.c.idempotency_key == key)
    return connection.execute(wanted).mappings().first()
