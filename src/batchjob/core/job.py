"""The job itself: a frozen value, replaced by the next one at each transition."""

from datetime import datetime
from typing import Any

import attrs

from batchjob._typing import JsonObject
from batchjob.core.results import Result
from batchjob.core.status import MOVES, STAMPS, Status, Verb, sources
from batchjob.core.times import utc_ms, utc_ms_or_none
from batchjob.errors import InvalidState


@attrs.frozen(kw_only=True)
class BatchJob:
    """One job at one instant, with what the API shows of it.

    Times are aware, UTC and cut to milliseconds; naive ones raise `InvalidTime`. ``context`` is
    the JSON object as it was sent (planning may add to it). ``created_by`` is the id of the actor
    who asked. ``result`` is None until the job is planned or failed. ``deleted_at`` is on the
    API's page; nothing sets it.
    """

    id: str
    batch_type: str
    status: Status = Status.CREATED
    created_by: str | None = None
    context: JsonObject = attrs.field(factory=dict)
    dry_run: bool = False
    result: Result | None = None
    created_at: datetime = attrs.field(converter=utc_ms)
    updated_at: datetime = attrs.field(converter=utc_ms)
    pre_processed_at: datetime | None = attrs.field(default=None, converter=utc_ms_or_none)
    confirmed_at: datetime | None = attrs.field(default=None, converter=utc_ms_or_none)
    processing_at: datetime | None = attrs.field(default=None, converter=utc_ms_or_none)
    completed_at: datetime | None = attrs.field(default=None, converter=utc_ms_or_none)
    canceled_at: datetime | None = attrs.field(default=None, converter=utc_ms_or_none)
    failed_at: datetime | None = attrs.field(default=None, converter=utc_ms_or_none)
    deleted_at: datetime | None = attrs.field(default=None, converter=utc_ms_or_none)


@attrs.frozen(kw_only=True)
class Terms:
    """What a job was made with, beside what the API shows of it.

    ``context_version`` is the strategy's version that the context was made by, ``retry_of`` the
    id of the failed job that this one tries again. Of one creator, an ``idempotency_key`` names
    one request; ``request_hash`` tells that request from another one. Of the jobs with one
    ``exclusive_key`` one is processed at a time.
    """

    context_version: int = 1
    retry_of: str | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None
    exclusive_key: str | None = None


def move(job: BatchJob, verb: Verb, *, at: datetime, result: Result | None = None) -> BatchJob:
    """Return the job after *verb*, stamped *at* (aware UTC) or at its last change, if later.

    *result* replaces the job's where one is given. `InvalidState` if `MOVES` has no such move.
    """
    if (status := MOVES[verb].get(job.status)) is None:
        raise InvalidState(job.id, verb, job.status, sources(verb))
    stamp = max(utc_ms(at), job.updated_at)
    changes: dict[str, Any] = {"status": status, "updated_at": stamp, STAMPS[verb]: stamp}
    return attrs.evolve(job, **changes, result=job.result if result is None else result)


def pre_process(job: BatchJob, *, at: datetime, result: Result) -> BatchJob:
    """Return the job planned: *result* says what it would do. Raises as `move` does."""
    return move(job, "pre_process", at=at, result=result)


def confirm(job: BatchJob, *, at: datetime) -> BatchJob:
    """Return the job confirmed. Raises as `move` does."""
    return move(job, "confirm", at=at)


def start(job: BatchJob, *, at: datetime) -> BatchJob:
    """Return the job in processing: a worker claimed its first chunk. Raises as `move` does."""
    return move(job, "start", at=at)


def complete(job: BatchJob, *, at: datetime, result: Result) -> BatchJob:
    """Return the job completed with its *result*. Raises as `move` does."""
    return move(job, "complete", at=at, result=result)


def cancel(job: BatchJob, *, at: datetime) -> BatchJob:
    """Return the job canceled. Raises as `move` does."""
    return move(job, "cancel", at=at)


def fail(job: BatchJob, *, at: datetime, result: Result) -> BatchJob:
    """Return the job failed; the errors of *result* say why. Raises as `move` does."""
    return move(job, "fail", at=at, result=result)
