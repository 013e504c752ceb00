"""Tests that have to fail, because what they are given is broken."""

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Turn the end of a test that is marked ``broken`` round: it passes if it fails."""
    if pyfuncitem.get_closest_marker("broken") is None:
        return (yield)
    try:
        yield
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - whatever it is found by
        return True
    return pytest.fail(f"what is broken passes {pyfuncitem.name}", pytrace=False)
