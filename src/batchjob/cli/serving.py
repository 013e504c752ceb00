"""Working on all jobs of the store until somebody says to end: ``worker``."""

import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import click

from batchjob.abc import GRACE
from batchjob.cli import exits
from batchjob.cli.saying import note
from batchjob.cli.settings import Where, masked, with_settings
from batchjob.core.ids import job_id
from batchjob.errors import InvalidSetting

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs

T = TypeVar("T")

ENGINES_HERE: Final = ("inline", "threads", "processes")
"""The engines that would start workers here: a command that is a worker has no use for them."""

_NOBODY: Final = job_id(0, 0)  # a job of 1970
_SIGNALS: Final = [
    found for name in ("SIGINT", "SIGTERM", "SIGHUP") if (found := getattr(signal, name, None))
]


with_concurrency: Final = click.option(
    "--concurrency",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many chunks are done at once, in threads.",
)
"""Gives a command that works here the option ``--concurrency``."""


def _names(_: click.Context, __: click.Parameter, given: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for text in given for name in text.split(",") if name.strip())


@click.command()
@with_concurrency
@click.option(
    "--types",
    metavar="TYPE[,TYPE]",
    multiple=True,
    callback=_names,
    help="Work on jobs of these types alone; may be repeated.",
)
@click.option(
    "--grace",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=GRACE,
    show_default=True,
    envvar="BATCHJOB_GRACE",
    show_envvar=True,
    help="How long chunks that are being done have to end.",
)
@click.option("--follow-stdin", is_flag=True, hidden=True)
@with_settings
def worker(
    where: Where, *, concurrency: int, types: Sequence[str], grace: float, follow_stdin: bool
) -> int:
    """Work on all jobs, now and to come, until it is told to end.

    SIGTERM, SIGINT (Ctrl-C) and SIGHUP have it begin nothing more, end the chunks that it does,
    and exit with status 0. What is not done when the grace is over is given back for others to do.
    A second signal ends it at once.
    """
    with where.open_without(*ENGINES_HERE) as jobs:
        if jobs.not_elsewhere is not None:
            raise InvalidSetting(f"a worker would find no jobs: {jobs.not_elsewhere}")
        jobs.worker(batch_types=types).step(_NOBODY)  # a store that cannot be written to says so
        pool = jobs.pool(threads=concurrency, batch_types=types)
        with Stopping(stdin=sys.stdin.fileno() if follow_stdin else None) as stopping:
            if not follow_stdin:
                _say_what_is_served(jobs, types, concurrency)
            pool.start()
            stopping.wait(pool.nudge)
            pool.drain()
            if not follow_stdin:
                say(f"ending; chunks that are being done have {grace:g} s")
            done = stopping.meanwhile(lambda: pool.join(grace=grace))
        if not done:  # what still runs may not hold us up
            leave()
    return exits.DONE


def _say_what_is_served(jobs: "BatchJobs", types: Sequence[str], concurrency: int) -> None:
    named = ", ".join(types or jobs.plugins.registry.batch_types) or "none"
    chunks = "1 chunk" if concurrency == 1 else f"{concurrency} chunks"
    say(f"worker {os.getpid()} works on the jobs of {masked(jobs.settings.store)}")
    say(f"{chunks} at once, leases of {jobs.settings.lease:g} s; batch types: {named}")


def say(text: str) -> None:
    """Say *text*, if there is still somebody to hear it."""
    with suppress(OSError, ValueError):
        note(text)


def leave() -> None:
    """End the process now, whatever its threads do."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(exits.DONE)


class Stopping:
    """Hears signals to end in the main thread, which does nothing else; a second one ends all.

    No call is torn by a signal, because nothing is called here. *stdin* brings news line by line,
    and its end is the end. A signal that is ignored (as under ``nohup``) stays so.
    """

    def __init__(self, *, stdin: int | None) -> None:
        self._stdin, self._asked = stdin, False
        self._heard, self._told = socket.socketpair()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for end in (self._heard, self._told):
            end.setblocking(False)
        signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
        for signum in _SIGNALS:
            if (before := signal.getsignal(signum)) is not signal.SIG_IGN:
                self._before[signum] = before
                signal.signal(signum, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for signum, before in self._before.items():
            signal.signal(signum, before)
        signal.set_wakeup_fd(-1)
        self._heard.close()
        self._told.close()

    def wait(self, news: Callable[[], object]) -> None:
        """Call *news* at each line on standard input; return when all is to end."""
        while not self._asked:
            if self._stdin in self._next():
                if not os.read(sys.stdin.fileno(), 1 << 16):
                    return
                news()

    def stop(self) -> None:
        """Have `wait` return; another thread says so."""
        self._asked = True
        with suppress(OSError):  # nobody waits any more
            self._told.send(b"\0")

    def meanwhile(self, do: Callable[[], T]) -> T:
        """Do it in a thread, and return what it does; signals are heard meanwhile."""
        results: list[T] = []
        raised: list[Exception] = []
        done = threading.Event()

        def run() -> None:
            try:
                results.append(do())
            except Exception as error:  # noqa: BLE001 - it is raised below
                raised.append(error)
            done.set()
            with suppress(OSError):  # nobody waits any more
                self._told.send(b"\0")

        self._stdin = None
        threading.Thread(target=run, name="batchjob-ending", daemon=True).start()
        while not done.is_set():
            self._next()
        if raised:
            raise raised[0]
        return results[0]

    def _next(self) -> Sequence[int]:
        """Wait for a signal or news, and return what there is to read."""
        signals = self._heard.fileno()
        inputs = [signals] if self._stdin is None else [signals, self._stdin]
        ready = select.select(inputs, (), ())[0]
        if signals in ready:
            self._heard.recv(1 << 10)
        return ready

    def _hear(self, signum: int, _: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + signum)
        self._asked = True
