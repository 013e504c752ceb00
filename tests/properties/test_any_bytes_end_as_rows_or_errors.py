"""Whatever bytes a file holds, reading it ends with rows or errors: nothing else is raised."""

import os
import random
from pathlib import Path
from typing import Final

from tabular.corpus import read
from tabular.test_corpus import CORPUS

MUTANTS: Final = int(os.environ.get("BATCHJOB_MUTANTS", "3000"))
"""How many files are tried; a thorough run tries a million."""

PIECES: Final = (
    *(b"\0", b'"', b'""', b"'", b"\r", b"\n", b"\r\n", b";", b",", b"\t", b"|", b" ", b"=", b"-"),
    *(b"\xff", b"\xc3", b"\xc2\x85", b"\xe2\x80\x8b", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"sep=;\n"),
    *(b"\x1b", b"9" * 25, b"0.001", b"x" * 300, b"\xf0\x9f\x8c\x9e", b"\xc2\x9b"),
)


def mutated(content: bytes, dice: random.Random) -> bytes:
    """Return *content* with a few bytes more, less, or other than they were."""
    found = bytearray(content[:5000])
    for _ in range(dice.randrange(1, 5)):
        at = dice.randrange(len(found) + 1)
        match dice.randrange(5):
            case 0:
                found[at : at + dice.randrange(8)] = b""
            case 1:
                found[at:at] = dice.choice(PIECES)
            case 2:
                found[at : at + 1] = bytes([dice.randrange(256)])
            case 3:
                found[at:] = b""
            case _:
                start = dice.randrange(len(found) + 1)
                found[at:at] = found[start : start + dice.randrange(40)]
    return bytes(found)


def test_any_bytes_end_as_rows_or_errors() -> None:
    """A file that is a mutant of a bad one is read, row by row, or refused with its place."""
    sources = [path.read_bytes() for path in sorted(Path(CORPUS).glob("*.csv"))]
    seed = int(os.environ.get("BATCHJOB_SEED", "7"))
    dice = random.Random(seed)  # noqa: S311 - no secret
    for number in range(MUTANTS):
        content = mutated(dice.choice(sources), dice)
        try:
            rows, errors, at_fault = read(content)
        except Exception as error:
            raise AssertionError(f"mutant {number} of seed {seed}: {content!r}") from error
        assert not (at_fault and rows)
        assert not at_fault or errors
        assert all(error.code and error.message for error in errors)
