"""Jobs that do nothing, and the bare transactions that a job comes to: what the machinery costs."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from batchjob import BatchJobs, Chunk, Status, Strategy, hookimpl
from batchjob.abc import Run, Settings

_WARM_UP: Final = 20
_STATUSES: Final = ("created", "pre_processed", "confirmed", "processing", "completed")
_JOB: Final = sa.Table(
    "job",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("batch_type", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("context", sa.JSON, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("updated_at", sa.DateTime, nullable=False),
)


class Empty(Strategy[dict[str, Any]]):
    """A job without any work."""

    batch_type = "empty"

    def plan(self, run: Run[dict[str, Any]]) -> Iterable[Chunk]:
        """Return no chunks."""
        return ()

    def work(self, run: Run[dict[str, Any]], chunk: Chunk) -> None:
        """Never called: there are no chunks."""


class Plugin:
    """Offers the empty strategy."""

    @hookimpl
    def batchjob_strategies(self, settings: Settings) -> Sequence[Strategy[Any]]:
        """See `batchjob.hookspecs`."""
        return [Empty()]


def alternate(folder: Path, count: int) -> Mapping[str, Sequence[float]]:
    """Return the ms of *count* empty jobs and of as many bare ones that took turns with them."""
    store = f"sqlite:///{folder / 'jobs.db'}"
    engine = _engine(folder / "bare.db")
    found: dict[str, list[float]] = {"job": [], "bare": []}
    with BatchJobs.open(store, files=str(folder / "files"), plugins={"bench": Plugin()}) as jobs:

        def job() -> None:
            done = jobs.work(jobs.create("empty").id)
            if done.status != Status.COMPLETED:
                raise SystemExit(f"the empty job is {done.status}")

        for number in range(_WARM_UP + count):
            found["job"].append(_ms(job))
            found["bare"].append(_ms(partial(bare, engine, f"job_{number}")))
    engine.dispose()
    return {name: times[_WARM_UP:] for name, times in found.items()}


def bare(engine: sa.Engine, job_id: str) -> None:
    """Insert a job and move it to its end by compare-and-swap: five transactions."""
    now = datetime.now(UTC).replace(tzinfo=None)
    with engine.begin() as connection:
        connection.execute(
            sa.insert(_JOB).values(
                id=job_id,
                batch_type="empty",
                status=_STATUSES[0],
                context={},
                created_at=now,
                updated_at=now,
            )
        )
    for before, after in pairwise(_STATUSES):
        with engine.begin() as connection:
            moved = connection.execute(
                sa.update(_JOB)
                .where(_JOB.c.id == job_id, _JOB.c.status == before)
                .values(status=after, updated_at=datetime.now(UTC).replace(tzinfo=None))
            )
            if moved.rowcount != 1:
                raise SystemExit(f"{job_id} is not {before}")


def _engine(path: Path) -> sa.Engine:
    """Return an engine that keeps what it commits as well as batchjob's store does."""
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: object) -> None:
        for pragma in ("journal_mode = WAL", "foreign_keys = ON", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    _JOB.metadata.create_all(engine)
    return engine


def _ms(do: Callable[[], object]) -> float:
    start = time.perf_counter()
    do()
    return 1000 * (time.perf_counter() - start)
