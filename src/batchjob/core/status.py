"""The state machine: one table, and what can be read off it.

Nothing else in batchjob compares statuses to decide what is allowed: the job's verbs, the stores'
WHERE clauses and the diagram in the docs all come from `MOVES`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, get_args


class Status(StrEnum):
    """Where a job stands; the value is its form on the wire (Medusa v1, `BatchJob.status`)."""

    CREATED = "created"
    PRE_PROCESSED = "pre_processed"
    CONFIRMED = "confirmed"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELED = "canceled"
    FAILED = "failed"


Verb = Literal["pre_process", "confirm", "start", "complete", "cancel", "fail"]
VERBS: Final[tuple[Verb, ...]] = get_args(Verb)

OPEN: Final = (Status.CREATED, Status.PRE_PROCESSED, Status.CONFIRMED, Status.PROCESSING)

RETRIABLE: Final = (Status.FAILED,)
"""What a job must be for another one to try its work again."""

MOVES: Final[Mapping[Verb, Mapping[Status, Status]]] = {
    "pre_process": {Status.CREATED: Status.PRE_PROCESSED},
    "confirm": {Status.PRE_PROCESSED: Status.CONFIRMED},
    "start": {Status.CONFIRMED: Status.PROCESSING},
    "complete": {Status.PROCESSING: Status.COMPLETED},
    "cancel": dict.fromkeys(OPEN, Status.CANCELED),
    "fail": dict.fromkeys(OPEN, Status.FAILED),
}

STAMPS: Final[Mapping[Verb, str]] = {
    "pre_process": "pre_processed_at",
    "confirm": "confirmed_at",
    "start": "processing_at",
    "complete": "completed_at",
    "cancel": "canceled_at",
    "fail": "failed_at",
}


def target(verb: Verb) -> Status:
    """Return the status that *verb* leads to; each verb has one, whatever it starts from."""
    return next(iter(MOVES[verb].values()))


def sources(verb: Verb) -> tuple[Status, ...]:
    """Return the statuses that *verb* may start from, in the order of `Status`."""
    return tuple(status for status in Status if status in MOVES[verb])
