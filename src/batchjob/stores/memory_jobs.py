"""The half of a store in memory that keeps jobs, their events and files."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from batchjob.abc import JobPage, JobQuery, JobStore
from batchjob.core import job as core
from batchjob.core.chunks import ChunkKind
from batchjob.core.events import Event
from batchjob.core.files import FileRecord
from batchjob.core.job import BatchJob
from batchjob.core.status import Verb
from batchjob.errors import DuplicateJob, UnknownFile, UnknownJob
from batchjob.stores import rules
from batchjob.stores.memory_rows import ChunkRow, JobRow, Rows


class MemoryJobs(JobStore):
    """Jobs, their events and what is known of files, in memory."""

    _rows: Rows

    def create(self, new: BatchJob, *, context_version: int) -> BatchJob:
        """Keep a new job, its first event and its plan chunk; `DuplicateJob` if the id is taken."""
        row = JobRow(job=new, context=rules.dumps(new.context), context_version=context_version)
        first = Event(
            job_id=new.id,
            n=1,
            at=new.created_at,
            actor=new.created_by,
            from_status=None,
            to_status=new.status,
        )
        with self._rows.transaction():
            if new.id in self._rows.jobs:
                raise DuplicateJob(new.id)
            self._rows.put_job(row)
            self._rows.put_events(new.id, (first,))
            self._rows.put_chunk(ChunkRow(job_id=new.id, kind=ChunkKind.PLAN, seq=0))
        return new

    def get(self, job_id: str) -> BatchJob:
        """Return the job as it stands; `UnknownJob` if there is none."""
        return as_seen(job_row(self._rows, job_id))

    def context_version(self, job_id: str) -> int:
        """Return the strategy's version that the job's context was made by; raises as `get`."""
        return job_row(self._rows, job_id).context_version

    def list(self, query: JobQuery) -> JobPage:
        """Return the jobs that match, newest first."""
        with self._rows.locked():
            found = [row for row in self._rows.jobs.values() if _matches(row.job, query)]
        found.sort(key=lambda row: (row.job.created_at, row.job.id), reverse=True)
        page = found[query.offset : query.offset + query.limit]
        return JobPage(jobs=tuple(map(as_seen, page)), count=len(found))

    def move(
        self, job_id: str, verb: Verb, *, at: datetime, actor: str | None, reason: str | None = None
    ) -> BatchJob:
        """Confirm, cancel or fail a job and return it; `InvalidState` or `UnknownJob` if not."""
        sets = {"errors": ()} if verb == "fail" else {}
        with self._rows.transaction():
            return as_seen(moved(self._rows, job_id, verb, at, actor=actor, reason=reason, **sets))

    def events(self, job_id: str, *, after: int = 0) -> Sequence[Event]:
        """Return the job's events whose ``n`` is above *after*, in order."""
        return self._rows.events.get(job_id, ())[max(after, 0) :]

    def add_file(self, record: FileRecord) -> None:
        """Remember whose a file is and what it is called, in place of what was known of its key."""
        with self._rows.transaction():
            self._rows.put_file(record)

    def get_file(self, key: str) -> FileRecord:
        """Return what is known of the file; `UnknownFile` if nothing is."""
        with self._rows.locked():
            if (record := self._rows.files.get(key)) is None:
                raise UnknownFile(key)
            return record


def job_row(rows: Rows, job_id: str) -> JobRow:
    """Return a job's row; `UnknownJob` if there is none."""
    with rows.locked():
        if (row := rows.jobs.get(job_id)) is None:
            raise UnknownJob(job_id)
        return row


def moved(
    rows: Rows,
    job_id: str,
    verb: Verb,
    at: datetime,
    *,
    actor: str | None = None,
    reason: str | None = None,
    **sets: Any,
) -> JobRow:
    """Move a job by *verb*, write the event, and return its row; raises as the core's `move`.

    Confirming a job without chunks adds its finish.
    """
    before = job_row(rows, job_id)
    after = attrs.evolve(before, job=core.move(before.job, verb, at=at), **sets)
    events = rows.events[job_id]
    event = Event(
        job_id=job_id,
        n=len(events) + 1,
        at=after.job.updated_at,
        actor=actor,
        from_status=before.job.status,
        to_status=after.job.status,
        reason=reason,
    )
    rows.put_job(after)
    rows.put_events(job_id, (*events, event))
    if verb == "confirm" and not after.total:
        rows.put_chunk(ChunkRow(job_id=job_id, kind=ChunkKind.FINISH, seq=0))
    return after


def as_seen(row: JobRow) -> BatchJob:
    """Return the job of a row, with a context of its own and its result as far as it is known."""
    result = rules.result(
        stat_descriptors=row.stat_descriptors,
        errors=row.errors,
        count=row.count,
        advancement_count=row.advancement_count,
        outcomes=row.outcomes,
        completed=row.job.completed_at is not None,
        file=row.file,
    )
    return attrs.evolve(row.job, context=json.loads(row.context), result=result)


def _matches(job: BatchJob, query: JobQuery) -> bool:
    return (
        (not query.batch_types or job.batch_type in query.batch_types)
        and (not query.statuses or job.status in query.statuses)
        and (query.created_by is None or job.created_by == query.created_by)
    )
