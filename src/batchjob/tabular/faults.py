"""How faults in a file's rows are put into words; where they are found is elsewhere."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from batchjob._typing import JsonScalar
from batchjob.converters.plain import say
from batchjob.core.results import JobError
from batchjob.errors import FileFault

_SHOWN: Final = 100
_UNSHOWN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def cut(text: str) -> str:
    """Return *text* as `shown`, without outer spaces and an end that nobody would read."""
    text = text.strip()
    return shown(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def shown(text: str) -> str:
    """Return *text* as any terminal and any store takes it: U+FFFD stands for what none shows."""
    return _UNSHOWN.sub("\ufffd", text)


class CellFault(ValueError):
    """A cell does not hold what its column wants; kinds of columns raise it.

    The message is made of what would be *right* and of what was *found*; *params* are added to
    those of the `JobError`.
    """

    def __init__(self, code: str, right: str, found: str, **params: JsonScalar) -> None:
        super().__init__(code, right, found)
        self.code, self.right, self.found, self.params = code, right, found, params

    def at(self, row: int, column: str) -> JobError:
        """Return the fault as the error of a place."""
        guess = self.params.get("nearest")
        hint = f"; did you mean {guess}?" if guess else ""
        found = say(self.found) if self.found else "nothing"
        return JobError(
            code=self.code,
            message=f"expected {self.right}, found {found}{hint}",
            row=row,
            column=column,
            params={"found": cut(self.found), "expected": self.right, **self.params},
        )


def file_fault(errors: Sequence[JobError]) -> FileFault:
    """Return the exception for *errors*, each of which keeps the file from being read."""
    return FileFault(f"the file cannot be taken: {'; '.join(_said(errors))}", errors)


def one_fault(
    code: str,
    message: str,
    *,
    row: int | None = None,
    column: str | None = None,
    **params: JsonScalar,
) -> FileFault:
    """Return the exception for a single fault."""
    return file_fault([JobError(code=code, message=message, row=row, column=column, params=params)])


def _said(errors: Sequence[JobError]) -> Iterable[str]:
    for error in errors[:3]:
        place = [f"row {error.row}"] if error.row is not None else []
        place += [f"column {error.column}"] if error.column is not None else []
        yield f"{', '.join(place)}: {error.message}" if place else error.message
    if len(errors) > 3:  # noqa: PLR2004
        yield f"and {len(errors) - 3} more"
