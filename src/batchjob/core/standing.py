"""Where a job stands beside its status: what it waits for, and how far it is."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import attrs

from batchjob.core.chunks import ChunkState


class Wait(StrEnum):
    """What has to happen before a job moves."""

    CONFIRMATION = "confirmation"
    """Somebody must confirm it, or cancel it."""
    RESUME = "resume"
    """It is paused."""
    STRATEGY = "strategy"
    """No worker that was asked has a strategy for its batch type (in its context's version)."""
    EXCLUSIVE = "exclusive"
    """Another job with its exclusive key is processed; `Standing.blocked_by` names it."""
    ACTOR = "actor"
    """As many jobs of its actor are processed as may be."""
    RETRY = "retry"
    """A chunk failed and is tried again in `Standing.seconds`."""
    LEASE = "lease"
    """Workers hold all chunks there are; the first lease ends in `Standing.seconds`."""
    WORKER = "worker"
    """A chunk is ready, and no worker has claimed it yet."""


@attrs.frozen(kw_only=True)
class Standing:
    """Where a job stands, as the store knows it at one instant.

    ``chunks`` counts work chunks by state. ``seconds`` is how long until a chunk may be claimed,
    0 for now, None if there is none that may. ``workers`` is how many chunks are leased. Of a
    chunk that is to be tried again, ``attempts`` were spent and ``last_error`` is the class of
    what ended the last one. ``left`` estimates the seconds until the work is done, None while
    there is nothing to estimate from.
    """

    wait: Wait | None = None
    seconds: float | None = None
    blocked_by: str | None = None
    paused_at: datetime | None = None
    retry_of: str | None = None
    chunks: Mapping[ChunkState, int] = attrs.field(factory=dict)
    workers: int = 0
    attempts: int = 0
    last_error: str | None = None
    left: float | None = None
