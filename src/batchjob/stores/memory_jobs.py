"""The part of a store in memory that keeps jobs and their events."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from batchjob._typing import JsonObject
from batchjob.abc import JobPage, JobQuery, JobStore
from batchjob.core import job as core
from batchjob.core.chunks import ChunkKind
from batchjob.core.events import Event
from batchjob.core.job import BatchJob, Terms
from batchjob.core.status import OPEN, Verb
from batchjob.core.times import utc_ms
from batchjob.errors import DuplicateJob, IdempotencyConflict, InvalidState, UnknownJob
from batchjob.stores import rules
from batchjob.stores.memory_files import MemoryFiles
from batchjob.stores.memory_lists import matching, page
from batchjob.stores.memory_rows import ChunkRow, JobRow, Rows


class MemoryJobs(MemoryFiles, JobStore):
    """Jobs, their events and what is known of files, in memory."""

    _rows: Rows

    def create(self, new: BatchJob, terms: Terms) -> BatchJob:
        """Keep a new job, its first event and its plan chunk, or return the one of its key.

        `IdempotencyConflict` if its key is another request's, `DuplicateJob` if its id is taken.
        """
        row = JobRow(job=new, terms=terms, context=rules.dumps(new.context))
        first = Event(
            job_id=new.id,
            n=1,
            at=new.created_at,
            actor=new.created_by,
            from_status=None,
            to_status=new.status,
        )
        with self._rows.transaction():
            if (known := self._of_key(new.created_by, terms)) is not None:
                return known
            if new.id in self._rows.jobs:
                raise DuplicateJob(new.id)
            self._rows.put_job(row)
            self._rows.add_event(first)
            self._rows.put_chunk(ChunkRow(job_id=new.id, kind=ChunkKind.PLAN, seq=0))
        return new

    def get(self, job_id: str) -> BatchJob:
        """Return the job as it stands; `UnknownJob` if there is none."""
        return as_seen(job_row(self._rows, job_id))

    def terms(self, job_id: str) -> Terms:
        """Return what the job was made with; raises as `get`."""
        return job_row(self._rows, job_id).terms

    def sent_context(self, job_id: str) -> JsonObject:
        """Return the job's context as it was sent, without what planning added; raises as `get`."""
        sent: JsonObject = json.loads(job_row(self._rows, job_id).context)
        return sent

    def list(self, query: JobQuery) -> JobPage:
        """Return the jobs that match, a page of them, and how many there are on all pages."""
        with self._rows.locked():
            found = matching(self._rows.jobs.values(), query)
        return JobPage(jobs=tuple(map(as_seen, page(found, query))), count=len(found))

    def move(
        self, job_id: str, verb: Verb, *, at: datetime, actor: str | None, reason: str | None = None
    ) -> BatchJob:
        """Confirm, cancel or fail a job and return it; `InvalidState` or `UnknownJob` if not."""
        sets = {"errors": ()} if verb == "fail" else {}
        with self._rows.transaction():
            return as_seen(moved(self._rows, job_id, verb, at, actor=actor, reason=reason, **sets))

    def pause(self, job_id: str, *, at: datetime, actor: str | None) -> BatchJob:
        """Let no chunk of an open job be claimed until `resume`; `InvalidState` if it has ended."""
        with self._rows.transaction():
            row = self._open(job_id, "pause")
            if row.paused_at is None:
                now = max(utc_ms(at), row.job.updated_at)
                row = self._put(attrs.evolve(row, paused_at=now), now, actor, "paused")
            return as_seen(row)

    def resume(self, job_id: str, *, at: datetime, actor: str | None) -> BatchJob:
        """Let chunks of a paused job be claimed again; `InvalidState` if it has ended."""
        with self._rows.transaction():
            row = self._open(job_id, "resume")
            if row.paused_at is not None:
                now = max(utc_ms(at), row.job.updated_at)
                stood = rules.paused_seconds(row.paused_at, row.job.processing_at, now)
                row = attrs.evolve(row, paused_at=None, paused_s=row.paused_s + stood)
                row = self._put(row, now, actor, "resumed")
            return as_seen(row)

    def events(self, job_id: str, *, after: int = 0) -> Sequence[Event]:
        """Return the job's events whose ``n`` is above *after*, in order."""
        return self._rows.events.get(job_id, ())[max(after, 0) :]

    def ended(self, *, before: datetime, limit: int) -> Sequence[str]:
        """Return ids of jobs that ended before a time, at most *limit*, the oldest first."""
        with self._rows.locked():
            found = [
                (row.ended_at, row.job.id)
                for row in self._rows.jobs.values()
                if row.ended_at is not None and row.ended_at < utc_ms(before)
            ]
        return [job_id for _, job_id in sorted(found)[:limit]]

    def purge(self, job_ids: Sequence[str]) -> int:
        """Forget those of the jobs that have ended; return how many there were."""
        with self._rows.transaction():
            known = {job_id for job_id in job_ids if job_id in self._rows.jobs}
            gone = [each for each in known if self._rows.jobs[each].job.status not in OPEN]
            for job_id in gone:
                self._rows.drop_job(job_id)
        return len(gone)

    def _of_key(self, created_by: str | None, terms: Terms) -> BatchJob | None:
        """Return the job that was made with this key; `IdempotencyConflict` if by another hash."""
        key = terms.idempotency_key
        job_id = None if key is None else self._rows.keys.get((created_by, key))
        if key is None or job_id is None:
            return None
        known = job_row(self._rows, job_id)
        if known.terms.request_hash != terms.request_hash:
            raise IdempotencyConflict(key, job_id)
        return as_seen(known)

    def _open(self, job_id: str, verb: str) -> JobRow:
        row = job_row(self._rows, job_id)
        if row.job.status not in OPEN:
            raise InvalidState(job_id, verb, row.job.status, OPEN)
        return row

    def _put(self, row: JobRow, now: datetime, actor: str | None, reason: str) -> JobRow:
        after = attrs.evolve(row, job=attrs.evolve(row.job, updated_at=now))
        self._rows.put_job(after)
        _say(self._rows, row.job, after.job, actor, reason)
        return after


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
    if after.job.status not in OPEN:
        after = attrs.evolve(after, ended_at=after.job.updated_at)
    rows.put_job(after)
    _say(rows, before.job, after.job, actor, reason)
    if verb == "confirm" and not after.total:
        rows.put_chunk(ChunkRow(job_id=job_id, kind=ChunkKind.FINISH, seq=0))
    return after


def _say(
    rows: Rows, before: BatchJob, after: BatchJob, actor: str | None, reason: str | None
) -> None:
    rows.add_event(
        Event(
            job_id=after.id,
            n=len(rows.events[after.id]) + 1,
            at=after.updated_at,
            actor=actor,
            from_status=before.status,
            to_status=after.status,
            reason=reason,
        )
    )


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
    context = {**json.loads(row.context), **json.loads(row.amended)}
    return attrs.evolve(row.job, context=context, result=result)
