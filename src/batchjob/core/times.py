"""Times of jobs: aware, UTC, whole milliseconds. Reading a clock does not belong here."""

from datetime import UTC, datetime, timedelta

from batchjob.errors import InvalidTime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_ms(time: datetime) -> datetime:
    """Return *time* in UTC, cut (not rounded) to milliseconds; `InvalidTime` if it is naive."""
    if time.tzinfo is None or time.utcoffset() is None:
        raise InvalidTime(time.isoformat())
    utc = time.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def to_epoch_ms(time: datetime) -> int:
    """Return the milliseconds from 1970-01-01 UTC to *time*."""
    return (utc_ms(time) - _EPOCH) // timedelta(milliseconds=1)
