"""Plugins that watch attempts."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from batchjob import BatchJobs, hookimpl
from support import Lines, Offering, answering


class Watcher:
    """A plugin that fails where a test says."""

    def __init__(self, where: str) -> None:
        self.where = where

    @hookimpl
    def batchjob_watch_attempt(self) -> Any:
        """Return what watches an attempt."""
        if self.where == "call":
            raise ValueError(self.where)
        return self._watch()

    @contextmanager
    def _watch(self) -> Iterator[None]:
        if self.where == "enter":
            raise ValueError(self.where)
        try:
            yield
        finally:
            if self.where == "exit":
                raise ValueError(self.where)


class Swallowing:
    """A plugin that would swallow what an attempt raises."""

    @hookimpl
    @contextmanager
    def batchjob_watch_attempt(self) -> Iterator[None]:
        """Swallow it."""
        with suppress(ValueError):
            yield


class Failing(Lines):
    """Fails."""

    batch_type = "failing"

    def work(self, run: Any, chunk: Any) -> Any:
        """Fail."""
        raise ValueError


@pytest.mark.parametrize("where", ["call", "enter", "exit"])
def test_a_plugin_that_fails_to_watch_touches_no_attempt(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The job completes, and the log says that a plugin could not watch."""
    plugins = {"watcher": Watcher(where), "lines": Offering(Lines())}
    with BatchJobs.open("memory:", plugins=plugins) as jobs:
        assert jobs.work(jobs.create("lines").id).status == "completed"
    assert "could not" in caplog.text
    assert "watch an attempt" in caplog.text


@pytest.mark.parametrize("returned", [None, 5])
def test_what_watches_nothing_is_let_be(returned: Any, caplog: pytest.LogCaptureFixture) -> None:
    """None is nothing to watch; what is no context manager is named with its plugin, once each."""
    plugin = answering("batchjob_watch_attempt", returned)
    with BatchJobs.open("memory:", plugins={"odd": plugin, "lines": Offering(Lines())}) as jobs:
        assert jobs.work(jobs.create("lines", {"lines": 1}).id).status == "completed"
    words = "plugin odd: its hook batchjob_watch_attempt returned int, no context manager"
    assert caplog.text.count(words) == (0 if returned is None else 3)  # plan, chunk and finish


def test_a_plugin_cannot_swallow_what_an_attempt_raises() -> None:
    """An attempt that fails has failed, whatever plugins say to it."""
    plugins = {"watcher": Swallowing(), "lines": Offering(Failing())}
    with BatchJobs.open("memory:", plugins=plugins) as jobs:
        job = jobs.create("failing", {"lines": 1})
        worker = jobs.worker()
        worker.step(job.id)
        worker.step(job.id)
        assert jobs.standing(job.id).attempts == 1
        assert jobs.standing(job.id).last_error == "ValueError"
