"""What this room offers through batchjob's hooks: a span for each attempt, and counts of them.

OpenTelemetry's API goes nowhere until a host sets up an SDK, which it does by importing the API. A
process in which nobody has imported it pays nothing: it is not loaded here either.
"""

import sys
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any

from batchjob.core.chunks import Lease
from batchjob.core.job import BatchJob
from batchjob.hookspecs import hookimpl

if TYPE_CHECKING:
    from batchjob.telemetry.spans import Telemetry


@hookimpl
def batchjob_watch_attempt(job: BatchJob, lease: Lease) -> AbstractContextManager[Any]:
    """Make a span of an attempt, and count it."""
    if not _is_wanted():
        return nullcontext()
    return _telemetry().batchjob_watch_attempt(job, lease)


def _is_wanted() -> bool:
    return "opentelemetry.trace" in sys.modules or "opentelemetry.metrics" in sys.modules


@cache
def _telemetry() -> "Telemetry":
    from batchjob.telemetry.spans import Telemetry

    return Telemetry()
