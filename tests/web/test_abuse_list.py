"""Each case of the list of abuses is a test that has its number in its name."""

from typing import Final

import pytest

from numbered import numbers

CASES: Final = range(1, 31)


@pytest.fixture(scope="module")
def proven() -> set[int]:
    """The cases that have a test."""
    return set(numbers("a"))


@pytest.mark.parametrize("case", CASES)
def test_the_case_has_a_test(proven: set[int], case: int) -> None:
    """What a hostile client sends is answered as a test says."""
    assert case in proven


def test_no_test_is_of_another_case(proven: set[int]) -> None:
    """A number in a test's name is one of the list."""
    assert proven <= set(CASES)
