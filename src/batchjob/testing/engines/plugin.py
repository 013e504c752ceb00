"""The batch types of which the suite for engines makes jobs: those that try an engine hard."""

import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import attrs

from batchjob.abc import Run, Settings, Strategy
from batchjob.core.chunks import Chunk, Part
from batchjob.core.results import Outcomes
from batchjob.hookspecs import hookimpl


@attrs.frozen(kw_only=True)
class LettersContext:
    """How many chunks there are, and how long each takes at the least."""

    chunks: int = 5
    seconds: float = 0.0
    folder: str = ""


class Letters(Strategy[LettersContext]):
    """Writes a line for each chunk: its number, and which attempt it was."""

    batch_type = "letters"

    def plan(self, run: Run[LettersContext]) -> Iterator[Chunk]:
        """Yield the chunks."""
        for number in range(run.context.chunks):
            yield Chunk(number, weight=2)

    def work(self, run: Run[LettersContext], chunk: Chunk) -> Outcomes:
        """Write the line."""
        time.sleep(run.context.seconds)
        with run.part() as file:
            file.write(f"{chunk.payload} {run.attempt}\n")
        return Outcomes(created=2)

    def finish(self, run: Run[LettersContext], parts: Iterable[Part]) -> None:
        """Put the lines together."""
        with run.output("letters.txt") as file:
            run.join(parts, file)


class Meeting(Letters):
    """Has chunks that end only when others are being done at the same time."""

    batch_type = "meeting"

    def work(self, run: Run[LettersContext], chunk: Chunk) -> Outcomes:
        """Come, and wait for the others."""
        folder = Path(run.context.folder)
        (folder / f"came-{chunk.payload}").write_text(str(os.getpid()))
        while len(list(folder.glob("came-*"))) < run.context.chunks:
            run.checkpoint()
            time.sleep(0.01)
        return super().work(run, chunk)


class Gated(Letters):
    """Has chunks that wait for the file ``gate``, and say that they do; deaf ones never look up."""

    batch_type = "gated"
    looks = True

    def work(self, run: Run[LettersContext], chunk: Chunk) -> Outcomes:
        """Say so, and wait."""
        folder = Path(run.context.folder)
        (folder / f"reached-{chunk.payload}").write_text(str(os.getpid()))
        while not (folder / "gate").exists():
            if self.looks:
                run.checkpoint()
            time.sleep(0.01)
        return super().work(run, chunk)


class Deaf(Gated):
    """As gated, but it never learns that its lease is lost until it commits."""

    batch_type = "deaf"
    looks = False


class Deadly(Letters):
    """Kills the process that does its chunk 1, each time, and counts how often."""

    batch_type = "deadly"

    def work(self, run: Run[LettersContext], chunk: Chunk) -> Outcomes:
        """Kill."""
        if chunk.payload == 1:
            with Path(run.context.folder, "deaths").open("a") as file:
                file.write(f"{run.attempt}\n")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().work(run, chunk)


class Own(BaseException):
    """A class of its own, beside `Exception`."""


class Unprintable(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Unpicklable(Exception):
    """Cannot go to another process."""

    def __init__(self) -> None:
        super().__init__("held")
        self.held = lambda: None

    def __reduce__(self) -> NoReturn:
        raise TypeError("cannot be pickled")


def _cyclic() -> Exception:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first


ODD: dict[str, Any] = {
    "exit": lambda: SystemExit(3),
    "interrupt": KeyboardInterrupt,
    "generator": GeneratorExit,
    "own": Own,
    "unprintable": Unprintable,
    "unpicklable": Unpicklable,
    "cyclic": _cyclic,
    "huge": lambda: ValueError("x" * 10_000_000),
    "nul": lambda: ValueError("a\0b\ud800c"),
}


@attrs.frozen(kw_only=True)
class OddContext:
    """What is raised, each by a chunk of its own; or what is returned, or planned."""

    raises: list[str] = attrs.field(factory=list)
    returns: str | None = None
    plans: str | None = None


WRONG: dict[str, Any] = {
    "nan": float("nan"),
    "bytes": b"x",
    "function": lambda: None,
    "huge": "x" * 1_000_000,
}


class Odd(Strategy[OddContext]):
    """Raises what nobody should at the first attempt of each chunk, and returns what is wrong."""

    batch_type = "odd"

    def plan(self, run: Run[OddContext]) -> Iterator[Chunk]:
        """Yield a chunk for each fault."""
        if run.context.plans:
            yield Chunk(WRONG[run.context.plans])
        yield from map(Chunk, run.context.raises or ["none"])

    def work(self, run: Run[OddContext], chunk: Chunk) -> Any:
        """Do what is asked."""
        if run.context.returns:
            return WRONG[run.context.returns]
        if run.attempt == 1 and isinstance(chunk.payload, str) and chunk.payload in ODD:
            odd: BaseException = ODD[chunk.payload]()
            raise odd
        with run.part() as file:
            file.write(f"{chunk.seq} {run.attempt}\n")
        return None

    def finish(self, run: Run[OddContext], parts: Iterable[Part]) -> None:
        """Put the lines together."""
        with run.output("odd.txt") as file:
            run.join(parts, file)


class Empty(Strategy[dict[str, Any]]):
    """Has nothing to do."""

    batch_type = "empty"

    def plan(self, run: Run[dict[str, Any]]) -> Iterable[Chunk]:
        """Yield no chunk."""
        return ()

    def work(self, run: Run[dict[str, Any]], chunk: Chunk) -> None:
        """Do nothing."""


@hookimpl
def batchjob_strategies(settings: Settings) -> Sequence[Strategy[Any]]:
    """Offer them all."""
    return [Letters(), Meeting(), Gated(), Deaf(), Deadly(), Odd(), Empty()]
