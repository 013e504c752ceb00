"""A clock for tests."""

from datetime import UTC, datetime, timedelta
from typing import Final

from batchjob.abc import Clock

_NOON: Final = datetime(2024, 1, 1, 12, tzinfo=UTC)


class HandClock(Clock):
    """A clock that stands until it is moved; it begins at noon of the first day of 2024, in UTC."""

    def __init__(self, time: datetime = _NOON) -> None:
        self.time = time

    def now(self) -> datetime:
        """Return the time it was moved to."""
        return self.time

    def seconds(self) -> float:
        """Return the same in seconds since 1970."""
        return self.time.timestamp()

    def move(self, seconds: float) -> None:
        """Move it, also backwards."""
        self.time += timedelta(seconds=seconds)
