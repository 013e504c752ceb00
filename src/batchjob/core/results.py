"""What a job says of itself to its user: stat descriptors, errors, outcomes, numbers, the file."""

from typing import Final, Self

import attrs

from batchjob._typing import JsonScalar


@attrs.frozen(kw_only=True)
class StatDescriptor:
    """One line that tells the user what the job will do or did (Medusa v1, `StatDescriptor`)."""

    key: str
    name: str
    message: str


@attrs.frozen(kw_only=True)
class JobError:
    """One fault, for the user.

    ``code`` is a stable snake_case word and ``params`` what its message is made of, so that a host
    can word it otherwise. ``row`` counts as a spreadsheet does (the header is row 1), ``column``
    is the column's name; both are None where there is no file. ``err`` is always empty: the API
    has the key.
    """

    code: str
    message: str
    err: tuple[str, ...] = ()
    row: int | None = None
    column: str | None = None
    params: dict[str, JsonScalar] = attrs.field(factory=dict)


KEPT_ERRORS: Final = 1000
"""How many errors a job's result keeps."""

MORE_ERRORS: Final = "more_errors"
"""The code of the entry that counts the errors which a result does not keep."""


def more_errors(count: int) -> JobError:
    """Return the entry of a result that has *count* more errors than it keeps."""
    message = f"{count} more errors; the error report, where there is one, has them all"
    return JobError(code=MORE_ERRORS, message=message, params={"count": count})


@attrs.frozen(kw_only=True)
class Outcomes:
    """How many rows ended how; ``skipped`` means left out by a rule, never by a fault."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in OUTCOMES})

    @property
    def total(self) -> int:
        """Rows in all."""
        return sum(getattr(self, name) for name in OUTCOMES)


OUTCOMES = tuple(field.name for field in attrs.fields(Outcomes))


@attrs.frozen(kw_only=True)
class Result:
    """What is known of a job's work so far.

    ``count`` is what the job will do, in the strategy's unit (products for an export, rows for an
    import), and ``advancement_count`` what is committed of it. ``progress`` goes from 0 to 1 and
    is 1 only when everything is done. ``file_size`` is in bytes. What is None is not known yet.
    ``outcomes`` is there where rows have outcomes.
    """

    stat_descriptors: tuple[StatDescriptor, ...] = ()
    errors: tuple[JobError, ...] = ()
    count: int | None = None
    advancement_count: int | None = None
    progress: float | None = None
    file_key: str | None = None
    file_size: int | None = None
    outcomes: Outcomes | None = None
