"""The half of a SQL store that keeps jobs, their events and files; chunks are the other half."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from batchjob.abc import JobPage, JobQuery, JobStore
from batchjob.core.chunks import ChunkKind
from batchjob.core.events import Event
from batchjob.core.files import FileRecord
from batchjob.core.job import BatchJob
from batchjob.core.status import Verb
from batchjob.errors import DuplicateJob, InvalidState, UnknownFile, UnknownJob
from batchjob.stores import rows
from batchjob.stores.database import Database
from batchjob.stores.sql_moves import failure, moved
from batchjob.stores.statements import Statements
from batchjob.stores.tables import chunk, event, file, job


class SqlJobs(JobStore):
    """Jobs, their events and what is known of files, in a SQL database."""

    _database: Database
    _statements: Statements

    def create(self, new: BatchJob, *, context_version: int) -> BatchJob:
        """Keep a new job, its first event and its plan chunk; `DuplicateJob` if the id is taken."""
        first = {
            "job_id": new.id,
            "n": 1,
            "at": new.created_at,
            "actor": new.created_by,
            "to_status": new.status.value,
        }
        row = {**rows.of_job(new), "context_version": context_version}
        with self._database.write() as connection:
            if connection.scalar(sa.select(job.c.id).where(job.c.id == new.id)):
                raise DuplicateJob(new.id)
            connection.execute(sa.insert(job), row)
            connection.execute(sa.insert(event), first)
            connection.execute(
                sa.insert(chunk), {"job_id": new.id, "kind": ChunkKind.PLAN.value, "seq": 0}
            )
        return new

    def get(self, job_id: str) -> BatchJob:
        """Return the job as it stands; `UnknownJob` if there is none."""
        with self._database.read() as connection:
            return _job(connection, job_id)

    def context_version(self, job_id: str) -> int:
        """Return the strategy's version that the job's context was made by; raises as `get`."""
        with self._database.read() as connection:
            found = connection.scalar(sa.select(job.c.context_version).where(job.c.id == job_id))
        if found is None:
            raise UnknownJob(job_id)
        return int(found)

    def list(self, query: JobQuery) -> JobPage:
        """Return the jobs that match, newest first."""
        matching = _matching(query)
        page = (
            sa.select(job)
            .where(*matching)
            .order_by(job.c.created_at.desc(), job.c.id.desc())
            .limit(query.limit)
            .offset(query.offset)
        )
        with self._database.read() as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(job).where(*matching))
            found = connection.execute(page).mappings().all()
        return JobPage(jobs=tuple(rows.job(row) for row in found), count=count or 0)

    def move(
        self, job_id: str, verb: Verb, *, at: datetime, actor: str | None, reason: str | None = None
    ) -> BatchJob:
        """Confirm, cancel or fail a job and return it; `InvalidState` or `UnknownJob` if not."""
        values = {"job_id": job_id, "at": at, **(failure(()) if verb == "fail" else {})}
        with self._database.write() as connection:
            done = moved(connection, self._statements, verb, values, actor=actor, reason=reason)
            found = _job(connection, job_id)
            if done is None:
                raise InvalidState(job_id, verb, found.status)
        return found

    def events(self, job_id: str, *, after: int = 0) -> Sequence[Event]:
        """Return the job's events whose ``n`` is above *after*, in order."""
        wanted = (
            sa.select(event).where(event.c.job_id == job_id, event.c.n > after).order_by(event.c.n)
        )
        with self._database.read() as connection:
            return tuple(rows.event(row) for row in connection.execute(wanted).mappings())

    def add_file(self, record: FileRecord) -> None:
        """Remember whose a file is and what it is called, in place of what was known of its key."""
        with self._database.write() as connection:
            connection.execute(sa.delete(file).where(file.c.key == record.file.key))
            connection.execute(sa.insert(file), rows.of_record(record))

    def get_file(self, key: str) -> FileRecord:
        """Return what is known of the file; `UnknownFile` if nothing is."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(file).where(file.c.key == key)).mappings().first()
        if row is None:
            raise UnknownFile(key)
        return rows.record(row)


def _job(connection: sa.Connection, job_id: str) -> BatchJob:
    row = connection.execute(sa.select(job).where(job.c.id == job_id)).mappings().first()
    if row is None:
        raise UnknownJob(job_id)
    return rows.job(row)


def _matching(query: JobQuery) -> Sequence[sa.ColumnElement[bool]]:
    matching: Sequence[sa.ColumnElement[bool]] = []
    if query.batch_types:
        matching = [*matching, job.c.batch_type.in_(query.batch_types)]
    if query.statuses:
        matching = [*matching, job.c.status.in_([status.value for status in query.statuses])]
    if query.created_by is not None:
        matching = [*matching, job.c.created_by == query.created_by]
    return matching
