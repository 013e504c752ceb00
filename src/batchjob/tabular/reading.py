"""Reading a file by a row class: an object for each row, and what is wrong with the others."""

from collections.abc import Iterator
from typing import BinaryIO, Final, Generic, NamedTuple, TypeVar

from batchjob.core.results import JobError
from batchjob.tabular.binding import Row, bind
from batchjob.tabular.columns import Special
from batchjob.tabular.limits import FileLimits
from batchjob.tabular.records import Record, Records
from batchjob.tabular.rows import RowClass
from batchjob.tabular.unique import UniqueKeys

T = TypeVar("T")
_USUAL: Final = FileLimits()


class Given(NamedTuple, Generic[T]):
    """One row of a file: ``row`` is the object that it makes, None where there are ``errors``.

    ``record`` is the row as it stands in the file.
    """

    number: int
    row: T | None
    errors: tuple[JobError, ...]
    record: Record


class Reading(Generic[T]):
    """The rows of *file* by a row class; iterate once.

    The header is read and bound at once. Both that and the iterating raise `FileFault` for what
    ends the reading: then no row of the file is to be taken, those that came before it neither.
    *unique* keeps the values of unique columns.
    """

    def __init__(
        self,
        file: BinaryIO,
        row_class: RowClass[T],
        unique: UniqueKeys,
        *,
        limits: FileLimits = _USUAL,
        escape_formulas: bool = True,
    ) -> None:
        columns = row_class.columns
        self._records = Records(file, columns.name_of, limits)
        self.header = self._records.header
        self.binding = bind(self.header, columns, escape_formulas=escape_formulas)
        self._unique = unique
        self._make = row_class.maker(self.binding.positions)

    def __iter__(self) -> Iterator[Given[T]]:
        positions = self.binding.positions
        unique = [
            (column.name, positions[column.name])
            for column in self.binding.columns
            if column and column.unique
        ]
        for row in self.binding.rows(self._records):
            number, values, errors, record = row
            if unique and values:
                errors += tuple(self._repeated(row, unique))
            if errors:
                yield Given(number, None, errors, record)
            else:
                yield self._made(row)

    def _repeated(self, row: Row, unique: list[tuple[str, int]]) -> Iterator[JobError]:
        for name, position in unique:
            value = row.values[position]
            if value is None or value is Special.BAD:
                continue
            if (fault := self._unique.fault(name, str(value), row.number)) is not None:
                yield fault

    def _made(self, row: Row) -> Given[T]:
        try:
            return Given(row.number, self._make(row.values), (), row.record)
        except ValueError as error:
            return Given(row.number, None, (_refused(error, row.number),), row.record)


def _refused(error: ValueError, number: int) -> JobError:
    """Return what a row class's own check says of row *number*."""
    words = str(error.args[0]) if error.args else "the row was refused"  # attrs adds the field
    return JobError(code="invalid_value", message=words, row=number)
