"""Columns of a file: what they are called, and what may stand in their cells.

Here belong the kinds of cells, and the way from a record's texts to values with all that is wrong
with them. Text stays text, and numbers are what is written: nothing is guessed (see the rules in
`docs/reference/tabular.md`).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, Protocol

import attrs

from batchjob._typing import JsonScalar
from batchjob.core.files import check_key
from batchjob.core.results import JobError
from batchjob.errors import FileFault, InvalidKey, nearest
from batchjob.tabular.delimited import TRIGGERS
from batchjob.tabular.records import Record, Records, show

IMPORT_ERROR: Final = "Import Error"
"""The last column of an error report; it is read over, so that a mended report is a good file."""

_NUMBER: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_CONTROL: Final = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_BIGGEST: Final = 2**63 - 1


class CellFault(Exception):
    """What is wrong with one cell: its code, words, and what the words are made of."""

    def __init__(self, code: str, message: str, **params: JsonScalar) -> None:
        super().__init__(code, message)
        self.code, self.message, self.params = code, message, params


Convert = Callable[[str], Any]
"""Makes a cell's text a value; `CellFault` if it cannot be one. It is given no empty text."""


@attrs.frozen(kw_only=True)
class Column:
    """A column that a file may have.

    ``convert`` is None for text that is taken as it is. Of a ``unique`` column each value stands
    once in a file, of one that is ``of_group`` in one group of rows. A ``required`` one has to be
    there, with something in each row. What is_text is may carry an apostrophe against formulas;
    other cells are read without outer spaces.
    """

    name: str
    convert: Convert | None = None
    is_text: bool = True
    required: bool = False
    unique: bool = False
    of_group: bool = False
    aliases: tuple[str, ...] = ()
    example: str = ""
    doc: str = ""


class Columns(Protocol):
    """Knows the columns that files of one kind may have."""

    def find(self, name: str) -> Column | None:
        """Return the column of a header *name*, which has no outer spaces; None if it has none.

        `CellFault` if there is one of that kind, but not this one (an unknown currency, say).
        """

    def is_read_over(self, name: str) -> bool:
        """Tell whether a column may be there, and what stands in it does not matter."""

    @property
    def names(self) -> Sequence[str]:
        """The names to choose from, in messages about unknown ones."""

    @property
    def required(self) -> Sequence[Column]:
        """The columns that every file has to have."""


@attrs.frozen
class FixedColumns:
    """A list of columns, found by name or alias without regard to case."""

    columns: tuple[Column, ...]

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        named = [(name, each) for each in self.columns for name in (each.name, *each.aliases)]
        return {name.casefold(): each for name, each in named}

    def find(self, name: str) -> Column | None:
        """See `Columns.find`."""
        return self._by_name.get(name.casefold())

    def is_read_over(self, name: str) -> bool:
        """See `Columns.is_read_over`."""
        return name.casefold() == IMPORT_ERROR.casefold()

    @property
    def names(self) -> Sequence[str]:
        """See `Columns.names`."""
        return [each.name for each in self.columns]

    @property
    def required(self) -> Sequence[Column]:
        """See `Columns.required`."""
        return [each for each in self.columns if each.required]


def open_records(file: Any, columns: Columns, **options: Any) -> Records:
    """Return the records of *file* (bytes, to read), whose header is looked for by *columns*."""

    def is_known(name: str) -> bool:
        try:
            return columns.find(name.strip()) is not None or columns.is_read_over(name.strip())
        except CellFault:
            return True

    return Records(file, known=is_known, **options)


class Bound:
    """*columns*, found in one header; `FileFault` with all that is wrong with it.

    ``at`` has the position of each column that is there by its name, in the order of the header;
    ``header`` are the names as they are given, in ``header_row``.
    """

    def __init__(self, columns: Columns, records: Records, *, unescape: bool = True) -> None:
        self._unescape = unescape
        self.header, self.header_row = records.header, records.header_row
        self._found = _found(columns, records)
        self.columns = list(self._found.values())
        self.at = {column.name: at for at, column in self._found.items()}
        self._converts = [(at, c.convert) for at, c in self._found.items() if c.convert]
        self._required = [at for at, column in self._found.items() if column.required]
        self._places = list(self._found)
        self._are_first = self._places == list(range(len(self._places)))

    def values(self, record: Record) -> tuple[list[Any], list[JobError]]:
        """Return the value of each cell by its position, None where there is none, and the faults.

        A cell that is at fault has no value. A record that could not be read has no values at all.
        """
        if record.error is not None:
            return [], [record.error]
        if not record.odd:
            try:
                values: list[Any] = [cell or None for cell in record.cells]
                for at, convert in self._converts:
                    if (cell := values[at]) is not None:
                        values[at] = convert(cell)
            except CellFault:
                return self._carefully(record)
            if not any(
                (cell := values[at]) is None or (cell.__class__ is str and cell.isspace())
                for at in self._required
            ):
                return values, []
        return self._carefully(record)

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return the values of a record, as `values` gives them, by their columns."""
        if self._are_first:
            return dict(zip(self.at, values, strict=False))
        return {name: values[at] for name, at in self.at.items()}

    def text(self, record: Record, at: int) -> str | None:
        """Return the text of a cell as `values` would; None where it is blank."""
        cell = record.cells[at] if at < len(record.cells) else ""
        if not cell or cell.isspace():
            return None
        return unescape_formula(cell) if record.odd and self._unescape else cell

    def _carefully(self, record: Record) -> tuple[list[Any], list[JobError]]:
        """Find everything that is wrong with a record."""
        values: list[Any] = [None] * len(record.cells)
        errors = []
        for at in self._places:
            column, cell = self._found[at], record.cells[at]
            try:
                values[at] = self._value(column, cell)
            except CellFault as error:
                errors.append(error_at(record.row, column.name, error))
        return values, errors

    def _value(self, column: Column, cell: str) -> Any:
        if column.required and not cell.strip():
            raise CellFault("missing_value", "it is empty, and has to be filled in")
        if not cell or (not column.is_text and not cell.strip()):
            return None
        if _CONTROL.search(cell):
            raise _control(cell)
        if column.is_text and self._unescape:
            cell = unescape_formula(cell)
        return cell if column.convert is None else column.convert(cell)


def unescape_formula(text: str) -> str:
    """Return *text* without the apostrophe that `escape_formula` has put before it."""
    return text[1:] if text[:1] == "'" and text.lstrip("'")[:1] in TRIGGERS else text


def error_at(row: int, column: str | None, error: CellFault) -> JobError:
    """Return the error of a cell, with its place."""
    return JobError(
        code=error.code, message=error.message, row=row, column=column, params=error.params
    )


def _found(columns: Columns, records: Records) -> dict[int, Column]:
    """Return the columns by their positions; `FileFault` with all that is wrong with the header."""
    row, errors, found = records.header_row, list[JobError](), dict[int, Column]()
    for at, given in enumerate(records.header):
        name = given.strip()
        if not name:
            continue
        try:
            column = columns.find(name)
        except CellFault as error:
            errors.append(error_at(row, name, error))
            continue
        if column is None:
            if not columns.is_read_over(name):
                errors.append(error_at(row, name, _unknown(name, columns.names)))
        elif any(other.name == column.name for other in found.values()):
            message = f"the column {show(name)} stands twice in the header; leave one out"
            errors.append(error_at(row, column.name, CellFault("duplicate_column", message)))
        else:
            found[at] = column
    there = {column.name for column in found.values()}
    for column in columns.required:
        if column.name not in there:
            message = f"the file has no column {column.name}; add it"
            errors.append(error_at(row, column.name, CellFault("missing_column", message)))
    if errors:
        raise FileFault(errors)
    return found


def _unknown(name: str, known: Sequence[str]) -> CellFault:
    guess = nearest(name, known)
    hint = f"; did you mean {guess}?" if guess else "; leave it out"
    return CellFault("unknown_column", f"there is no column {show(name)}{hint}", found=name[:100])


def _control(cell: str) -> CellFault:
    return CellFault("control_character", f"{show(cell)} holds a control character; take it out")


def text(*, most: int | None = None) -> Convert | None:
    """Return the check of a text, of at most so many characters."""
    if most is None:
        return None

    def convert(cell: str) -> str:
        if len(cell) > most:
            message = f"{show(cell)} has {len(cell)} characters; {most} are the most"
            raise CellFault("too_long", message, found=len(cell), most=most)
        return cell

    return convert


def key_text(*, most: int | None = None) -> Convert:
    """Return the check of a text that something is found by: no character in it is invisible."""
    check = text(most=most)

    def convert(cell: str) -> str:
        if not cell.isprintable() and any(
            unicodedata.category(char) in ("Cc", "Cf") for char in cell
        ):
            raise _control(cell)
        return cell if check is None else str(check(cell))

    return convert


def integer(*, least: int = -_BIGGEST - 1, most: int = _BIGGEST) -> Convert:
    """Return the check of a whole number from *least* to *most*."""

    def convert(cell: str) -> int:
        is_short = len(cell) < 10 and cell.isdecimal() and cell.isascii()  # noqa: PLR2004 - most are
        if is_short and least <= (value := int(cell)) <= most:
            return value
        found = _NUMBER.fullmatch(cell.strip(" \t"))
        if found is None or found[3] is not None:
            message = f"{show(cell)} is no whole number; write digits alone, such as 12"
            raise CellFault("invalid_integer", message)
        sign, whole = found[1], found[2]
        large = int(sign + whole) if len(whole) < 20 else None  # noqa: PLR2004 - digits of 64 bits
        if large is None or not least <= large <= most:
            message = f"{show(cell)} is out of range: from {least} to {most}"
            raise CellFault("out_of_range", message, least=least, most=most)
        return large

    return convert


def decimal(*, digits: int = 12, decimals: int = 2, least: int | None = 0) -> Convert:
    """Return the check of a number with at most so many *digits* before and *decimals* after."""

    def convert(cell: str) -> Decimal:
        sign, whole, part = _number(cell)
        if sign and least is not None and least >= 0:
            message = f"{show(cell)} is negative; it must be {least} or more"
            raise CellFault("out_of_range", message, least=least)
        if len(whole.lstrip("0")) > digits:
            message = f"{show(cell)} has more than {digits} digits before the point"
            raise CellFault("out_of_range", message, digits=digits)
        if part is not None and len(part) > decimals:
            message = f"{show(cell)} has more than {decimals} decimals"
            raise CellFault("too_many_decimals", message, decimals=decimals)
        return Decimal(cell.strip())

    return convert


def boolean(cell: str) -> bool:
    """Return the value of true or false, in any case."""
    found = {"true": True, "false": False}.get(cell.strip().lower())
    if found is None:
        raise CellFault("invalid_boolean", f"{show(cell)} is neither true nor false")
    return found


def choice(values: Iterable[str]) -> Convert:
    """Return the check of one of *values*, in any case."""
    known = {value.casefold(): value for value in values}

    def convert(cell: str) -> str:
        found = known.get(cell.strip().casefold())
        if found is None:
            allowed = ", ".join(known.values())
            raise CellFault("invalid_choice", f"{show(cell)} is none of: {allowed}")
        return found

    return convert


def file_key(cell: str) -> str:
    """Return the key of a file: relative, plain names joined by slashes."""
    try:
        check_key(cell)
    except InvalidKey as error:
        raise CellFault("invalid_key", f"{show(cell)} is no key of a file: {error}") from None
    return cell


def _number(cell: str) -> tuple[str, str, str | None]:
    found = _NUMBER.fullmatch(cell.strip(" \t"))
    if found is None:
        message = f"{show(cell)} is no number; write digits and a point, such as 12.50"
        raise CellFault("invalid_number", message)
    return found[1], found[2], found[3]
