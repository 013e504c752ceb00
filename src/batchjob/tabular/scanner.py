"""One record, split by hand: slower than the csv module, but it knows where things stand.

It is used for the header, whose delimiter is not known yet, and for a record that the csv module
refuses. What both read, they read alike.
"""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from batchjob.core.results import JobError
from batchjob.errors import FileFault
from batchjob.tabular.faults import one_fault
from batchjob.tabular.limits import FileLimits

_INSIDE: Final = re.compile(r'(?:[^"]++|"")*+')
"""What a quoted cell holds, up to its closing quote."""

_BAD_BYTE: Final = re.compile("[\ud800-\udfff]")

Label = Callable[[int], str | None]
"""From the position of a cell to the name of its column; None where there is none."""


class Scanner:
    """Takes the lines of one record and makes its cells.

    ``cells`` are the first ones of ``count``, about as many as there may be columns. ``broken`` are
    the positions of those with text behind their closing quote; they stay as they stand in the
    file, quotes and all. ``large`` is the position of the first cell over the limit; what is kept
    of it is cut. Until the record is ``done``, a quote is open in the cell behind the last.
    """

    def __init__(self, delimiter: str, limits: FileLimits) -> None:
        self.delimiter, self._limits = delimiter, limits
        self._plain = re.compile(rf"([^{re.escape(delimiter)}\r\n]*+)(.?)", re.DOTALL)
        self.cells: list[str] = []
        self.broken: list[int] = []
        self.large: int | None = None
        self.done = False
        self.lines = self.size = self.count = 0
        self._text, self._held = io.StringIO(newline=""), io.StringIO(newline="")

    @property
    def opened(self) -> str:
        """What stands behind the open quote, as far as it is kept."""
        return self._held.getvalue()

    @property
    def text(self) -> str:
        """The record as it stands in the file."""
        return self._text.getvalue()

    def feed(self, line: str) -> bool:
        """Take the next *line*, with its newline if it has one; return whether it is the last."""
        self.lines += 1
        self.size += len(line)
        if self.size <= self._limits.row:
            self._text.write(line)
        at = self._quoted(line, 0) if self.lines > 1 else 0
        while at is not None:
            if self.count == self._limits.columns and '"' not in line[at:]:
                self.count += 1 + line.count(self.delimiter, at)
                self.done = True
                break
            quoted = line.startswith('"', at)
            at = self._quoted(line, at + 1) if quoted else self._end(line, at)
        return self.done

    def _quoted(self, line: str, at: int) -> int | None:
        """Read on inside quotes; return where the next cell begins, if one does on this line."""
        end = _INSIDE.match(line, at).end()  # type: ignore[union-attr]  # it matches anything
        self._hold(line[at:end])
        if end == len(line):
            return None
        held, self._held = self.opened, io.StringIO(newline="")
        return self._end(line, end + 1, held)

    def _hold(self, text: str) -> None:
        if self._held.tell() + len(text) <= 2 * self._limits.cell:  # a doubled quote is one
            self._held.write(text)
        elif self.large is None:
            self.large = self.count

    def _end(self, line: str, at: int, quoted: str | None = None) -> int | None:
        """End a cell at the next delimiter or newline; return where the next cell begins."""
        match = self._plain.match(line, at)
        text, end = match.groups()  # type: ignore[union-attr]  # it matches anything
        if quoted is not None and text:
            self.broken.append(self.count)
            text = f'"{quoted}"{text}'
        elif quoted is not None:
            text = quoted.replace('""', '"')
        if len(text) > self._limits.cell and self.large is None:
            self.large = self.count
        if self.count <= self._limits.columns:
            self.cells.append(text[: self._limits.cell])
        self.count += 1
        self.done = end != self.delimiter
        return None if self.done else match.end()  # type: ignore[union-attr]

    def finish(self, lines: Iterator[str], number: int, label: Label) -> None:
        """Read the rest of the record from *lines*; `FileFault` if the file cannot be read on.

        *number* is the record's row, and *label* gives the names of columns.
        """
        while not self.done:
            if not (line := next(lines, "")):
                raise one_fault(
                    "syntax",
                    "expected a closing quote, found the end of the file; close the quote that "
                    "opens here, or double it if it is part of the text",
                    row=number,
                    column=label(self.count),
                )
            self.feed(line)
        if self.count > self._limits.columns and self.size > self._limits.row:
            raise too_many(self._limits.columns, number)
        if self.large is not None:
            raise too_large(self._limits.cell, number, label(self.large))
        if self.size > self._limits.row:
            raise too_large(self._limits.row, number, None, what="row")

    def faults(self, number: int, label: Label) -> tuple[JobError, ...]:
        """Return what is wrong with the row alone: each text behind a closing quote."""
        return tuple(
            JobError(
                code="syntax",
                message="expected a delimiter or a newline behind the closing quote, found text; "
                "double the quotes that are part of the text, and quote the whole cell",
                row=number,
                column=label(position),
            )
            for position in self.broken
        )


def too_many(limit: int, number: int) -> FileFault:
    """Return the fault of a row with more than *limit* cells."""
    message = f"expected at most {limit} columns, found more"
    return one_fault("too_many_columns", message, row=number, limit=limit)


def too_large(limit: int, number: int, column: str | None, *, what: str = "cell") -> FileFault:
    """Return the fault of a cell, or of a whole row, with more than *limit* characters."""
    message = f"expected at most {limit} characters in a {what}, found more"
    return one_fault("cell_too_large", message, row=number, column=column, limit=limit)


def check_bytes(text: str, cells: Sequence[str], number: int, label: Label) -> None:
    """Raise `FileFault` if a record has a byte that is not UTF-8 (`Source.lines`).

    *cells* are those of its *text*, or the first ones.
    """
    if not _BAD_BYTE.search(text):
        return
    position = next((n for n, cell in enumerate(cells) if _BAD_BYTE.search(cell)), len(cells))
    message = "expected text in UTF-8, found bytes that are not; save the file as UTF-8"
    raise one_fault("encoding", message, row=number, column=label(position))
