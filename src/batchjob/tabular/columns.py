"""Columns of a file, and how a header cell finds its column.

Names are compared without regard to case and outer spaces. Columns with a number or a currency in
their names are found by a function: there is no end to them.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Final
from unicodedata import normalize

import attrs

from batchjob.core.results import JobError
from batchjob.errors import nearest
from batchjob.tabular.kinds import Kind, Text

ERROR_COLUMN: Final = "Import Error"
"""The last column of an error report; given back with it, the file is read as if without."""


class Special(Enum):
    """What stands where neither a column nor a value can."""

    READ_OVER = "read over"
    """In the place of a column: its cells are of no account."""

    BAD = "bad"
    """In the place of a value: the cell has an error."""


@attrs.frozen(kw_only=True)
class Column:
    """A column as people know it.

    The file must have a ``required`` one, and each of its cells a value; in any other one an empty
    cell gives None. ``unique`` says that no two rows have the same value, compared after NFC.
    ``example`` is a cell for templates.
    """

    name: str
    kind: Kind = attrs.field(factory=Text)
    aliases: Sequence[str] = ()
    required: bool = False
    unique: bool = False
    description: str | None = None
    example: str | None = None


Found = Column | JobError | Special | None
"""What a header cell means: a column, a fault (the place is added), `Special.READ_OVER`, or
nothing that is known."""


def fold(name: str) -> str:
    """Return *name* in the form in which names are compared."""
    return normalize("NFC", name.strip().casefold())


def _none(header: str) -> Found:
    """Know no column beyond the fixed ones."""
    return None


@attrs.frozen
class Columns:
    """The columns that a file may have.

    ``fixed`` ones are found by name or alias; for any other header cell ``dynamic`` is asked, with
    the text as given, trimmed. Two cells with columns of one name are a fault, so give each thing
    one name, however it is written.
    """

    fixed: Sequence[Column]
    dynamic: Callable[[str], Found] = _none

    def find(self, header: str) -> Found:
        """Return what a *header* cell means."""
        name = fold(header)
        if (column := self._by_name.get(name)) is not None:
            return column
        return Special.READ_OVER if name == fold(ERROR_COLUMN) else self.dynamic(header.strip())

    def name_of(self, header: str) -> str | None:
        """Return our name for the column of a *header* cell; None if it is not known."""
        found = self.find(header) if header.strip() else None
        if found is None or (isinstance(found, JobError) and found.code == "unknown_column"):
            return None
        return found.name if isinstance(found, Column) else header.strip()

    def nearest(self, header: str) -> str | None:
        """Return the name of a fixed column that is most like *header*."""
        names = {fold(column.name): column.name for column in self.fixed}
        return names.get(nearest(fold(header), list(names)) or "")

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {
            fold(name): column for column in self.fixed for name in (column.name, *column.aliases)
        }
