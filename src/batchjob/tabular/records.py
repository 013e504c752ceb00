"""Delimited files as records: what is text, where a record ends, which row of the sheet it is.

Here belong encodings, delimiters, quotes and limits. What a column is called and what may stand in
its cells is in `batchjob.tabular.columns`. Nothing is guessed, and no file is held in memory.
"""

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

import attrs

from batchjob._typing import JsonScalar
from batchjob.core.results import JobError
from batchjob.errors import FileFault

DELIMITERS: Final = (";", ",", "\t", "|")
"""What may stand between cells; of equally good ones the first is taken."""

_HEAD: Final = 4096  # bytes by which a file that is no text is told
_CONTROLS: Final = 0.05  # of them
_CHUNK: Final = 1 << 16
_LONGEST: Final = 4 << 20  # characters of one line: more are never taken into memory
_SHOWN: Final = 60  # characters of a text that a message repeats
_SIGNATURES: Final = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"PK\x05\x06": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel or Word file",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"PAR1": "a Parquet file",
    b"SQLite format 3\0": "an SQLite database",
}
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")  # BOMs of UTF-16 and UTF-32
_BOM: Final = b"\xef\xbb\xbf"
_PLAIN: Final = bytes({*range(0x20, 0x7F), *range(0x80, 0x100), *b"\t\n\v\f\r"})
_C1: Final = re.compile(rb"\xc2[\x80-\x84\x86-\x9f]")
_SEP: Final = re.compile(r"sep=([;,\t|])[\r\n]*", re.IGNORECASE)
_BROKEN: Final = re.compile("[\udc80-\udcff]")
_QUOTED: Final = re.compile(r'[^"]*+(?:""[^"]*+)*+"')  # possessive: nothing is tried twice


@attrs.frozen(kw_only=True)
class ReadLimits:
    """How much of a file is taken: characters of a cell, columns, bytes of the file."""

    cell: int = 128 << 10
    columns: int = 1_000
    file: int = 100 << 20


class Record(NamedTuple):
    """One row of a file: ``row`` as a spreadsheet counts, the cells as they were given.

    ``odd`` says that a text in it may need a second look (a control character, an apostrophe).
    Where the row cannot be read ``error`` says why, and the cells are what there is of it.
    """

    row: int
    cells: list[str]
    odd: bool = False
    error: JobError | None = None


def show(text: str) -> str:
    """Return *text* as a message repeats it: quoted, cut, and safe for a terminal."""
    cut = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return repr("".join(char if char.isprintable() else "\ufffd" for char in cut))


def fault(
    code: str,
    message: str,
    *,
    row: int | None = None,
    column: str | None = None,
    **params: JsonScalar,
) -> FileFault:
    """Return the error that ends the reading of a file."""
    return FileFault([JobError(code=code, message=message, row=row, column=column, params=params)])


class Records:
    """The records of *file* below its header, to be iterated once.

    The delimiter is the one under which most of the header's names are *known*; of a name, as it
    is given. `FileFault`, when it is made or later, for what makes a file unreadable: then no row
    of it counts. ``size`` and ``sha256`` are of the bytes that were read so far.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        known: Callable[[str], bool],
        limits: ReadLimits | None = None,
    ) -> None:
        self._limits = limits or ReadLimits()
        self._bytes = _Inspected(file, self._limits.file)
        head = self._bytes.head()
        _refuse_other_formats(head)
        raw: Any = self._bytes
        text = io.TextIOWrapper(raw, "utf-8-sig", "surrogateescape", newline="")
        self._text, self._since = text, list[str]()  # the lines since the last whole record
        if self._limits.cell > csv.field_size_limit():
            csv.field_size_limit(self._limits.cell)
        self._source = self._lines()
        self.header: tuple[str, ...] = ()
        self._row = 0
        self.delimiter, self.header, self.header_row, first = self._find_header(known)
        self._rest = first

    @property
    def size(self) -> int:
        """How many bytes were read."""
        return self._bytes.size

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was read, in hex."""
        return self._bytes.digest.hexdigest()

    def __iter__(self) -> Iterator[Record]:
        """Yield the records that are not blank; raises `FileFault`."""
        self._row, since, inspected = self.header_row, self._since, self._bytes
        reader = csv.reader(self._pulled(), delimiter=self.delimiter, strict=True)
        width, is_small = len(self.header), self._limits.cell < csv.field_size_limit()
        least = width - _trailing_blanks(self.header)
        nameless = [at for at, name in enumerate(self.header) if not name.strip()]
        while True:
            try:
                for cells in reader:
                    self._row = row = self._row + 1
                    if not cells or not (cells[0].strip() or "".join(cells).strip()):
                        since.clear()
                        continue
                    odd = inspected.is_odd or "'" in since[0] or "'" in since[-1]
                    odd = odd or (len(since) > 2 and any("'" in line for line in since))  # noqa: PLR2004
                    if inspected.is_odd or is_small:
                        self._check_cells(row, cells)
                    if len(cells) != width and not least <= len(cells) < width:
                        yield Record(row, cells, odd, _row_length(row, cells, width))
                    else:
                        if nameless:
                            self._check_nameless(row, cells, nameless)
                        yield Record(row, cells, odd)
                    since.clear()
            except csv.Error as error:
                self._row += 1
                yield self._broken(self._row, str(error))
                since.clear()
            else:
                return

    def column_at(self, index: int) -> str | None:
        """Return the name of a column as it is given, trimmed; None where there is none."""
        return self.header[index].strip() or None if index < len(self.header) else None

    def _lines(self) -> Iterator[str]:
        readline, since = self._text.readline, self._since
        while line := readline(_LONGEST):
            since.append(line)
            if len(line) >= _LONGEST and line[-1] not in "\r\n":
                raise FileFault([self._too_large(self._row + 1, None)])
            yield line

    def _pulled(self) -> Iterator[str]:
        """Yield the lines behind the header: those that were looked at with it, then the others."""
        for line in self._rest:
            self._since.append(line)
            yield line
        yield from self._source

    def _find_header(
        self, known: Callable[[str], bool]
    ) -> tuple[str, tuple[str, ...], int, list[str]]:
        """Return delimiter, header, its row, and the lines behind it that were read already."""
        row, line = self._first_line()
        given = _SEP.fullmatch(line) if row == 1 else None
        if given is not None:  # a line for Excel, which shows none of it
            row, line = self._first_line()
        lines, found = [line], dict[str, tuple[list[str], int]]()
        for way in DELIMITERS if given is None else given[1]:
            try:
                found[way] = self._header_by(way, lines)
            except csv.Error as error:
                said = str(error)
        if not found:
            self._since[:] = lines
            raise FileFault([self._fault(row, said, DELIMITERS[0])])
        # Where no name is known under any of them, the one with the most cells is what was meant.
        way = max(found, key=lambda way: (sum(map(known, found[way][0])), len(found[way][0])))
        cells, used = found[way]
        self._check_header(row, cells)
        self._since.clear()
        return way, tuple(cells), row, lines[used:]

    def _first_line(self) -> tuple[int, str]:
        """Return the first line that is not blank, and its number from here."""
        for row, line in enumerate(self._source, 1):
            if line.strip(" \r\n\t\v\f;,|"):
                return row, line
        raise fault("empty_file", "the file is empty: it needs a header and rows below it")

    def _header_by(self, delimiter: str, lines: list[str]) -> tuple[list[str], int]:
        """Return the header by one delimiter, and how many of *lines* it is.

        *lines* grows by what a quoted name with newlines needs.
        """
        used = 0

        def pull() -> Iterator[str]:
            nonlocal used
            while True:
                if used == len(lines):
                    lines.append(next(self._source, ""))
                used += 1
                if not lines[used - 1]:
                    return
                yield lines[used - 1]

        return next(csv.reader(pull(), delimiter=delimiter, strict=True)), used

    def _check_header(self, row: int, cells: Sequence[str]) -> None:
        if len(cells) > self._limits.columns:
            raise fault(
                "too_many_columns",
                f"the file has {len(cells)} columns; {self._limits.columns} are the most",
                row=row,
                found=len(cells),
                most=self._limits.columns,
            )
        for cell in cells:
            if len(cell) > self._limits.cell:
                raise FileFault([self._too_large(row, None)])
            if _BROKEN.search(cell):
                raise _encoding(row, None)

    def _check_cells(self, row: int, cells: Sequence[str]) -> None:
        """Raise for a cell that is too large, or holds bytes that are no UTF-8."""
        for at, cell in enumerate(cells):
            if len(cell) > self._limits.cell:
                raise FileFault([self._too_large(row, self.column_at(at))])
            if _BROKEN.search(cell):
                raise _encoding(row, self.column_at(at))

    def _check_nameless(self, row: int, cells: Sequence[str], nameless: Sequence[int]) -> None:
        for at in nameless:
            if at < len(cells) and cells[at].strip():
                message = f"column {at + 1} has no name, and row {row} has {show(cells[at])} in it"
                raise fault("unknown_column", message, row=self.header_row)

    def _broken(self, row: int, said: str) -> Record:
        """Return the record whose quotes are wrong, or raise if that is the file's fault."""
        error = self._fault(row, said, self.delimiter)
        if error.code != "syntax" or error.params:
            raise FileFault([error])
        raw = "".join(self._since).rstrip("\r\n")
        return Record(row, [raw], self._bytes.is_odd, error)

    def _fault(self, row: int, said: str, delimiter: str) -> JobError:
        """Return what is wrong with the record that was read so far."""
        at, is_open = _breach("".join(self._since), delimiter)
        column = self.column_at(at) if self.header else None
        if is_open and self._never_closes():
            message = f"a quote that opens in row {row} is never closed; close it, or double it"
            unclosed: dict[str, JsonScalar] = {"opened": row}
            return JobError(code="syntax", message=message, row=row, column=column, params=unclosed)
        if "field limit" in said or "field larger" in said:
            return self._too_large(row, column)
        message = "there is text after a closing quote; double the quotes within a quoted cell"
        return JobError(code="syntax", message=message, row=row, column=column)

    def _never_closes(self) -> bool:
        """Tell whether the quote that is open stays so until the end of the file."""
        lines = iter(lambda: self._text.readline(_LONGEST), "")  # of which none is kept
        return all('"' not in line.replace('""', "") for line in lines)

    def _too_large(self, row: int, column: str | None) -> JobError:
        most = self._limits.cell
        message = f"a cell has more than {most} characters; that is the most"
        params: dict[str, JsonScalar] = {"most": most}
        return JobError(
            code="cell_too_large", message=message, row=row, column=column, params=params
        )


class _Inspected(io.BufferedIOBase):
    """Passes the bytes of a file on, and knows their number, digest, and whether any is odd."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self._most, self._ahead = file, most, b""
        self.size, self.digest, self.is_odd = 0, hashlib.sha256(), False
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def readable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def head(self) -> bytes:
        """Return the first bytes; they are read again by `read1`."""
        while len(self._ahead) < _HEAD and (block := self._file.read(_CHUNK)):
            self._ahead += block
        return self._ahead[:_HEAD]

    def read1(self, size: int = -1, /) -> bytes:
        """Return the next bytes; `FileFault` if they are too many."""
        block, self._ahead = self._ahead or self._file.read(_CHUNK), b""
        self.size += len(block)
        if self.size > self._most:
            message = f"the file has more than {self._most} bytes; that is the most"
            raise fault("file_too_large", message, most=self._most)
        self.digest.update(block)
        self.is_odd = self.is_odd or self._is_odd(block)
        return block

    def _is_odd(self, block: bytes) -> bool:
        """Tell whether there are control characters in *block*, or what is no UTF-8."""
        try:
            self._decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            return True
        return bool(block.translate(None, _PLAIN) or _C1.search(block) or block[-1:] == b"\xc2")

    def read(self, size: int | None = -1, /) -> bytes:
        """See `read1`."""
        return self.read1()


def _refuse_other_formats(head: bytes) -> None:
    if not head.removeprefix(_BOM):
        raise fault("empty_file", "the file is empty: it needs a header and rows below it")
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            message = f"the file is {name}; save the sheet as CSV (UTF-8) and give that"
            raise fault("not_text", message)
    if head.startswith(_WIDE) or _has_every_other_nul(head):
        message = "the file is UTF-16 or UTF-32; save it as CSV in UTF-8"
        raise fault("encoding", message)
    if len(head.translate(None, _PLAIN)) > _CONTROLS * len(head):
        raise fault("not_text", "the file is no text; save the sheet as CSV (UTF-8) and give that")


def _has_every_other_nul(head: bytes) -> bool:
    even, odd = head[::2], head[1::2]
    return len(head) > 3 and (  # noqa: PLR2004 - two characters
        (not any(even) and all(odd)) or (not any(odd) and all(even))
    )


def _breach(raw: str, delimiter: str) -> tuple[int, bool]:
    """Return the number of the cell where quotes go wrong, and whether one is left open there."""
    at, place = 0, 0
    while place < len(raw):
        if raw[place] == '"':
            if (closed := _QUOTED.match(raw, place + 1)) is None:
                return at, True
            place = closed.end()
            if place < len(raw) and raw[place] not in (delimiter, "\r", "\n"):
                return at, False
        place = raw.find(delimiter, place) + 1
        if not place:
            break
        at += 1
    return at, False


def _row_length(row: int, cells: Sequence[str], width: int) -> JobError:
    message = f"the row has {len(cells)} cells, and the header {width}; give as many"
    params: dict[str, JsonScalar] = {"found": len(cells), "expected": width}
    return JobError(code="row_length", message=message, row=row, params=params)


def _encoding(row: int, column: str | None) -> FileFault:
    message = "there are bytes that are no UTF-8; save the file as CSV in UTF-8"
    return fault("encoding", message, row=row, column=column)


def _trailing_blanks(header: Sequence[str]) -> int:
    return len(header) - max((at for at, name in enumerate(header, 1) if name.strip()), default=0)
