"""Law: whatever bytes a file has, it ends as rows or as errors, and never as an exception.

``BATCHJOB_MUTANTS`` says how many files are tried, and ``BATCHJOB_SEED`` which ones.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final

from batchjob.core.results import JobError
from tabular.tables import Outcome, read

MUTANTS: Final = int(os.environ.get("BATCHJOB_MUTANTS", "2000"))
SEED: Final = int(os.environ.get("BATCHJOB_SEED", "1"))
CORPUS: Final = Path(__file__).parents[1] / "data" / "corpus"
CODES: Final = frozenset(
    {
        *("empty_file", "not_text", "encoding", "syntax", "row_length", "too_many_columns"),
        *("cell_too_large", "missing_column", "unknown_column", "duplicate_column"),
        *("missing_value", "invalid_number", "invalid_integer", "invalid_key"),
        *("control_character", "too_long", "out_of_range", "too_many_decimals", "duplicate_key"),
    }
)
BITS: Final = (
    *(b'"', b'""', b";", b",", b"\t", b"|", b"\n", b"\r", b"\r\n", b"\0", b"\x07", b"\xff", b"'"),
    *(b"\xef\xbb\xbf", b"\xef\xbb", b"sep=", b"sep=;\n", b"=", b"-", b"\xc2\x85", b"\xed\xa0\x80"),
    *(b"\xf0\x9f\x9b\x8d", b"\xcc\x81", b"\xe2\x80\x8b", b"PK\x03\x04", b"\xff\xfe", b"9" * 40),
)
_KEPT: Final = 4096  # of most files; some are large


def flip(data: bytes, random: Random) -> bytes:
    """Change one byte."""
    at = random.randrange(len(data) + 1)
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def insert(data: bytes, random: Random) -> bytes:
    """Put in something that means something."""
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(BITS) + data[at:]


def drop(data: bytes, random: Random) -> bytes:
    """Leave out a piece."""
    start, end = sorted(random.choices(range(len(data) + 1), k=2))
    return data[:start] + data[end:]


def repeat(data: bytes, random: Random) -> bytes:
    """Have a piece twice."""
    start, end = sorted(random.choices(range(len(data) + 1), k=2))
    return data[:end] + data[start:]


def cut(data: bytes, random: Random) -> bytes:
    """Leave out the end."""
    return data[: random.randrange(len(data) + 1)]


CHANGES: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (flip, insert, drop, repeat, cut)


def mutants(random: Random) -> Iterator[bytes]:
    """Yield files of the corpus, changed in one to five places, or joined with another one."""
    files = [path.read_bytes() for path in sorted(CORPUS.glob("*.csv"))]
    while True:
        data = random.choice(files)
        data = data if random.random() < 0.01 else data[:_KEPT]
        if random.random() < 0.1:
            data += random.choice(files)[:_KEPT]
        for _ in range(random.randint(1, 5)):
            data = random.choice(CHANGES)(data, random)
        yield data


def check(outcome: Outcome) -> None:
    """Assert that an outcome is one that can be shown and kept."""
    assert list(outcome.rows) == sorted(outcome.rows)
    assert not (outcome.refused and (outcome.rows or not outcome.errors))
    for error in outcome.errors:
        check_error(error)
        assert outcome.refused or error.row not in outcome.rows


def check_error(error: JobError) -> None:
    """Assert that an error has a known code, a place, and words that any terminal shows."""
    assert error.code in CODES
    assert error.row is None or error.row > 0
    said = f"{error.message}{error.column}{error.params}"
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", said)
    assert len(said) < 2000


def test_any_bytes_end_as_rows_or_errors() -> None:
    """A file of the corpus with any bytes changed gives rows and errors, or is refused."""
    random = Random(SEED)  # noqa: S311 - it is to be repeatable
    for number, data in enumerate(mutants(random)):
        if number == MUTANTS:
            return
        try:
            check(read(data))
        except Exception as error:
            raise AssertionError(f"seed {SEED}, file {number}: {data[:2000]!r}") from error
