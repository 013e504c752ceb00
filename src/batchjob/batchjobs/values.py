"""Small values that `BatchJobs` gives and takes."""

from collections.abc import Mapping
from datetime import UTC, datetime

import attrs

from batchjob._typing import Json
from batchjob.abc import Clock


class SystemClock(Clock):
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)


@attrs.frozen(kw_only=True)
class BatchType:
    """A batch type that jobs can be made of: its name, its version, and its context's schema."""

    type: str
    version: int
    context_schema: Mapping[str, Json]
