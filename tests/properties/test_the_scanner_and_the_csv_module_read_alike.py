"""Law: a record that is split by hand has the cells that the csv module gives it."""

import csv
import io
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from batchjob.tabular.limits import FileLimits
from batchjob.tabular.scanner import Scanner


def scanned(text: str) -> Iterator[tuple[list[str], list[int]]]:
    """Yield the cells of each whole record of *text*, and which of them are broken."""
    lines = io.StringIO(text, newline="")
    while line := lines.readline():
        scanner = Scanner(";", FileLimits())
        while not scanner.feed(line):
            if not (line := lines.readline()):
                return
        yield scanner.cells, scanner.broken


def by_csv(text: str) -> list[list[str]]:
    """Return the records that the csv module makes of *text*, the lenient way."""
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


@given(st.text('ab;"\n\r ', max_size=40))
def test_records_by_hand_are_those_of_the_csv_module(text: str) -> None:
    """They end where the module ends them, and have its cells where no quote is misplaced."""
    found = list(scanned(text))
    theirs = by_csv(text)
    assert len(theirs) - len(found) in (0, 1)  # the module takes an open quote for closed
    for (cells, broken), row in zip(found, theirs, strict=False):
        assert len(cells) == max(len(row), 1)
        for position, cell in enumerate(row):
            assert cells[position] == cell or position in broken


@given(st.text('ab;"\n\r ', max_size=40))
def test_what_the_strict_module_takes_has_nothing_broken(text: str) -> None:
    """Text behind a closing quote is found where the module finds it, and nowhere else."""
    found = list(scanned(text))
    strict = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    for _, broken in found:
        try:
            next(strict)
        except csv.Error:
            assert broken
            break
        assert not broken
