"""Columns bound to the header of one file: what makes values of cells, for row after row.

A row is tried as a whole; only one that has a fault is gone through again, cell by cell, for all
that is wrong with it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import attrs

from batchjob.core.results import JobError
from batchjob.tabular.columns import Column, Columns, Special
from batchjob.tabular.delimited import unescape_formula
from batchjob.tabular.faults import CellFault, file_fault, one_fault
from batchjob.tabular.header import Header
from batchjob.tabular.kinds import Convert, unseen
from batchjob.tabular.records import CONTROL, Record

_MEMORY: Final = 20_000
"""How many cells are remembered of one file, in all of its columns."""

_SHORT: Final = 32


class Row(NamedTuple):
    """One row, read.

    ``values`` stand where the cells do: None for an empty cell and in a column that is read over,
    `Special.BAD` for a cell with an error. There are none where the record itself is broken.
    """

    number: int
    values: list[Any]
    errors: tuple[JobError, ...]
    record: Record


@attrs.frozen
class Binding:
    """The columns of one file, in its order; None for one that is read over.

    ``positions`` tells where a known column stands, by its name; what is not there is absent.
    """

    header: Header
    columns: Sequence[Column | None]
    escaped: bool = True

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """The known columns of the file and where they stand."""
        return {column.name: n for n, column in enumerate(self.columns) if column is not None}

    def rows(self, records: Iterable[Record]) -> Iterator[Row]:
        """Yield a row for each of *records*; `FileFault` for a value in a column without a name."""
        needed, unnamed = self._needed, self._unnamed
        texts = [n for n, convert in enumerate(self._converts) if convert is None]
        converts = [
            (n, self._quick(n, convert)) for n, convert in enumerate(self._converts) if convert
        ]
        for record in records:
            number, cells, text, odd, errors = record
            if errors:
                yield Row(number, [], errors, record)
                continue
            if self.escaped and "'" in text:
                cells = self._unescaped(cells)
            values: list[Any] = cells.copy()
            try:
                for position in texts:
                    if not cells[position]:
                        values[position] = None
                for position, convert in converts:
                    values[position] = convert(cell) if (cell := cells[position]) else None
            except CellFault:
                odd = True
            for position in needed:
                odd = odd or not cells[position].strip()
            for position in unnamed:
                odd = odd or bool(cells[position].strip())
            yield self._judged(record, cells) if odd else Row(number, values, (), record)

    @cached_property
    def _converts(self) -> Sequence[Convert | None]:
        return [_read_over if c is None else c.kind.convert for c in self.columns]

    def _quick(self, position: int, convert: Convert) -> Convert:
        """Return *convert* with a memory, if the column's values are few and come again."""
        column = self.columns[position]
        return (
            convert
            if column is None or column.kind.text
            else _Memory(convert, _MEMORY // len(self.columns)).__getitem__
        )

    @property
    def _needed(self) -> Sequence[int]:
        return [n for n, column in enumerate(self.columns) if column and column.required]

    @property
    def _unnamed(self) -> Sequence[int]:
        return [n for n, cell in enumerate(self.header.cells) if not cell.strip()]

    def _unescaped(self, cells: Sequence[str]) -> list[str]:
        return [
            unescape_formula(cell) if cell.startswith("'") and column and column.kind.text else cell
            for cell, column in zip(cells, self.columns, strict=True)
        ]

    def _judged(self, record: Record, cells: Sequence[str]) -> Row:
        """Return a row in which something is wrong, with all that is."""
        values, errors = list[Any](), list[JobError]()
        for position, cell in enumerate(cells):
            try:
                values.append(self._value(position, cell, record.number))
            except CellFault as fault:
                values.append(Special.BAD)
                errors.append(fault.at(record.number, self.header.labels[position]))
        return Row(record.number, values, tuple(errors), record)

    def _value(self, position: int, cell: str, number: int) -> Any:
        if (found := CONTROL.search(cell)) is not None:
            raise unseen(found[0], cell)
        column = self.columns[position]
        if column is None:
            self._check_unnamed(position, cell, number)
            return None
        if not cell or (cell.isspace() and (column.required or not column.kind.text)):
            if column.required:
                raise CellFault("missing_value", "a value", "")
            return None
        return cell if (convert := self._converts[position]) is None else convert(cell)

    def _check_unnamed(self, position: int, cell: str, number: int) -> None:
        if cell.strip() and not self.header.cells[position].strip():
            raise one_fault(
                "unknown_column",
                f"expected a name for column {position + 1}, or nothing in it, found a value in "
                f"row {number}",
                row=self.header.number,
                column="",
                value_row=number,
            )


class _Memory(dict[str, Any]):
    """Values by their cells, as *convert* made them: quicker than to make them again.

    It keeps *most* short cells, so that it stays small whatever a file has in it.
    """

    def __init__(self, convert: Convert, most: int) -> None:
        super().__init__()
        self._convert, self._most = convert, most

    def __missing__(self, cell: str) -> Any:
        value = self._convert(cell)
        if len(self) < self._most and len(cell) < _SHORT:
            self[cell] = value
        return value


def _read_over(cell: str) -> None:
    """Make nothing of a cell."""


def bind(header: Header, columns: Columns, *, escape_formulas: bool = True) -> Binding:
    """Return *columns* bound to *header*; `FileFault` holds every fault of a name.

    With *escape_formulas* an apostrophe before what looks like a formula is taken off (the inverse
    of `batchjob.tabular.escape_formula`).
    """
    bound, faults, names = list[Column | None](), list[JobError](), set[str]()
    for cell, label in zip(header.cells, header.labels, strict=True):
        found = columns.find(cell) if cell.strip() else Special.READ_OVER
        bound.append(found if isinstance(found, Column) else None)
        if isinstance(found, JobError):
            faults.append(attrs.evolve(found, row=header.number, column=label))
        elif found is None:
            faults.append(_unknown(label, columns.nearest(cell), header.number))
        elif isinstance(found, Column) and found.name in names:
            faults.append(_duplicate(found.name, header.number))
        elif isinstance(found, Column):
            names.add(found.name)
    missing = (c.name for c in columns.fixed if c.required and c.name not in names)
    faults += [missing_column(name, header.number) for name in missing]
    if faults:
        raise file_fault(list({(f.code, f.column): f for f in faults}.values()))
    return Binding(header, tuple(bound), escape_formulas)


def missing_column(name: str, number: int) -> JobError:
    """Return the fault of a file that lacks the column *name*; *number* is the header's row."""
    message = f"expected a column {name!r}, found none; add it"
    return JobError(code="missing_column", message=message, row=number, column=name)


def _unknown(label: str, guess: str | None, number: int) -> JobError:
    hint = f"; did you mean {guess!r}?" if guess else ""
    return JobError(
        code="unknown_column",
        message=f"expected a known column, found {label!r}{hint}",
        row=number,
        column=label,
        params={"nearest": guess},
    )


def _duplicate(name: str, number: int) -> JobError:
    message = f"expected one column {name!r}, found more; leave one of them"
    return JobError(code="duplicate_column", message=message, row=number, column=name)
