"""What can be asked for of a list of jobs, and a page of one."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from batchjob.core.job import BatchJob
from batchjob.core.status import STAMPS, Status
from batchjob.core.times import utc_ms
from batchjob.errors import UnknownName

TIMES: Final = ("created_at", "updated_at", *STAMPS.values())
"""The times of a job that a list can be restricted by."""

ORDERS: Final = ("created_at", "-created_at", "updated_at", "-updated_at")
"""What a list can be ordered by; with ``-`` the last one comes first. Ties go by id, as well."""

_MS: Final = timedelta(milliseconds=1)
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = utc_ms(datetime.max.replace(tzinfo=UTC))


def _down(time: datetime | None) -> datetime | None:
    """Return the last time of a job that is not after *time*."""
    if time is None:
        return None
    try:
        return utc_ms(time)
    except OverflowError:  # its zone puts it out of the calendar, where no job is
        return _EARLIEST if time.year == _EARLIEST.year else _LATEST


def _up(time: datetime | None) -> datetime | None:
    """Return the first time of a job that is not before *time*."""
    below = _down(time)
    if time is None or below is None or below >= time or below == _LATEST:
        return below
    return below + _MS


@attrs.frozen(kw_only=True)
class TimeRange:
    """Which times match: all bounds that are given hold, and jobs without the time do not match.

    With ``null`` those match that have no such time, and no other. Bounds are aware; jobs' times
    are whole milliseconds, so bounds between two of them are put where they mean the same.
    """

    gt: datetime | None = attrs.field(default=None, converter=_down)
    gte: datetime | None = attrs.field(default=None, converter=_up)
    lt: datetime | None = attrs.field(default=None, converter=_up)
    lte: datetime | None = attrs.field(default=None, converter=_down)
    null: bool = False


@attrs.frozen(kw_only=True)
class Cursor:
    """A place in a list: behind the job of this id, whose time that it is ordered by is *at*.

    The job need not be there any more.
    """

    at: datetime = attrs.field(converter=utc_ms)
    id: str


def _known(known: Sequence[str]) -> Any:
    def check(_: object, __: object, value: str | Mapping[str, object]) -> None:
        for name in (value,) if isinstance(value, str) else value:
            if name not in known:
                raise UnknownName(name, known)

    return check


@attrs.frozen(kw_only=True)
class JobQuery:
    """Which jobs to list, and in what order: an empty one or None does not restrict.

    ``times`` has ranges by the names in `TIMES`, ``order`` is one of `ORDERS`. A list begins
    behind ``after``, and leaves out ``offset`` jobs; both numbers are 0 or more. Beside the jobs
    of ``created_by`` all of ``shared_types`` match, whoever made them; those of ``hidden_types``
    never do. `UnknownName` for another name of a time or an order.
    """

    batch_types: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    ids: tuple[str, ...] = ()
    created_by: str | None = None
    shared_types: tuple[str, ...] = ()
    hidden_types: tuple[str, ...] = ()
    times: Mapping[str, TimeRange] = attrs.field(factory=dict, validator=_known(TIMES))
    order: str = attrs.field(default="-created_at", validator=_known(ORDERS))
    after: Cursor | None = None
    limit: int = 10
    offset: int = 0


@attrs.frozen(kw_only=True)
class JobPage:
    """One page of a list, and how many jobs match in all, whatever page this is."""

    jobs: tuple[BatchJob, ...]
    count: int
