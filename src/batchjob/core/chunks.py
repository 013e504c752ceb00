"""The unit of work, and what a worker holds while it does one."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import attrs

from batchjob._typing import Json, JsonObject
from batchjob.core.files import StoredFile
from batchjob.core.results import JobError, Outcomes, StatDescriptor

MAX_BACKOFF: Final = 300.0
"""The longest wait before another attempt, in seconds.

Workers never ask for a longer one, so a store takes a time further ahead for a clock's fault.
"""


class ChunkKind(StrEnum):
    """The phase that a chunk belongs to; a job has one plan, any number of works, one finish."""

    PLAN = "plan"
    WORK = "work"
    FINISH = "finish"


class ChunkState(StrEnum):
    """Where a chunk stands: ready to be claimed, leased, done, dead (gave up), void (job ended)."""

    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"
    VOID = "void"


@attrs.frozen
class Chunk:
    """One piece of a job, as a plan makes it.

    ``payload`` is JSON, for `Strategy.work` alone to read; ``weight`` (0 or more) is how much of
    the job's ``count`` the chunk is.
    """

    payload: Json
    weight: int = attrs.field(default=1, kw_only=True)
    seq: int = attrs.field(default=-1, kw_only=True)  # set by the worker, from 0, as planned


@attrs.frozen(kw_only=True)
class Lease:
    """A worker's claim on a chunk.

    ``token`` rises with each claim of the chunk: only its current one may complete. ``attempt``
    counts from 1 and was paid for when it was claimed. ``seconds`` is how long the claim holds
    unless renewed.
    """

    job_id: str
    kind: ChunkKind
    seq: int
    token: int
    attempt: int
    max_attempts: int
    seconds: float
    worker: str
    payload: Json = None
    weight: int = 0


@attrs.frozen(kw_only=True)
class Part:
    """What a done chunk left: its outcomes and its file, if it wrote one."""

    seq: int
    file: StoredFile | None = None
    outcomes: Outcomes | None = None


@attrs.frozen(kw_only=True)
class Planned:
    """What a plan ends with: its last chunks (earlier ones may be staged), and what to tell.

    ``context`` is merged into the job's context, one level deep. ``errors`` are those that do not
    end the job, ``file`` is the job's file until its finish makes another one.
    """

    chunks: Sequence[Chunk] = ()
    stat_descriptors: tuple[StatDescriptor, ...] = ()
    context: JsonObject = attrs.field(factory=dict)
    errors: tuple[JobError, ...] = ()
    file: StoredFile | None = None


@attrs.frozen(kw_only=True)
class Finished:
    """What a finish ends with: the job's file, if there is one, and all errors of its rows.

    They take the place of the plan's.
    """

    file: StoredFile | None = None
    errors: tuple[JobError, ...] = ()
