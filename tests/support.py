"""What tests share: a job, strategies, and plugins that offer them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

import attrs

from batchjob import Chunk, Outcomes, Part, Run, Settings, Strategy, hookimpl
from batchjob.core.ids import job_id
from batchjob.core.job import BatchJob

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def new_job(**changes: Any) -> BatchJob:
    """Return a job that was just created, with *changes*."""
    given: dict[str, Any] = {
        "id": job_id(1_704_110_400_000, 7),
        "batch_type": "lines",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return BatchJob(**(given | changes))


@attrs.frozen(kw_only=True)
class LinesContext:
    """How many lines, how many in a chunk, and the first word of each."""

    lines: int = 3
    page: int = 1
    word: str = "line"


class Lines(Strategy[LinesContext]):
    """Writes lines of text: the smallest strategy that uses every phase."""

    batch_type: ClassVar[str] = "lines"

    def plan(self, run: Run[LinesContext]) -> Iterable[Chunk]:
        """Yield a chunk for each page of lines."""
        total, page = run.context.lines, run.context.page
        for first in range(0, total, page):
            last = min(first + page, total)
            yield Chunk({"first": first, "last": last}, weight=last - first)
        run.describe("lines-count", "Lines to write", f"There will be {total} lines written")

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Write one page."""
        numbers: Any = chunk.payload
        with run.part() as file:
            for number in range(numbers["first"], numbers["last"]):
                file.write(f"{run.context.word} {number}\n")
        return Outcomes(created=numbers["last"] - numbers["first"])

    def finish(self, run: Run[LinesContext], parts: Iterable[Part]) -> None:
        """Join the pages."""
        with run.output("lines.txt") as file:
            run.join(parts, file)


class Offering:
    """A plugin that offers the strategies it is made with, and remembers what it hears."""

    def __init__(self, *strategies: Any) -> None:
        self.strategies = strategies
        self.heard: list[tuple[int, str | None, str]] = []

    @hookimpl
    def batchjob_strategies(self, settings: Settings) -> list[Any]:
        """Offer them."""
        return list(self.strategies)


class Listening(Offering):
    """A plugin that hears of changes, too."""

    @hookimpl
    def batchjob_job_changed(self, event: Any, job: Any) -> None:
        """Remember it."""
        self.heard.append((event.n, event.from_status, event.to_status))


def answering(hook: str, answer: Any) -> Any:
    """Return a plugin that answers *hook* with *answer*."""
    return type("Answering", (), {hook: hookimpl(lambda _: answer)})()
