"""What every store decides in the same way, whatever it keeps its rows in.

Pure functions and constants, all read off the core; no I/O, and no database.
"""

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from batchjob.abc import STRATEGY_WAIT
from batchjob.core.chunks import MAX_BACKOFF, ChunkKind
from batchjob.core.files import StoredFile
from batchjob.core.results import (
    KEPT_ERRORS,
    MORE_ERRORS,
    JobError,
    Outcomes,
    Result,
    StatDescriptor,
    more_errors,
)
from batchjob.core.status import Status, sources

MAX_ATTEMPTS: Final = 5
"""How often a chunk is tried; an attempt is paid for when it is claimed."""

HEARD_AT_ONCE: Final = 100
"""How many events a listener is given at a time."""

ALMOST: Final = 0.99
"""The highest progress of a job that is not completed."""

CLAIMABLE: Final[Mapping[ChunkKind, tuple[Status, ...]]] = {
    ChunkKind.PLAN: sources("pre_process"),
    ChunkKind.WORK: sources("start") + sources("complete"),
    ChunkKind.FINISH: sources("start") + sources("complete"),
}
"""The statuses of a job in which a chunk may be claimed: those that its completion moves on."""

TO_CLAIM: Final = tuple(
    status for status in Status if any(status in each for each in CLAIMABLE.values())
)
"""The statuses of a job in which any chunk may be claimed."""

BOUNDS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
"""The bounds of a `TimeRange`, each with how a time compares to it; columns compare so, too."""

_NOT_STORABLE: Final = re.compile("[\0\ud800-\udfff]")


def by_order(order: str) -> tuple[str, bool]:
    """Return the time that a list is ordered by, and whether the last one comes first."""
    return order.removeprefix("-"), order.startswith("-")


def storable(text: str) -> bool:
    """Tell whether every database takes *text*: none is asked for what it cannot hold."""
    return not _NOT_STORABLE.search(text)


def file_name(key: str) -> str:
    """Return what a file is called by its key."""
    return key.rpartition("/")[2]


def dumps(value: object) -> str:
    """Return *value* as JSON in ASCII, its keys in their order; `ValueError` for NaN and such."""
    return json.dumps(value, allow_nan=False)


def ready(not_before: float, *, now: float) -> bool:
    """Tell whether a chunk's time has come, or was set by a clock that was put back since."""
    return not_before <= now or not_before > now + MAX_BACKOFF


def expired(until: float, seconds: float, *, now: float) -> bool:
    """Tell whether a lease of *seconds* is over, or was set by a clock that was put back since."""
    return until < now or until > now + 2 * seconds


def progress(done: int, count: int, *, completed: bool) -> float:
    """Return how far a job is, from 0 to 1: 1 only when everything is done."""
    if completed:
        return 1.0
    return min(done / count, ALMOST) if count else 0.0


def result(
    *,
    stat_descriptors: tuple[StatDescriptor, ...] | None,
    errors: tuple[JobError, ...] | None,
    count: int | None,
    advancement_count: int,
    outcomes: Outcomes | None,
    completed: bool,
    file: StoredFile | None,
) -> Result | None:
    """Return what is known of a job's work: None until it is planned or failed.

    *stat_descriptors* is None until it is planned, *errors* until there are some or it failed.
    """
    if stat_descriptors is None and errors is None:
        return None
    return Result(
        stat_descriptors=stat_descriptors or (),
        errors=errors or (),
        count=count,
        advancement_count=None if count is None else advancement_count,
        progress=None if count is None else progress(advancement_count, count, completed=completed),
        file_key=file.key if file else None,
        file_size=file.size if file else None,
        outcomes=outcomes,
    )


def kept(errors: Sequence[JobError]) -> tuple[JobError, ...]:
    """Return the errors that a result keeps: no more than that, and one that counts the others."""
    more = len(errors) - KEPT_ERRORS
    # who gathers errors may have counted them already, in one more
    if more <= 0 or (more == 1 and errors[-1].code == MORE_ERRORS):
        return tuple(errors)
    return (*errors[:KEPT_ERRORS], more_errors(more))


def worker_lost(kind: str, seq: int, attempts: int) -> JobError:
    """Return the error of a job whose chunk was given up because each worker on it vanished."""
    return JobError(
        code="worker_lost",
        message=f"{kind} {seq} was given up: {attempts} workers in a row did not come back from it",
        params={"kind": kind, "seq": seq, "attempts": attempts},
    )


def strategy_missing(batch_type: str, context_version: int) -> JobError:
    """Return the error of a job that no worker had a strategy for."""
    hours = round(STRATEGY_WAIT / 3600)
    return JobError(
        code="strategy_missing",
        message=f"no worker had a strategy for {batch_type} (version {context_version}) in"
        f" {hours} hours; install it and make the job again",
        params={"batch_type": batch_type, "context_version": context_version},
    )


def error_class(errors: Sequence[JobError]) -> str | None:
    """Return the class of what ended an attempt; its code, where the error names no class."""
    if not errors:
        return None
    named = errors[0].params.get("error")
    return named if isinstance(named, str) else errors[0].code


def paused_seconds(
    paused_at: datetime, processing_at: datetime | None, resumed_at: datetime
) -> float:
    """Return how long a job that is resumed was paused while it was processed."""
    if processing_at is None:
        return 0.0
    return max(0.0, (resumed_at - max(paused_at, processing_at)).total_seconds())
