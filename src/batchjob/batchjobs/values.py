"""Small values that `BatchJobs` gives and takes."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import attrs

from batchjob._typing import Json
from batchjob.abc import Clock, Settings
from batchjob.errors import InvalidSetting

MIN_LEASE: Final = 3.0
"""The shortest lease, in seconds: below it a busy machine loses leases that it works on."""

MIN_RETENTION: Final = 24 * 3600.0
"""The shortest retention, in seconds: users come back for their files the next day."""


def checked(settings: Settings) -> Settings:
    """Return *settings*, or raise `InvalidSetting` for the first number that cannot be right."""
    lease, actor_jobs, retention = settings.lease, settings.actor_jobs, settings.retention
    if not MIN_LEASE <= lease < math.inf:
        raise InvalidSetting(f"the lease is {lease} seconds; it must be {MIN_LEASE:g} or more")
    if retention is not None and not MIN_RETENTION <= retention < math.inf:
        raise InvalidSetting(
            f"the retention is {retention} seconds; give {MIN_RETENTION:g} (a day) or more"
        )
    if actor_jobs is not None and actor_jobs < 1:
        raise InvalidSetting(f"actor_jobs is {actor_jobs}; it must be 1 or more")
    return settings


class SystemClock(Clock):
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)


@attrs.frozen(kw_only=True)
class BatchType:
    """A batch type that jobs can be made of: its name, its version, and its context's schema.

    ``preview`` says whether its jobs can show their changes, ``template`` whether there is a file
    to fill in for them.
    """

    type: str
    version: int
    context_schema: Mapping[str, Json]
    preview: bool = False
    template: bool = False
