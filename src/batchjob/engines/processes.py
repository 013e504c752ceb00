"""The engine ``processes:N``: workers in processes of this machine, kept running from here.

Each is ``python -m batchjob worker`` with the settings of this process, in a new interpreter:
nothing is forked, and nothing but settings goes over. What fails there is data in the store.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from batchjob.abc import GRACE, Engine, Pool, Settings, Works
from batchjob.engines.children import Child
from batchjob.engines.environment import to_environment, without_settings
from batchjob.engines.pools import PoolEngine, size
from batchjob.errors import InvalidSetting

_MARGIN: Final = 5.0  # seconds that a worker takes to end after the grace of its chunks

COMMAND: Final = ("-P", "-m", "batchjob", "worker", "--follow-stdin")
"""What the interpreter is asked to do; ``-P`` keeps the folder it runs in off its path."""


def open_processes(setting: str, settings: Settings, works: Works) -> Engine:
    """Return the engine of a setting such as ``processes:4``.

    `InvalidSetting` if it is none, or if other processes could not have the same jobs.
    """
    number, reason = size(setting), works.not_elsewhere
    if reason is not None:
        raise InvalidSetting(
            f"the engine {setting} needs jobs that other processes can open too, but {reason};"
            f" use threads:{number}"
        )
    if not sys.executable:
        raise InvalidSetting(f"the engine {setting} finds no Python to start; use threads:{number}")
    start = _starter(settings)
    return PoolEngine(lambda: ProcessPool(start, processes=number))


class ProcessPool(Pool):
    """*processes* processes of *start*, until `drain`."""

    def __init__(self, start: Callable[[], "subprocess.Popen[bytes]"], *, processes: int) -> None:
        self._children = [Child(start, name=f"batchjob-process-{n}") for n in range(processes)]

    def start(self) -> None:
        """See `Pool.start`."""
        for child in self._children:
            child.start()

    def nudge(self) -> None:
        """See `Pool.nudge`."""
        for child in self._children:
            child.tell()

    def drain(self) -> None:
        """See `Pool.drain`."""
        for child in self._children:
            child.let_go()

    def join(self, *, grace: float = GRACE) -> bool:
        """Wait until the processes have drained, and kill those that take too long."""
        deadline = time.monotonic() + grace + _MARGIN
        ended = [child.join(max(0.0, deadline - time.monotonic())) for child in self._children]
        return all(ended)


def _starter(settings: Settings) -> Callable[[], "subprocess.Popen[bytes]"]:
    """Return what starts a worker, seen from the folder and the modules that are known now."""
    folder, told = Path.cwd(), to_environment(settings)
    group = None if sys.platform == "win32" else 0  # its own: Ctrl-C is for us to answer

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - this very interpreter
            [sys.executable, *COMMAND],
            cwd=folder,
            env={**without_settings(os.environ), **told, **_path(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            bufsize=0,
            process_group=group,
        )

    return start


def _path(folder: Path) -> Mapping[str, str]:
    """Return where this process finds modules, so that the other one finds the same."""
    return {"PYTHONPATH": os.pathsep.join(str(folder / entry) for entry in sys.path)}
