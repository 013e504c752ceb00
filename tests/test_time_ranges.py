"""Bounds of times, which are put on whole milliseconds where they mean the same."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchjob import Cursor, TimeRange
from batchjob.core.times import utc_ms
from batchjob.errors import InvalidTime
from batchjob.stores.rules import BOUNDS
from support import NOON

DAYS = st.datetimes(datetime(2024, 1, 1), datetime(2024, 1, 1, 0, 0, 1))  # noqa: DTZ001
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=2))])


def bounded(name: str, bound: datetime) -> datetime:
    """Return what is kept of a bound."""
    given: dict[str, Any] = {name: bound}
    kept: datetime = getattr(TimeRange(**given), name)
    return kept


@given(
    time=DAYS.map(lambda time: utc_ms(time.replace(tzinfo=UTC))),
    bound=st.builds(lambda time, zone: time.replace(tzinfo=UTC).astimezone(zone), DAYS, ZONES),
    name=st.sampled_from(list(BOUNDS)),
)
def test_a_bound_means_what_it_says(time: datetime, bound: datetime, name: str) -> None:
    """A time of a job compares to the bound that is kept as to the one that was given."""
    kept = bounded(name, bound)
    assert kept == utc_ms(kept)
    assert BOUNDS[name](time, kept) == BOUNDS[name](time, bound)


@pytest.mark.parametrize("hours", [-14, 0, 14])
def test_a_bound_at_the_end_of_the_calendar_is_one(hours: int) -> None:
    """The first and the last time that can be written are bounds, in any zone."""
    zone = timezone(timedelta(hours=hours))
    for name in BOUNDS:
        first = bounded(name, datetime.min.replace(tzinfo=zone))
        last = bounded(name, datetime.max.replace(tzinfo=zone))
        assert first < NOON < last
        assert first.utcoffset() == last.utcoffset() == timedelta(0)


def test_a_bound_without_a_zone_is_refused() -> None:
    """Bounds and cursors are aware times, as all times are."""
    naive = NOON.replace(tzinfo=None)
    for name in BOUNDS:
        with pytest.raises(InvalidTime):
            bounded(name, naive)
    with pytest.raises(InvalidTime):
        Cursor(at=naive, id="batch_1")
