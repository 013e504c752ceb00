"""How the suites of adapters say which of their promises is broken."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import pytest

Suite = TypeVar("Suite", bound=type)


def promises(suite: Suite) -> Suite:
    """Have each test of *suite*, its own or inherited, say what it promises where it fails."""
    for name in dir(suite):
        if name.startswith("test_"):
            setattr(suite, name, _told(getattr(suite, name)))
    return suite


def promise_of(test: Callable[..., object]) -> str:
    """Return what is said where *test* fails: the first line of its docstring."""
    return f"broken: {(test.__doc__ or test.__name__).partition(chr(10))[0]}"


def _told(test: Callable[..., object]) -> Callable[..., object]:
    @wraps(test)
    def told(*given: Any, **named: Any) -> object:
        __tracebackhide__ = True  # pytest's word for what is of no interest
        try:
            return test(*given, **named)
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(promise_of(test))
            raise

    return told
