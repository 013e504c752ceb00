"""Processes that measure themselves: started here, each alone, and what they found brought back."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent


def measured(what: str, *arguments: str | Path) -> Mapping[str, Any]:
    """Run ``benchmarks.child`` on *what* in a new process, and return what it found.

    ``wall`` is added: the seconds of the whole process as they are seen from here. Raises
    `subprocess.CalledProcessError` if it fails; it has said why then.
    """
    with TemporaryDirectory() as folder:
        found = Path(folder, "figures.json")
        wall = timed("-m", "benchmarks.child", str(found), what, *map(str, arguments))
        return {**json.loads(found.read_text("utf-8")), "wall": wall}


def timed(*arguments: str) -> float:
    """Return the seconds that the interpreter takes for *arguments*, start and end and all."""
    start = time.perf_counter()
    started(arguments)
    return time.perf_counter() - start


def at_once(number: int, *arguments: str) -> float:
    """Return the seconds for each of *number* interpreters that do *arguments* at once."""
    with ThreadPoolExecutor(number) as threads:
        start = time.perf_counter()
        list(threads.map(started, [arguments] * number))
        return (time.perf_counter() - start) / number


def started(arguments: Sequence[str]) -> str:
    """Run the interpreter with *arguments*; return what it said on standard error."""
    done = subprocess.run(  # noqa: S603  our own interpreter and scripts
        [sys.executable, *arguments],
        cwd=ROOT,
        env=_environment(),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        done.check_returncode()
    return done.stderr


def _environment() -> Mapping[str, str]:
    """Return our environment without what a user's would not have, and with a place for bytecode.

    What is installed is compiled once and for all. From a checkout, or where Python is told to
    write no bytecode, every start would compile anew, and be taken for the cost of importing.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BATCHJOB_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "PYTHONPYCACHEPREFIX": _bytecode().name}


@cache
def _bytecode() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="batchjob-bench-bytecode-")
