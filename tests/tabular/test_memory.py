"""Memory stays flat, whatever a file is made of."""

import io
import tracemalloc
from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from batchjob.errors import FileFault
from batchjob.tabular import Column, Columns, FileLimits, Integer, Records, UniqueKeys, bind

MIB = 1024 * 1024
COLUMNS = Columns([Column(name="one"), Column(name="two", kind=Integer()), Column(name="three")])


class Endless(io.RawIOBase):
    """A file that is made while it is read: *start*, *count* times *piece*, and *end*."""

    def __init__(self, start: str, piece: str, count: int, end: str = "") -> None:
        times = max(1, 65536 // len(piece))
        pieces = repeat((piece * times).encode(), count // times)
        self._blocks: Iterator[bytes] = chain([start.encode()], pieces, [end.encode()])
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        while len(self._left) < size and (block := next(self._blocks, None)) is not None:
            self._left += block
        found, self._left = self._left[:size], self._left[size:]
        return found


HEADER = "one,two,three\n"


@pytest.mark.parametrize(
    ("start", "piece", "count", "end", "code"),
    [
        pytest.param(HEADER + "a,1,", "x", 10_000_000, "\n", "cell_too_large", id="cell"),
        pytest.param(HEADER + 'a,1,"', "é", 10_000_000, '"\n', "cell_too_large", id="quoted cell"),
        pytest.param(HEADER + 'a,1,"', '""', 5_000_000, '"\n', "cell_too_large", id="quotes"),
        pytest.param(HEADER + 'a,1,"', "x\n", 300_000, "", "syntax", id="open quote"),
        pytest.param('"', 'x"";\n', 250_000, "", "syntax", id="open quote in the header"),
        pytest.param(HEADER, "a,", 10_000_000, "\n", "too_many_columns", id="cells in a row"),
        pytest.param("", "a,", 10_000_000, "\n", "too_many_columns", id="cells in the header"),
        pytest.param("", ",", 10_000_000, "\n", "empty_file", id="blank cells in the header"),
        pytest.param("", "x", 10_000_000, "", "cell_too_large", id="no newline"),
        pytest.param("", "\n", 200_000, "", "empty_file", id="blank rows"),
        pytest.param(HEADER, '"x\n",', 300_000, "", "too_many_columns", id="lines of a row"),
        pytest.param(HEADER, ";\n", 100_000, "", None, id="short rows"),
        pytest.param(HEADER, '"a"b,1,"\n"\n', 20_000, "", None, id="broken rows"),
        pytest.param(HEADER, f"a,{'0' * 999}1,b\n", 20_000, "", None, id="long numbers"),
        pytest.param(HEADER, f"a,1,{'b' * 131_072}\n", 150, "", None, id="cells at the limit"),
        pytest.param(HEADER, f"a,{',' * 130_000}\n", 30, "", None, id="rows that are too long"),
    ],
)
def test_reading_takes_little_memory(
    start: str, piece: str, count: int, end: str, code: str | None
) -> None:
    """Any file is read or refused within 24 MiB."""
    tracemalloc.start()
    try:
        found = drain(Endless(start, piece, count, end))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == code
    assert peak < 24 * MIB


def drain(file: io.RawIOBase) -> str | None:
    """Read *file* to its end; return the code of the fault that ended it before."""
    try:
        records = Records(file, COLUMNS.name_of, FileLimits())  # type: ignore[arg-type]
        for _ in bind(records.header, COLUMNS).rows(records):
            pass
    except FileFault as fault:
        return fault.errors[0].code  # type: ignore[attr-defined, no-any-return]
    return None


def test_unique_keys_are_not_kept_in_memory() -> None:
    """A hundred thousand keys are on disk."""
    tracemalloc.start()
    try:
        with UniqueKeys.open() as unique:
            for number in range(100_000):
                assert unique.first("sku", f"a key that is somewhat long {number}", number) is None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MIB
