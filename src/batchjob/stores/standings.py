"""Where a job stands, from what a store knows of it: the same answer from every store.

Pure functions; reading rows does not belong here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from batchjob.abc import Limits
from batchjob.core.chunks import ChunkKind, ChunkState
from batchjob.core.standing import Standing, Wait
from batchjob.core.status import MOVES, OPEN, Status
from batchjob.stores.rules import CLAIMABLE, TO_CLAIM

_ENOUGH: Final = 1.0  # seconds of work that an estimate can be made from


@attrs.frozen(kw_only=True)
class JobFacts:
    """What a job's row says, and the rows of other jobs that it may have to wait for.

    ``blocked_by`` and ``busy`` (how many jobs of the creator are processed) are for jobs that are
    yet to be started, None where there is nothing to say. ``ready`` is whether a chunk may be
    claimed now. ``paused_s`` is how long the job was paused while it was processed.
    """

    status: Status
    batch_type: str
    context_version: int
    paused_at: datetime | None
    retry_of: str | None
    blocked_by: str | None
    busy: int | None
    ready: bool
    count: int | None
    advancement_count: int
    processing_at: datetime | None
    updated_at: datetime
    paused_s: float


@attrs.frozen(kw_only=True)
class Tried:
    """A chunk that is leased, or ready and was tried before.

    ``seconds`` is how long until it may be claimed, 0 for now; ``error`` the class of what ended
    the last attempt.
    """

    kind: ChunkKind
    seq: int
    state: ChunkState
    attempts: int
    max_attempts: int
    seconds: float
    error: str | None

    @property
    def held(self) -> bool:
        """Whether a worker holds it by a lease that is not over."""
        return self.state is ChunkState.LEASED and self.seconds > 0


def standing(
    job: JobFacts, tried: Sequence[Tried], states: Mapping[ChunkState, int], limits: Limits
) -> Standing:
    """Return where a job stands.

    *tried* are its leased chunks and the first of the ready ones that were tried before; *states*
    count its work chunks.
    """
    wait = _wait(job, limits)
    moving = wait is None and job.status in OPEN
    seconds = None
    if moving:
        wait, seconds = _wait_for_chunk(job, tried)
    again = _again(tried) if job.status in OPEN else None
    return Standing(
        wait=wait,
        seconds=seconds,
        blocked_by=job.blocked_by if wait is Wait.EXCLUSIVE else None,
        paused_at=job.paused_at,
        retry_of=job.retry_of,
        chunks={state: number for state, number in states.items() if number},
        workers=sum(each.held for each in tried),
        attempts=again.attempts if again else 0,
        last_error=again.error if again else None,
        left=_left(job),
    )


def _again(tried: Sequence[Tried]) -> Tried | None:
    """Return the chunk that is to be tried again: one that failed before one that was lost."""
    loose = [each for each in tried if not each.held]
    order = [(each.state is ChunkState.LEASED, each.kind, each.seq, each) for each in loose]
    return min(order, key=lambda each: each[:3])[3] if order else None


def _wait(job: JobFacts, limits: Limits) -> Wait | None:
    """Return what a job waits for, short of its chunks; None also for a job that has ended."""
    newest = limits.batch_types.get(job.batch_type)
    most = limits.actor_jobs
    waits = {
        Wait.RESUME: job.paused_at is not None,
        Wait.CONFIRMATION: job.status not in TO_CLAIM,
        Wait.STRATEGY: newest is None or job.context_version > newest,
        Wait.EXCLUSIVE: job.blocked_by is not None,
        Wait.ACTOR: most is not None and job.busy is not None and job.busy >= most,
    }
    return next((wait for wait, so in waits.items() if so and job.status in OPEN), None)


def _wait_for_chunk(job: JobFacts, tried: Sequence[Tried]) -> tuple[Wait | None, float | None]:
    """Return what a job's chunks wait for: nothing, where some are done and others can be."""
    held = any(each.held for each in tried)
    if job.ready:
        return (None if held else Wait.WORKER), 0.0
    coming = [
        each
        for each in tried
        if each.attempts < each.max_attempts and job.status in CLAIMABLE[each.kind]
    ]
    if not coming:  # a sweep has the next word, at the latest when the last lease is over
        return (Wait.LEASE if held else Wait.WORKER), None
    first = min(coming, key=lambda each: each.seconds)
    return (Wait.LEASE if first.held else Wait.RETRY), first.seconds


def _left(job: JobFacts) -> float | None:
    """Return the seconds that the rest takes if it goes on as until the last change."""
    if job.status not in MOVES["complete"] or not job.processing_at or not job.count:
        return None
    worked = (job.updated_at - job.processing_at).total_seconds() - job.paused_s
    if worked < _ENOUGH or not job.advancement_count:
        return None
    return worked * (job.count - job.advancement_count) / job.advancement_count
