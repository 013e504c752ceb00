"""Each line of the fault list is a test that has its number in its name."""

from typing import Final

import pytest

from numbered import numbers

LINES: Final = range(1, 39)
NOT_YET: Final = {
    27: "faults of S3: there is no file store for it yet",
}


@pytest.fixture(scope="module")
def proven() -> set[int]:
    """The lines that have a test."""
    return set(numbers("f"))


@pytest.mark.parametrize("line", LINES)
def test_the_line_has_a_test(proven: set[int], line: int) -> None:
    """A line has a test, or a reason why it has none yet."""
    assert (line in proven) != (line in NOT_YET), NOT_YET.get(line)


def test_no_test_is_of_another_line(proven: set[int]) -> None:
    """A number in a test's name is one of the list."""
    assert proven <= set(LINES)
