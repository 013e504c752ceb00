"""Tests that have to fail, because what they are given is broken."""

from collections.abc import Generator

import pytest

from batchjob.testing.promises import promise_of


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Turn the end of a test that is marked ``broken`` round: it passes if it fails by name."""
    if pyfuncitem.get_closest_marker("broken") is None:
        return (yield)
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        if promise_of(pyfuncitem.obj) in error.__notes__:
            return True
        raise
    return pytest.fail(f"what is broken passes {pyfuncitem.name}", pytrace=False)
