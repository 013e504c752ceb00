"""The header of a file, and with it the delimiter: the one under which most names are known."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final

import attrs

from batchjob.tabular.faults import cut, file_fault, one_fault, shown
from batchjob.tabular.limits import FileLimits
from batchjob.tabular.scanner import Scanner, check_bytes, too_many

DELIMITERS: Final = ";,\t|"
"""What cells may be parted by; of those that fit equally well the first is taken."""

NameOf = Callable[[str], str | None]
"""From a header cell to the name of the column that it means; None where there is none."""

_SEP: Final = re.compile('"?sep=([^\ud800-\udfff]?)"?[ \r\n]*', re.IGNORECASE)
"""A first line that tells Excel the delimiter."""


@attrs.frozen(kw_only=True)
class Header:
    """The first row that is not blank; ``number`` is where it stands, normally 1.

    ``cells`` are as given; ``labels`` are what errors call the columns: our names of known ones,
    the others as given and trimmed.
    """

    number: int
    cells: tuple[str, ...]
    labels: tuple[str, ...]
    delimiter: str

    def label(self, position: int) -> str | None:
        """Return what the column at *position* is called, or None beyond the last one."""
        return self.labels[position] if position < len(self.labels) else None


def read_header(
    lines: Iterator[str], name_of: NameOf, limits: FileLimits
) -> tuple[Header, Iterator[str]]:
    """Return the header and the lines behind it; `FileFault` if there is none or it is broken."""
    first, number = next(lines, ""), 0
    sep = _SEP.fullmatch(first)
    order = sorted(DELIMITERS, key=lambda delimiter: not sep or delimiter != sep[1])
    lines = lines if sep else chain([first], lines)
    while line := next(lines, ""):
        number += 1
        if any(not line.strip(f"{delimiter} \r\n") for delimiter in order):
            continue
        scanners, taken = _scan(chain([line], lines), order, limits)
        scanner = max(scanners, key=lambda scanner: _rank(scanner, name_of))
        if rest := taken[scanner.lines :]:
            lines = chain(rest, lines)
        if not _is_blank(scanner):
            return _checked(scanner, lines, number, name_of, limits), lines
    raise one_fault("empty_file", "the file holds nothing but blank rows; give it a header")


def _scan(
    lines: Iterator[str], order: Sequence[str], limits: FileLimits
) -> tuple[Sequence[Scanner], Sequence[str]]:
    """Return one record under each delimiter, and the lines that this took.

    One with a quote that stays open for longer than a cell may be is left as it is.
    """
    scanners = [Scanner(delimiter, limits) for delimiter in order]
    taken, left = list[str](), scanners
    while left and left[0].size <= limits.cell and (line := next(lines, "")):
        taken.append(line)
        left = [scanner for scanner in left if not scanner.feed(line)]
    return scanners, taken


def _rank(scanner: Scanner, name_of: NameOf) -> tuple[bool, int, bool, int]:
    known = sum(name_of(cell) is not None for cell in scanner.cells)
    sound = scanner.done and not scanner.broken
    return _is_blank(scanner), known, sound, len(scanner.cells)


def _is_blank(scanner: Scanner) -> bool:
    return scanner.done and not any(map(str.strip, scanner.cells))


def _checked(
    scanner: Scanner, lines: Iterator[str], number: int, name_of: NameOf, limits: FileLimits
) -> Header:
    def label(position: int) -> str | None:
        opened = [] if scanner.done else scanner.opened.splitlines()[:1]
        names = [*scanner.cells, *opened]
        if position >= len(names):
            return None
        return shown(name_of(names[position]) or cut(names[position]))

    check_bytes(scanner.text, scanner.cells, number, label)
    scanner.finish(lines, number, label)
    check_bytes(scanner.text, scanner.cells, number, label)
    if scanner.count > limits.columns:
        raise too_many(limits.columns, number)
    if faults := scanner.faults(number, label):
        raise file_fault(faults)
    return Header(
        number=number,
        cells=tuple(scanner.cells),
        labels=tuple(label(position) or "" for position in range(scanner.count)),
        delimiter=scanner.delimiter,
    )
