"""From the bytes of a delimited file to its header and records, one at a time, in flat memory.

What a cell means is not known here, only where it stands.
"""

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from batchjob._typing import JsonScalar
from batchjob.core.results import JobError
from batchjob.tabular.header import NameOf, read_header
from batchjob.tabular.limits import FileLimits
from batchjob.tabular.scanner import Scanner, check_bytes, too_large
from batchjob.tabular.source import Source

CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
"""Unicode Cc but tab, LF, CR, VT, FF and U+0085."""

_ODD: Final = re.compile(f"{CONTROL.pattern[:-1]}\ud800-\udfff]")  # surrogates stand for bytes
_USUAL: Final = FileLimits()


class Record(NamedTuple):
    """One row of a file that is not blank.

    ``number`` counts as a spreadsheet does: each record is one row, however many lines it has,
    blank ones count, and a ``sep=`` line does not. ``cells`` are as given, without the quotes.
    ``text`` is what stands in the file; it is ``odd`` if there is a control character in it (other
    than tab, LF, CR, VT, FF, U+0085). With ``errors`` it is not known which cell belongs to which
    column.
    """

    number: int
    cells: list[str]
    text: str
    odd: bool
    errors: tuple[JobError, ...] = ()


class _TooLong(Exception):
    """A record has more characters than a row may have."""


class Records:
    """The records of a delimited *file* (RFC 4180, with ``;``, comma, tab or ``|``).

    The header is read at once; iterating, which can be done once, reads on. Both raise `FileFault`
    for what ends the reading. *name_of* says which names are known: they decide on the delimiter,
    and errors go by them. *file* is read from where it stands, and not closed.
    """

    def __init__(self, file: BinaryIO, name_of: NameOf, limits: FileLimits = _USUAL) -> None:
        self._limits = limits
        self._source = Source(file, limits)
        self.header, self._lines = read_header(self._source.lines(), name_of, limits)

    def __iter__(self) -> Iterator[Record]:
        held: list[str] = []
        source, number = self._source, self.header.number
        width, most = len(self.header.cells), self._limits.cell
        while True:
            try:
                for cells in self._split(held):
                    number += 1
                    text = held[0] if len(held) == 1 else "".join(held)
                    held.clear()
                    odd = not (source.clean and text.isascii()) and _ODD.search(text)
                    if odd or len(cells) != width or len(text) > most:
                        yield from self._judged(
                            number, cells, text, self._misfit(number, len(cells))
                        )
                    elif any(map(str.strip, cells)):
                        yield Record(number, cells, text, odd=False)
            except (csv.Error, _TooLong):
                number += 1
                yield from self._scanned(number, held)
                held.clear()
            else:
                return

    def _split(self, held: list[str]) -> Iterator[list[str]]:
        return csv.reader(self._feed(held), delimiter=self.header.delimiter, strict=True)

    def _feed(self, held: list[str]) -> Iterator[str]:
        """Yield the lines, and keep those of the current record in *held*."""
        limits, delimiter = self._limits, self.header.delimiter
        size = cells = 0
        for line in self._lines:
            if held:
                size += len(line)
                cells += line.count(delimiter)
            else:
                size = len(line)
                cells = line.count(delimiter) if size > limits.cell else 0
            held.append(line)
            if size > limits.cell and (size > limits.row or cells >= limits.columns):
                raise _TooLong
            yield line

    def _scanned(self, number: int, held: list[str]) -> Iterator[Record]:
        """Yield the record that the csv module did not take, of which *held* is the beginning."""
        scanner, label = Scanner(self.header.delimiter, self._limits), self.header.label
        for line in held:
            scanner.feed(line)
        scanner.finish(self._lines, number, label)
        errors = scanner.faults(number, label) or self._misfit(number, scanner.count)
        yield from self._judged(number, scanner.cells, scanner.text, errors)

    def _judged(
        self, number: int, cells: list[str], text: str, errors: tuple[JobError, ...]
    ) -> Iterator[Record]:
        """Yield a record that is not as plain as most are, unless it is blank."""
        header, limits = self.header, self._limits
        odd = _ODD.search(text) is not None
        blank = not odd and not any(map(str.strip, cells))
        if len(cells) >= limits.columns:  # there may be more than are kept
            blank = blank and not text.replace(header.delimiter, "").replace('"', "").strip()
        if blank:
            return
        check_bytes(text, cells, number, header.label)
        if len(text) > limits.cell:
            self._check_sizes(number, cells)
        yield Record(number, cells, text, odd, errors)

    def _check_sizes(self, number: int, cells: list[str]) -> None:
        for position, cell in enumerate(cells):
            if len(cell) > self._limits.cell:
                raise too_large(self._limits.cell, number, self.header.label(position))

    def _misfit(self, number: int, found: int) -> tuple[JobError, ...]:
        """Return what is wrong with a record of *found* cells, if that is their number."""
        expected = len(self.header.cells)
        if found == expected:
            return ()
        message = (
            f"expected {expected} cells, as many as the header has, found {found}; a cell with the "
            "delimiter in it is put in quotes"
        )
        params: dict[str, JsonScalar] = {"found": found, "expected": expected}
        return (JobError(code="row_length", message=message, row=number, params=params),)
