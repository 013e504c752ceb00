"""A shop whose own Celery app works on batchjob's jobs, beside tasks of its own.

celery -A shop worker --queues batchjob     does the jobs
python shop.py Ada Grace                    makes one, as a request to the shop would
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs
from celery import Celery  # type: ignore[import-untyped]  # it has no types

from batchjob import BatchJobs, Chunk, Part, Run, Settings, Strategy, hookimpl
from batchjob.engines.celery import add_tasks

BROKER = os.environ.get("SHOP_BROKER", "redis://127.0.0.1:6379/0")
QUEUE = os.environ.get("SHOP_QUEUE", "batchjob")


@attrs.frozen(kw_only=True)
class Letter:
    """To whom letters are written."""

    names: list[str]


class Letters(Strategy[Letter]):
    """Writes a letter to each customer."""

    batch_type = "letters"

    def plan(self, run: Run[Letter]) -> Iterator[Chunk]:
        """Yield a chunk for each letter."""
        yield from map(Chunk, run.context.names)

    def work(self, run: Run[Letter], chunk: Chunk) -> None:
        """Write one letter."""
        with run.part() as file:
            file.write(f"Dear {chunk.payload},\n")

    def finish(self, run: Run[Letter], parts: Iterable[Part]) -> None:
        """Put the letters together."""
        with run.output("letters.txt") as file:
            run.join(parts, file)


class Plugin:
    """What the shop adds to batchjob."""

    @hookimpl
    def batchjob_strategies(self, settings: Settings) -> Sequence[Strategy[Any]]:
        """Offer letters."""
        return [Letters()]


def open_jobs(engine: str | None = None) -> BatchJobs:
    """Open the shop's jobs, with *engine* to be told of new ones."""
    return BatchJobs.open(
        "sqlite:///shop.db",
        files="shop-files",
        engine=engine,
        plugins={"shop": Plugin()},
        options={"queue": QUEUE},
    )


app = Celery("shop", broker=BROKER)
add_tasks(app, open_jobs, queue=QUEUE)


@app.task  # type: ignore[untyped-decorator]
def close_till(till: int) -> int:
    """Do something else that the shop has Celery for."""
    return till


def main(names: list[str]) -> None:
    """Make a job and print the letters that the workers wrote."""
    with open_jobs(f"celery:{BROKER}") as jobs:
        job = jobs.wait(jobs.create("letters", {"names": names}).id, timeout=60)
        with jobs.open_result(job.id) as file:
            print(file.read().decode(), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
