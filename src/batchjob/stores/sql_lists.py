"""Lists of jobs as SQL: what matches, in which order, and from where on.

By ``created_at`` a page behind a cursor is looked up in an index, however deep it is; so it is in
the list of one creator. By ``updated_at`` what matches is sorted each time: an index of it would
have to be written for each chunk that is done.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from batchjob.abc import JobQuery, TimeRange
from batchjob.stores.columns import UtcTime
from batchjob.stores.rules import BOUNDS, by_order, storable
from batchjob.stores.tables import job


def page(query: JobQuery) -> sa.Select[Any]:
    """Return the statement for one page of a list."""
    name, newest_first = by_order(query.order)
    columns = job.c[name], job.c.id
    order = (each.desc() if newest_first else each.asc() for each in columns)
    found = sa.select(job).where(*_matching(query)).order_by(*order)
    if (after := query.after) is not None:
        place = sa.tuple_(sa.literal(after.at, UtcTime()), sa.literal(after.id))
        here = sa.tuple_(*columns)
        found = found.where(here < place if newest_first else here > place)
    return found.limit(query.limit).offset(query.offset)


def count(query: JobQuery) -> sa.Select[int]:
    """Return the statement that counts what matches, on all pages."""
    return sa.select(sa.func.count()).select_from(job).where(*_matching(query))


def _matching(query: JobQuery) -> Iterator[sa.ColumnElement[bool]]:
    texts = {
        job.c.batch_type: query.batch_types,
        job.c.status: tuple(status.value for status in query.statuses),
        job.c.id: query.ids,
    }
    for column, wanted in texts.items():
        if wanted:
            yield column.in_([each for each in wanted if storable(each)])
    if query.created_by is not None:
        known = storable(query.created_by)
        own = job.c.created_by == query.created_by if known else sa.false()
        yield sa.or_(own, job.c.batch_type.in_(query.shared_types)) if query.shared_types else own
    if query.hidden_types:
        yield job.c.batch_type.not_in(query.hidden_types)
    for name, wanted_times in query.times.items():
        yield from _within(job.c[name], wanted_times)


def _within(column: sa.ColumnElement[Any], wanted: TimeRange) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.null:
        yield column.is_(None)
    for name, compare in BOUNDS.items():
        if (bound := getattr(wanted, name)) is not None:
            yield compare(column, bound)
