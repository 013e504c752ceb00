"""What becomes of an error that a strategy raised.

What the user reads, what operators read, and whether and when the chunk is tried again.
"""

import math
import traceback
from collections.abc import Sequence
from typing import Final

import attrs

from batchjob._typing import JsonScalar
from batchjob.core.chunks import MAX_BACKOFF, Lease
from batchjob.core.results import JobError
from batchjob.errors import (
    AmbiguousBatchType,
    BatchJobError,
    ContextVersion,
    InputChanged,
    InvalidDocument,
    InvalidSetting,
    InvalidStrategy,
    MisplacedCall,
    MissingExtra,
    PartCorrupt,
    Refused,
    UnknownBatchType,
)

MAX_DETAIL: Final = 8192
"""Characters of an error that are kept for operators."""

# Trying again would find the same.
_FINAL: Final = (
    AmbiguousBatchType,
    ContextVersion,
    InputChanged,
    InvalidDocument,
    InvalidSetting,
    InvalidStrategy,
    MisplacedCall,
    MissingExtra,
    PartCorrupt,
    Refused,
    UnknownBatchType,
)


def is_final(error: BaseException) -> bool:
    """Tell whether trying again would find the same."""
    return isinstance(error, _FINAL)


def backoff(attempt: int) -> float:
    """Return the seconds to wait after the failed *attempt* (from 1): half of one, then doubled."""
    return min(MAX_BACKOFF, 0.5 * 2.0 ** (attempt - 1))


def job_errors(lease: Lease, error: BaseException) -> Sequence[JobError]:
    """Return what the user reads if the job fails by *error*.

    batchjob's own errors are worded for users; of any other only the class is named, because its
    message may hold secrets or paths.
    """
    where = f"{lease.kind} chunk {lease.seq}" if lease.kind == "work" else f"the {lease.kind}"
    given = (
        [_cleaned(e) for e in error.errors if isinstance(e, JobError)]
        if isinstance(error, Refused)
        else []
    )
    if given:
        return given
    if isinstance(error, Refused):
        return [JobError(code=error.code, message=describe(error.reason))]
    params: dict[str, JsonScalar] = {
        "kind": str(lease.kind),
        "chunk": lease.seq,
        "attempts": lease.attempt,
        "error": type(error).__name__,
    }
    tried = "once" if lease.attempt == 1 else f"{lease.attempt} times"
    said = describe(error) if isinstance(error, BatchJobError) else type(error).__name__
    code = error.code if isinstance(error, BatchJobError) else "strategy_error"
    message = f"{where} was tried {tried} and failed: {said}"
    return [JobError(code=code, message=message, params=params)]


def detail(error: BaseException) -> str:
    """Return *error* with where it was raised, for operators: safe to store, never raises."""
    try:
        str(error)
        lines = traceback.format_exception(error, chain=False, limit=-8)
    except BaseException:  # noqa: BLE001 - a message that cannot be made is one of the faults
        lines = [*traceback.format_tb(error.__traceback__, limit=-8), describe(error)]
    return _storable("".join(lines))


def describe(said: object) -> str:
    """Return the text of an error or of what it says; "(unprintable)" if there is none."""
    try:
        return _storable(str(said))
    except BaseException:  # noqa: BLE001 - whatever its __str__ raises
        return f"{type(said).__name__} (unprintable)"


def _cleaned(error: JobError) -> JobError:
    """Return a strategy's own *error* as it can be stored, whatever was put into it."""
    return attrs.evolve(
        error,
        code=describe(error.code),
        message=describe(error.message),
        err=(),
        row=error.row if isinstance(error.row, int) else None,
        column=None if error.column is None else describe(error.column),
        params={describe(name): _scalar(value) for name, value in error.params.items()},
    )


def _scalar(value: object) -> JsonScalar:
    if isinstance(value, float):
        return value if math.isfinite(value) else describe(value)
    return value if isinstance(value, int | None) else describe(value)


def _storable(text: str) -> str:
    clean = text.replace("\0", "").encode("utf-8", "replace").decode()
    return clean if len(clean) <= MAX_DETAIL else clean[: MAX_DETAIL - 3] + "..."
