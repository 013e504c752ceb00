"""Ctrl-C: the first one is a `KeyboardInterrupt` that commands answer, the second one ends all.

The first one waits while the store claims, commits or gives back a chunk: torn there, the chunk
would be nobody's until its lease is over.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from batchjob.abc import Store
    from batchjob.core.chunks import Lease
    from batchjob.core.job import BatchJob

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR: Final = "\x1b[?25h"
_WHOLE: Final = ("stage", "complete", "fail", "release")


class Interrupted(KeyboardInterrupt):
    """Somebody wants the program to end; ``signum`` is the signal that said so."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


class UntornStore:
    """Stands for *store*, whose changes to chunks it lets end before an interrupt is raised."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return _untorn(found) if name in _WHOLE else found

    def create(self, *args: Any, **options: Any) -> "BatchJob":
        """Create as the store does; the interrupt is raised at the claim, when the id is known."""
        with _HELD:
            return self._store.create(*args, **options)

    def claim(self, *args: Any, **options: Any) -> "Lease | None":
        """Claim as the store does, or give the chunk back and raise the interrupt."""
        with _HELD:
            lease = self._store.claim(*args, **options)
            if lease is not None and _HELD.signum is not None:
                self._store.release(lease)
        _HELD.let_go()
        return lease


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `Interrupted` in the block at the first signal to end, and exit at the second.

    SIGTERM counts as Ctrl-C. A signal that is ignored (as under ``nohup``) stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _HELD.signum = None
    before = {signum: signal.getsignal(signum) for signum in _SIGNALS}
    for signum, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(signum, _first)
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def exit_status(interrupt: BaseException | None) -> int:
    """Return the exit status that a shell expects after *interrupt*: 130 for Ctrl-C."""
    signum = interrupt.signum if isinstance(interrupt, Interrupted) else signal.SIGINT
    return 128 + signum


class _Held:
    """Whether an interrupt has to wait, and which one does."""

    def __init__(self) -> None:
        self.depth, self.signum = 0, None  # type: int, int | None

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1

    def let_go(self) -> None:
        """Raise the interrupt that had to wait."""
        if self.signum is not None and not self.depth:
            signum, self.signum = self.signum, None
            raise Interrupted(signum)


_HELD: Final = _Held()


def _untorn(method: Callable[..., Any]) -> Callable[..., Any]:
    def whole(*args: Any, **options: Any) -> Any:
        with _HELD:
            result = method(*args, **options)
        _HELD.let_go()
        return result

    return whole


def _first(signum: int, _: FrameType | None) -> None:
    for each in _SIGNALS:
        signal.signal(each, _second)
    if _HELD.depth:
        _HELD.signum = signum
        return
    raise Interrupted(signum)


def _second(signum: int, _: FrameType | None) -> NoReturn:
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), _SHOW_CURSOR.encode())
    os._exit(128 + signum)
