"""A plugin for tests of the command line, installed as strangers install theirs."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from batchjob import (
    Change,
    Chunk,
    ImportContext,
    ImportStrategy,
    JobError,
    Outcomes,
    Part,
    Refused,
    Row,
    Run,
    Settings,
    Strategy,
    column,
    hookimpl,
    json_key,
)


@attrs.frozen(kw_only=True)
class CountContext:
    """What a counting job is asked for."""

    chunks: int = attrs.field(default=3, metadata=json_key(doc="How many chunks there are."))
    gate: str | None = None
    record: str | None = None
    failed: int = 0


class Count(Strategy[CountContext]):
    """Writes a number for each chunk; the third one waits until the file ``gate`` is there."""

    batch_type = "count-up"

    def plan(self, run: Run[CountContext]) -> Iterator[Chunk]:
        """Yield as many chunks as are asked for."""
        run.describe("count-up-count", "To count", f"It will count to {run.context.chunks}")
        for number in range(run.context.chunks):
            yield Chunk(number, weight=10)

    def work(self, run: Run[CountContext], chunk: Chunk) -> Outcomes:
        """Write the number, and record that it was written."""
        if chunk.seq == 2 and run.context.gate:
            _wait_for(Path(run.context.gate), run)
        with run.part() as file:
            file.write(f"{chunk.payload}\n")
        if run.context.record:
            with Path(run.context.record).open("a") as record:
                record.write(f"{chunk.payload}\n")
        return Outcomes(created=10 - run.context.failed, failed=run.context.failed)

    def finish(self, run: Run[CountContext], parts: Iterable[Part]) -> None:
        """Put the numbers together."""
        with run.output("numbers.txt") as file:
            run.join(parts, file)


class Silent(Strategy[dict[str, Any]]):
    """Does nothing and makes no file."""

    batch_type = "do-nothing"

    def plan(self, run: Run[dict[str, Any]]) -> Iterable[Chunk]:
        """Yield no chunk."""
        return ()

    def work(self, run: Run[dict[str, Any]], chunk: Chunk) -> None:
        """Do nothing."""


class Refusing(Silent):
    """Refuses its jobs, when they are made or when they are planned."""

    batch_type = "refuse"

    def check(self, context: dict[str, Any], run: Run[dict[str, Any]]) -> None:
        """Refuse at once."""
        if "later" not in context:
            raise Refused("this is never done")

    def plan(self, run: Run[dict[str, Any]]) -> Iterable[Chunk]:
        """Refuse with more errors than are shown."""
        errors = [JobError(code="bad", message=f"bad {n}", row=n, column="A") for n in range(2, 25)]
        raise Refused("bad rows", errors)


class Buggy(Silent):
    """Has a bug that shows when a job is made."""

    batch_type = "buggy"

    def check(self, context: dict[str, Any], run: Run[dict[str, Any]]) -> None:
        """Raise what nobody foresaw."""
        raise RuntimeError("secret /etc/passwd")


class Stubborn(Silent):
    """Does not stop when it is asked to."""

    batch_type = "stubborn"

    def plan(self, run: Run[dict[str, Any]]) -> Iterable[Chunk]:
        """Wait for ever, twice, and say so by files."""
        for name in ("first", "second"):
            with suppress(KeyboardInterrupt):
                Path(name).touch()
                while True:
                    time.sleep(0.01)
        return ()


class ReadFile(Strategy[dict[str, Any]]):
    """Tells how many bytes the uploaded file has."""

    batch_type = "read-file"

    def plan(self, run: Run[dict[str, Any]]) -> Iterable[Chunk]:
        """Read the file."""
        with run.open(run.context["fileKey"]) as file:
            run.describe("size", "Size", f"{len(file.read())} bytes")
        return ()

    def work(self, run: Run[dict[str, Any]], chunk: Chunk) -> None:
        """Do nothing."""


@attrs.frozen(kw_only=True)
class Guest:
    """A row of a list of guests."""

    name: str = attrs.field(metadata=column("Name", key=True, example="Ada"))
    seats: int = attrs.field(metadata=column("Seats", least=1, example="2"))


class Guests(ImportStrategy[ImportContext, Guest]):
    """Knows one guest already, and keeps nothing."""

    batch_type = "guests"

    def plan_rows(self, run: Run[ImportContext], rows: Sequence[Row[Guest]]) -> Iterator[Change]:
        """Compare with the one who is known."""
        for row in rows:
            old = {"seats": 1} if row.value.name == "Eve" else None
            yield Change.between(row.number, row.value.name, old, {"seats": row.value.seats})

    def apply(self, run: Run[ImportContext], changes: Sequence[Change]) -> None:
        """Keep nothing."""


@hookimpl
def batchjob_strategies(settings: Settings) -> Sequence[Strategy[Any]]:
    """Offer them all."""
    return [Count(), Silent(), Refusing(), Buggy(), Stubborn(), ReadFile(), Guests()]


def _wait_for(gate: Path, run: Run[CountContext]) -> None:
    gate.with_name("reached").touch()
    while not gate.exists():
        run.checkpoint()
        time.sleep(0.01)
