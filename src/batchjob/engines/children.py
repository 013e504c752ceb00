"""One process that is kept running: started again when it ends, told of news, let go in the end.

Knows nothing of jobs: what the process does is the matter of `batchjob.engines.processes`.
"""

import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final
from weakref import WeakSet

_log = logging.getLogger(__name__)

_SOON: Final = 0.5  # seconds until a process that ended is started again, doubled each time
_LATE: Final = 30.0  # and at most
_SOUND: Final = 60.0  # seconds after which a process has lived well
_EXIT: Final = 5.0  # seconds that a process has to end when all is said

_pipes: WeakSet[IO[bytes]] = WeakSet()

Start = Callable[[], "subprocess.Popen[bytes]"]


class Child:
    """A process of *start*, whose standard input is a pipe: a line is news, its end is the end.

    So it ends with this process too, however that one ends.
    """

    def __init__(self, start: Start, *, name: str) -> None:
        self._start = start
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # held while the process or its pipe change
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)

    def start(self) -> None:
        """Start it, and keep it running; returns at once."""
        self._thread.start()

    def tell(self) -> None:
        """Write a line to it; one that has not read its last ones is told already."""
        with self._lock, suppress(OSError, ValueError):
            if self._process is not None and self._process.stdin is not None:
                os.write(self._process.stdin.fileno(), b"\n")

    def let_go(self) -> None:
        """Have it end by itself, and start none again; returns at once."""
        self._leaving.set()
        with self._lock:
            self._hang_up()

    def join(self, seconds: float) -> bool:
        """Wait so long, and kill it then; return whether it ended well by itself."""
        if not self._thread.is_alive():
            return True
        self._thread.join(seconds)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()
            self._thread.join(_EXIT)
        return self._process is None or self._process.returncode == 0

    def _keep(self) -> None:
        wait = _SOON
        while not self._leaving.is_set():
            began = time.monotonic()
            ended = self._run()
            if self._leaving.is_set():
                return
            if time.monotonic() - began >= _SOUND:
                wait = _SOON
            _log.warning("a worker process ended (%s); another one starts in %.1f s", ended, wait)
            self._leaving.wait(wait)
            wait = min(_LATE, wait * 2)

    def _run(self) -> str:
        """Start the process and wait for its end; return how it ended."""
        try:
            with self._lock:
                self._hang_up()
                if self._leaving.is_set():
                    return "not started"
                self._process = process = self._start()
                if process.stdin is not None:
                    os.set_blocking(process.stdin.fileno(), False)
                    _pipes.add(process.stdin)
        except OSError as error:
            return f"it could not be started: {error.strerror}"
        status = process.wait()
        return f"status {status}" if status >= 0 else f"signal {-status}"

    def _hang_up(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()


def _close_pipes() -> None:
    """Close what a forked process inherited: held open there, the pipes would never end."""
    for pipe in list(_pipes):
        with suppress(OSError):
            pipe.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_pipes)
