"""Times of jobs: aware, UTC, whole milliseconds. Reading a clock does not belong here."""

import re
from datetime import UTC, datetime, timedelta

from batchjob.errors import InvalidSetting, InvalidTime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def utc_ms(time: datetime) -> datetime:
    """Return *time* in UTC, cut (not rounded) to milliseconds; `InvalidTime` if it is naive."""
    if time.tzinfo is None or time.utcoffset() is None:
        raise InvalidTime(time.isoformat())
    utc = time.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def utc_ms_or_none(time: datetime | None) -> datetime | None:
    """Return *time* as `utc_ms` does; None stays None."""
    return None if time is None else utc_ms(time)


def to_epoch_ms(time: datetime) -> int:
    """Return the milliseconds from 1970-01-01 UTC to *time*."""
    return (utc_ms(time) - _EPOCH) // timedelta(milliseconds=1)


def seconds(text: str) -> float:
    """Return the seconds of a length of time such as ``30d``, ``12h``, ``90m`` or ``45s``.

    `InvalidSetting` if it is none.
    """
    found = re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII)
    if found is None:
        raise InvalidSetting(f"{text!r} is no time; write e.g. 30d, 12h, 90m or 45s")
    return float(found[1]) * _UNITS[found[2]]
