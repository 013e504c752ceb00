"""What may be claimed in a store in memory, and what has to wait; nothing is changed here."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from batchjob.abc import STRATEGY_WAIT, Limits
from batchjob.core.chunks import ChunkState
from batchjob.core.status import MOVES
from batchjob.stores import rules
from batchjob.stores.memory_jobs import job_row
from batchjob.stores.memory_rows import ChunkRow, JobRow, Rows
from batchjob.stores.standings import JobFacts, Tried


class Board:
    """The rows, seen at the time of *clock*; the caller keeps other threads out."""

    def __init__(self, rows: Rows, clock: Callable[[], float]) -> None:
        self._rows, self._clock = rows, clock

    def next(self, limits: Limits, job_id: str | None) -> ChunkRow | None:
        """Return the next chunk to be claimed (of one job, if named), None if there is none."""
        jobs = self._rows.open_jobs() if job_id is None else iter((job_id,))
        leased = list[tuple[int, str]]()
        for each in jobs:
            if job_id is None and (leases := self._leases(each)):
                leased.append((leases, each))
            elif (found := self._next_of(each, limits)) is not None:
                return found
        found_ones = (self._next_of(each, limits) for _, each in sorted(leased))
        return next((found for found in found_ones if found is not None), None)

    def _next_of(self, job_id: str, limits: Limits) -> ChunkRow | None:
        row = self._rows.jobs.get(job_id)
        if row is None or not _known(row, limits) or not self._may_start(row, limits):
            return None
        return self.first_to_claim(job_id)

    def first_to_claim(self, job_id: str) -> ChunkRow | None:
        """Return the first chunk of a job that may be claimed now, whoever asks."""
        chunks = self._rows.open_chunks_of(job_id)
        return next((row for row in chunks if self.to_try(row) and not self.wait(row)), None)

    def _leases(self, job_id: str) -> int:
        return sum(self.wait(row) > 0 for row in self._rows.leased_chunks_of(job_id))

    def _in_process(self, row: JobRow) -> Sequence[JobRow]:
        """Return the other jobs that are processed."""
        others = (self._rows.jobs[each] for each in self._rows.processing if each != row.job.id)
        return sorted(others, key=lambda each: each.job.id)

    def _blocked_by(self, row: JobRow) -> str | None:
        key = row.terms.exclusive_key
        if key is None or row.job.status not in MOVES["start"]:
            return None
        others = self._in_process(row)
        return next((o.job.id for o in others if o.terms.exclusive_key == key), None)

    def _busy(self, row: JobRow) -> int | None:
        actor = row.job.created_by
        if actor is None or row.job.status not in MOVES["start"]:
            return None
        return sum(other.job.created_by == actor for other in self._in_process(row))

    def _may_start(self, row: JobRow, limits: Limits) -> bool:
        busy, most = self._busy(row), limits.actor_jobs
        too_many = busy is not None and most is not None and busy >= most
        return not too_many and self._blocked_by(row) is None

    def stranded(self, job_id: str, at: datetime, limits: Limits) -> bool:
        """Tell whether a job has waited for a strategy for too long."""
        row = job_row(self._rows, job_id)
        old = _seen(row) <= at - timedelta(seconds=STRATEGY_WAIT)
        alone = not _known(row, limits) and not self._leases(job_id)
        free = alone and self._may_start(row, limits)
        return old and free and self.first_to_claim(job_id) is not None

    def overlooked(self, job_id: str, at: datetime, limits: Limits) -> bool:
        """Tell whether a job that has a strategy here has not moved, nor been told of, for long."""
        row = job_row(self._rows, job_id)
        old = _seen(row) <= at - timedelta(seconds=STRATEGY_WAIT / 2)
        to_try = row.job.status in rules.TO_CLAIM and row.paused_at is None
        return old and to_try and _known(row, limits)

    def facts(self, row: JobRow) -> JobFacts:
        """Return what there is to know of where a job stands."""
        job = row.job
        return JobFacts(
            status=job.status,
            batch_type=job.batch_type,
            context_version=row.terms.context_version,
            paused_at=row.paused_at,
            retry_of=row.terms.retry_of,
            blocked_by=self._blocked_by(row),
            busy=self._busy(row),
            ready=self.first_to_claim(job.id) is not None,
            count=row.count,
            advancement_count=row.advancement_count,
            processing_at=job.processing_at,
            updated_at=job.updated_at,
            paused_s=row.paused_s,
        )

    def tried(self, row: ChunkRow) -> Tried:
        """Return what there is to know of a chunk that was tried."""
        return Tried(
            kind=row.kind,
            seq=row.seq,
            state=row.state,
            attempts=row.attempts,
            max_attempts=row.max_attempts,
            seconds=self.wait(row),
            error=row.error,
        )

    def exhausted(self, row: ChunkRow) -> bool:
        """Tell whether a chunk's last attempt did not come back."""
        over = rules.expired(row.lease_until, row.lease_s, now=self._clock())
        return row.state is ChunkState.LEASED and row.attempts >= row.max_attempts and over

    def to_try(self, row: ChunkRow) -> bool:
        """Tell whether a chunk may be claimed, now or later."""
        of_job = job_row(self._rows, row.job_id)
        live = of_job.job.status in rules.CLAIMABLE[row.kind] and of_job.paused_at is None
        return live and row.is_open and row.attempts < row.max_attempts

    def wait(self, row: ChunkRow) -> float:
        """Return the seconds until a chunk that may be claimed may be so, 0 for now."""
        now = self._clock()
        if row.state is ChunkState.READY:
            return 0.0 if rules.ready(row.not_before, now=now) else row.not_before - now
        over = rules.expired(row.lease_until, row.lease_s, now=now)
        return 0.0 if over else row.lease_until - now


def _seen(row: JobRow) -> datetime:
    return max(row.job.updated_at, row.served_at or row.job.updated_at)


def _known(row: JobRow, limits: Limits) -> bool:
    return row.terms.context_version <= limits.batch_types.get(row.job.batch_type, -1)
