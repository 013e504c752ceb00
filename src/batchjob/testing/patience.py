"""Waiting for strangers' code, which may never return."""

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class NotDone(Exception):
    """What was waited for goes on; the message says for how long already, and where it is."""


def within(seconds: float | None, do: Callable[[], T]) -> T:
    """Return what *do* returns, or raise what it raises; `NotDone` after so many *seconds*.

    Then its thread is left behind. Without a number of seconds it is called here.
    """
    if seconds is None:
        return do()
    answers, errors = list[Any](), list[BaseException]()

    def run() -> None:
        try:
            answers.append(do())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise NotDone(f"is not done after {seconds:g} s, and goes on here:\n{_place(thread)}")
    if errors:
        raise errors[0]
    answer: T = answers[0]
    return answer


def _place(thread: threading.Thread) -> str:
    """Return where a thread is, the innermost call last."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - documented, for debuggers
    return "".join(traceback.format_stack(frame, limit=None)[-3:]) if frame else ""
