"""What an import would do with a row, as a plan decides it and a preview shows it."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Self

import attrs

from batchjob._typing import Json
from batchjob.core.results import JobError


class Outcome(StrEnum):
    """How a row ends; ``skipped`` means left out by a rule, never by a fault."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class Change:
    """What becomes of one row.

    ``row`` counts as a spreadsheet does (the header is row 1), ``key`` names for people what the
    row is about. ``old`` and ``new`` hold the fields that differ, as they are and as they shall
    be; ``data`` is what writing needs besides. Changes of one ``group`` stay together: they are
    applied, or fail, as one. ``errors`` say why a row failed.
    """

    row: int
    key: str
    outcome: Outcome
    old: Mapping[str, Json] = attrs.field(factory=dict)
    new: Mapping[str, Json] = attrs.field(factory=dict)
    data: Json = None
    group: str = ""
    errors: Sequence[JobError] = ()

    @classmethod
    def between(
        cls, row: int, key: str, old: Mapping[str, Json] | None, new: Mapping[str, Json]
    ) -> Self:
        """Return the change from the *old* values (None: there is nothing yet) to the *new*."""
        if old is None:
            return cls(row=row, key=key, outcome=Outcome.CREATED, new=new)
        differ = [name for name, value in new.items() if old.get(name) != value]
        if not differ:
            return cls(row=row, key=key, outcome=Outcome.UNCHANGED)
        was, shall = ({name: each.get(name) for name in differ} for each in (old, new))
        return cls(row=row, key=key, outcome=Outcome.UPDATED, old=was, new=shall)


@attrs.frozen(kw_only=True)
class ChangePage:
    """Some of a job's changes, from *offset* on, and how many there are in all."""

    changes: Sequence[Change]
    count: int
    offset: int
