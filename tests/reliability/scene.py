"""A scene for faults: jobs on a real store whose clock is moved by hand, and what they leave.

Each row that the strategy here writes goes through the store's transaction into a table without
unique constraint, so that a row that is written twice is seen.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
import sqlalchemy as sa

from batchjob import BatchJob, BatchJobs, Chunk, Outcomes, Part, Run, Settings, Status, Strategy
from batchjob.core import faults
from batchjob.core.status import OPEN
from batchjob.errors import StoreUnavailable
from batchjob.plugins import load
from batchjob.stores.sql import SqlStore
from batchjob.stores.tables import quoted
from batchjob.testing import HandClock
from batchjob.worker import Worker
from stores.databases import CLOCK
from support import Offering

LEASE: Final = 30.0
RECOVERY: Final = LEASE + 5.0
EFFECTS: Final = "CREATE TABLE fault_effect (job_id text, row_no integer)"
_EFFECT: Final = sa.text("INSERT INTO fault_effect VALUES (:job_id, :row_no)")


@attrs.frozen(kw_only=True)
class Size:
    """How many chunks, and how many rows in each."""

    chunks: int = 3
    rows: int = 3


class Rows(Strategy[Size]):
    """Writes rows to the chunk's file and to a table, and does in each phase what a test says."""

    batch_type: ClassVar[str] = "rows"

    def __init__(self, **phases: Callable[[Run[Size]], object]) -> None:
        self.phases = phases

    def _do(self, phase: str, run: Run[Size]) -> None:
        if phase in self.phases:
            self.phases[phase](run)

    def plan(self, run: Run[Size]) -> Iterable[Chunk]:
        """Yield chunks that weigh their rows."""
        self._do("plan", run)
        for seq in range(run.context.chunks):
            yield Chunk(seq * run.context.rows, weight=run.context.rows)

    def work(self, run: Run[Size], chunk: Chunk) -> Outcomes | None:
        """Write the rows."""
        self._do("work", run)
        run.checkpoint()
        first: Any = chunk.payload
        with run.part() as file:
            file.writelines(f"{row}\n" for row in range(first, first + run.context.rows))
        for row in range(first, first + run.context.rows):
            run.transaction.execute(_EFFECT, {"job_id": run.job_id, "row_no": row})
            if row == first:
                faults.point("work.mid_effect")
        self._do("written", run)
        return Outcomes(created=run.context.rows)

    def finish(self, run: Run[Size], parts: Iterable[Part]) -> None:
        """Join the parts."""
        self._do("finish", run)
        with run.output("rows.txt") as file:
            run.join(parts, file)


class Scene:
    """Jobs in the database *url*, their files in *folder*; what happens, and what came of it."""

    def __init__(
        self,
        url: str,
        folder: Path,
        *strategies: Strategy[Any],
        lease: float = LEASE,
        now_sql: str | None = CLOCK,
        retention: float | None = None,
    ) -> None:
        self.folder = folder
        self.settings = Settings(
            store=url, files=str(folder / "files"), lease=lease, retention=retention
        )
        offering = Offering(*(strategies or [Rows()]))
        self.store = SqlStore.open(url, self.settings, now_sql=now_sql)
        plugins = load(self.settings, plugins={"rows": offering}, disable=["products"])
        self.jobs = BatchJobs(
            settings=self.settings,
            store=self.store,
            files=plugins.open_files(self.settings),
            plugins=plugins,
            clock=(hand := HandClock(datetime.now(UTC))),
        )
        self.hand = hand
        self.eye = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        self.passed = 0.0

    def clock(self, seconds: float) -> None:
        """Set the clocks forwards, or back; not through the store, which may be broken."""
        self.hand.move(seconds)
        with self.eye.begin() as connection:
            moved = sa.text("UPDATE test_clock SET seconds = seconds + :seconds")
            connection.execute(moved, {"seconds": seconds})

    def go_on(self, worker: Worker | None = None, *, most: float = 6 * RECOVERY) -> None:
        """Let one worker end every job; what it waits for passes on the store's clock.

        It is an error if it waits for more than *most* seconds.
        """
        worker = worker or self.jobs.worker()
        self.passed = 0.0
        while self.open_jobs():
            with suppress(StoreUnavailable):
                if worker.step():
                    continue
                self.jobs.sweep()
            assert self.passed <= most, "no job may stand still"
            self.clock(5.0)
            self.passed += 5.0

    def open_jobs(self) -> int:
        """Return how many jobs have not ended and do not wait for somebody."""
        statuses = quoted(tuple(each for each in OPEN if each is not Status.PRE_PROCESSED))
        sql = f"SELECT count(*) FROM batchjob_job WHERE status IN {statuses} AND paused_at IS NULL"  # noqa: S608
        with self.eye.connect() as connection:
            return connection.scalar(sa.text(sql)) or 0

    def rows(self, job_id: str) -> Counter[int]:
        """Return how often each row was written."""
        wanted = sa.text("SELECT row_no FROM fault_effect WHERE job_id = :job_id")
        with self.eye.connect() as connection:
            return Counter(connection.scalars(wanted, {"job_id": job_id}))

    def attempts(self, job_id: str) -> list[int]:
        """Return the attempts at each chunk of a job."""
        sql = "SELECT attempts FROM batchjob_chunk WHERE job_id = :job_id ORDER BY kind, seq"
        with self.eye.connect() as connection:
            return list(connection.scalars(sa.text(sql), {"job_id": job_id}))

    def is_whole(self, job: BatchJob, *, extra: int | None = None) -> None:
        """Check that a job is completed, with every row once; *extra* attempts there may be."""
        job, size = self.jobs.get(job.id), Size(**job.context)  # type: ignore[arg-type]
        total = size.chunks * size.rows
        assert job.status is Status.COMPLETED, job.result
        assert self.rows(job.id) == Counter(range(total))
        with self.jobs.open_result(job.id) as file:
            assert file.read() == "".join(f"{row}\n" for row in range(total)).encode()
        assert job.result is not None
        assert job.result.outcomes == (Outcomes(created=total) if size.chunks else None)
        spent = self.attempts(job.id)
        if extra is not None:
            assert len(spent) <= sum(spent) <= len(spent) + extra

    def temporary_files(self) -> list[Path]:
        """Return files that somebody began to write and left."""
        return [path for path in self.folder.rglob("*") if path.name.startswith(".tmp-")]

    def close(self) -> None:
        """Let go of everything."""
        self.eye.dispose()
        self.jobs.close()


@contextmanager
def scene(url: str, folder: Path, *strategies: Strategy[Any], **options: Any) -> Iterator[Scene]:
    """Open a scene, and close it in the end."""
    opened = Scene(url, folder, *strategies, **options)
    try:
        yield opened
    finally:
        opened.close()
