"""Each line of the fault list is a test that has its number in its name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]
LINES: Final = range(1, 39)
NOT_YET: Final = {
    27: "faults of S3: there is no file store for it yet",
}


def numbers() -> Iterator[int]:
    """Yield the numbers in the names of all tests: ``test_f2_f5_...`` is of two lines."""
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and (
                named := re.match(r"test((?:_f\d+)+)_", node.name)
            ):
                yield from map(int, re.findall(r"\d+", named[1]))


@pytest.fixture(scope="module")
def proven() -> set[int]:
    """The lines that have a test."""
    return set(numbers())


@pytest.mark.parametrize("line", LINES)
def test_the_line_has_a_test(proven: set[int], line: int) -> None:
    """A line has a test, or a reason why it has none yet."""
    assert (line in proven) != (line in NOT_YET), NOT_YET.get(line)


def test_no_test_is_of_another_line(proven: set[int]) -> None:
    """A number in a test's name is one of the list."""
    assert proven <= set(LINES)
