"""Lists of jobs in memory: what matches, in which order, and from where on."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from batchjob.abc import JobQuery, TimeRange
from batchjob.core.job import BatchJob
from batchjob.stores.memory_rows import JobRow
from batchjob.stores.rules import BOUNDS, by_order


def matching(rows: Iterable[JobRow], query: JobQuery) -> Sequence[JobRow]:
    """Return the rows of jobs that match, in no order."""
    return [row for row in rows if _matches(row.job, query)]


def page(rows: Iterable[JobRow], query: JobQuery) -> Sequence[JobRow]:
    """Return one page of the rows that match."""
    name, newest_first = by_order(query.order)

    def place(row: JobRow) -> tuple[datetime, str]:
        return getattr(row.job, name), row.job.id

    found = sorted(rows, key=place, reverse=newest_first)
    if query.after is not None:
        after = query.after.at, query.after.id
        found = [r for r in found if (place(r) < after if newest_first else place(r) > after)]
    return found[query.offset : query.offset + query.limit]


def _matches(job: BatchJob, query: JobQuery) -> bool:
    return (
        (not query.batch_types or job.batch_type in query.batch_types)
        and (not query.statuses or job.status in query.statuses)
        and (not query.ids or job.id in query.ids)
        and (query.created_by in (None, job.created_by) or job.batch_type in query.shared_types)
        and job.batch_type not in query.hidden_types
        and all(_within(getattr(job, name), wanted) for name, wanted in query.times.items())
    )


def _within(time: datetime | None, wanted: TimeRange) -> bool:
    if wanted.null and time is not None:
        return False
    bounds = ((compare, getattr(wanted, name)) for name, compare in BOUNDS.items())
    return all(
        time is not None and compare(time, bound) for compare, bound in bounds if bound is not None
    )
