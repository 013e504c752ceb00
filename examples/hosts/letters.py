"""What the two services of this folder share: their jobs, and a batch type of their own."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import attrs

from batchjob import BatchJobs, Chunk, Outcomes, Part, Run, Settings, Strategy, hookimpl


@attrs.frozen(kw_only=True)
class LettersContext:
    """To whom letters are written."""

    names: list[str]


class Letters(Strategy[LettersContext]):
    """Writes a letter to each customer."""

    batch_type: ClassVar[str] = "letters"

    def plan(self, run: Run[LettersContext]) -> Iterator[Chunk]:
        """Yield a chunk for each letter."""
        names = run.context.names
        run.describe("letters-count", "Letters", f"There will be {len(names)} letters written")
        yield from map(Chunk, names)

    def work(self, run: Run[LettersContext], chunk: Chunk) -> Outcomes:
        """Write one letter."""
        name: Any = chunk.payload
        with run.part() as file:
            file.write(f"Dear {name}: thank you.\n")
        return Outcomes(created=1)

    def finish(self, run: Run[LettersContext], parts: Iterable[Part]) -> None:
        """Hand them out in one file."""
        with run.output("letters.txt") as file:
            run.join(parts, file)


class Plugin:
    """Offers the letters."""

    @hookimpl
    def batchjob_strategies(self, settings: Settings) -> Sequence[Strategy[Any]]:
        """Offer them."""
        return [Letters()]


def opened() -> BatchJobs:
    """Open the service's jobs, where its settings say."""
    return BatchJobs.open(
        os.environ.get("SHOP_STORE", "sqlite:///shop.db"),
        files=os.environ.get("SHOP_FILES", "shop-files"),
        plugins={"letters": Plugin()},
    )
