"""Plugins that watch attempts: what they do wrong is logged, and no attempt is touched by it."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

from batchjob.core.chunks import Lease
from batchjob.core.job import BatchJob

_log = logging.getLogger(__name__)

Watching = Callable[[BatchJob, Lease], Iterable[AbstractContextManager[Any]]]
"""Gives what is entered before an attempt, and left after it."""


@contextmanager
def watched(watching: Watching, job: BatchJob, lease: Lease) -> Iterator[None]:
    """Have plugins watch the block; what it raises is raised, whatever they say to it."""
    with ExitStack() as stack:
        for each in watching(job, lease):
            stack.push(_Guarded(each))
        yield


class _Guarded:
    """A plugin's context manager, which can neither raise nor swallow."""

    def __init__(self, inner: AbstractContextManager[Any]) -> None:
        self._inner: AbstractContextManager[Any] | None = inner
        try:
            inner.__enter__()
        except Exception:  # noqa: BLE001 - any fault of a plugin is its own
            _log.exception("a plugin could not begin to watch an attempt")
            self._inner = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._inner is not None:
                self._inner.__exit__(kind, error, trace)
        except BaseException as raised:  # noqa: BLE001 - as above; the attempt's own goes on
            if raised is not error:
                _log.exception("a plugin could not watch an attempt to its end")
