"""The suite ``celery``: empty jobs through a Celery worker, beside a task with as many commits.

The bare task is what one writes by hand: who sends it inserts a row over a connection that is kept,
and calls the task; the task moves the row on by compare-and-swap, a transaction each time. Both
have the same database, which keeps what is committed as well, the same broker, and workers with
the same options, which are started by

    python -m benchmarks.celery_jobs job|bare STORE QUEUE FILES|COMMITS WORKER_OPTION...
"""

import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import celery  # type: ignore[import-untyped]  # it has no types
import sqlalchemy as sa

from batchjob import BatchJobs, Status
from batchjob.abc import Settings
from batchjob.engines.celery import add_tasks
from batchjob.stores.database import Database, parsed
from batchjob.stores.schema import upgrade
from benchmarks.catalogs import catalog, reachable
from benchmarks.empty_jobs import Plugin
from benchmarks.figures import Figure, Options, ratio
from benchmarks.processes import ROOT

BROKER: Final = os.environ.get("BATCHJOB_BENCH_BROKER", "redis://127.0.0.1:6379/0")
"""The broker of both, unless the environment names another one."""

_RATIO: Final = 1.5
_WARM_UP: Final = 50
_ALONE: Final = 30  # jobs of a round that are sent when the one before is done
_LOOK: Final = 0.002  # seconds between two looks at whether all is done
_LONG: Final = 120.0
_WORKER: Final = "-c 1 --prefetch-multiplier 1 --without-mingle --without-gossip -l ERROR"
_ROWS: Final = sa.Table(
    "bare",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("batch_type", sa.Text, nullable=False),
    sa.Column("moves", sa.Integer, nullable=False),
    sa.Column("context", sa.JSON, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
)


def celery_jobs(options: Options, folder: Path) -> Iterator[Figure]:
    """Measure rounds of ``options.jobs`` jobs and of as many bare tasks, which take turns."""
    if not _answers():
        print(f"celery is left out: no broker answers at {BROKER}", file=sys.stderr)
        return
    for database in options.databases:
        if database == "postgresql" and not reachable(options.server):
            print("postgresql is left out: no server answers", file=sys.stderr)
            continue
        with catalog(database, 0, folder=folder, server=options.server) as store:
            yield from _measure(store, database, options, folder)


def _measure(store: str, name: str, options: Options, folder: Path) -> Iterator[Figure]:
    upgrade(store)
    files = str(folder / "files")
    with ExitStack() as stack:
        database = _database(store)
        stack.callback(database.close)
        with database.write() as connection:
            _ROWS.metadata.create_all(connection)
        commits = _commits(store, files)
        ours = _Side(database, "batchjob_job", store, "job", files)
        bare = _Side(database, "bare", store, "bare", str(commits))
        jobs = stack.enter_context(_jobs(store, files, f"celery:{BROKER}", ours.queue))
        send = _bare_app(store, bare.queue, commits).tasks["bare"].delay
        ours.send, bare.send = partial(jobs.create, "empty"), partial(_insert, database, send)
        for side in (ours, bare):
            stack.enter_context(side.worker())
        for number in range(1 + options.rounds):
            for side in (ours, bare):
                side.measure(options.jobs if number else _WARM_UP)
    yield Figure(f"{name}: empty job, celery", ours.each[1:], "ms")
    yield Figure(f"{name}: bare task, {commits} commits", bare.each[1:], "ms")
    yield ratio(f"{name}: job, of the bare task", ours.each[1:], bare.each[1:], goal=_RATIO)
    yield ratio(f"{name}: ..., making and sending", ours.sent[1:], bare.sent[1:])
    yield Figure(f"{name}: empty job, one at a time", ours.alone[1:], "ms")
    yield Figure(f"{name}: bare task, one at a time", bare.alone[1:], "ms")
    yield ratio(f"{name}: job, of the bare task, one at a time", ours.alone[1:], bare.alone[1:])


class _Side:
    """One of the two: a queue, a worker, a table to look at, and the ms that a job took."""

    def __init__(self, database: Database, table: str, store: str, what: str, last: str) -> None:
        self.queue = f"batchjob_bench_{secrets.token_hex(4)}"
        self.send: Callable[[], object] = lambda: None
        self.each: list[float] = []
        self.sent: list[float] = []
        self.alone: list[float] = []
        self._command = [what, store, self.queue, last, *_WORKER.split()]
        self._command += ["-Q", self.queue, "-n", f"{self.queue}@%h"]
        self._database = database
        self._left = sa.text(f"SELECT count(*) FROM {table} WHERE ended_at IS NULL")  # noqa: S608

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Have a worker while the block runs, and no queue after it."""
        worker = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", __spec__.name, *self._command], cwd=ROOT
        )
        try:
            yield
        finally:
            worker.terminate()
            worker.wait()
            app = _app(self.queue)
            with app.connection_for_write() as connection:
                queue = app.amqp.queues[self.queue](connection.default_channel)
                queue.declare()  # or kombu would not know what to delete
                queue.delete()

    def measure(self, count: int) -> None:
        """Send *count* jobs and wait until all are done; then some, one at a time."""
        start = time.perf_counter()
        for _ in range(count):
            self.send()
        sent = time.perf_counter() - start
        self._wait()
        self.each.append(1000 * (time.perf_counter() - start) / count)
        self.sent.append(1000 * sent / count)
        self.alone.append(statistics.median(self._one() for _ in range(_ALONE)))

    def _one(self) -> float:
        start = time.perf_counter()
        self.send()
        self._wait()
        return 1000 * (time.perf_counter() - start)

    def _wait(self) -> None:
        end = time.monotonic() + _LONG
        with self._database.read() as connection:
            while connection.scalar(self._left):
                if time.monotonic() > end:
                    raise SystemExit("the worker did not come to an end")
                connection.rollback()  # or SQLite would show the same again
                time.sleep(_LOOK)


def _jobs(store: str, files: str, engine: str | None = None, queue: str = "") -> BatchJobs:
    options = {"queue": queue} if queue else {}
    return BatchJobs.open(
        store, files=files, engine=engine, options=options, plugins={"bench": Plugin()}
    )


def _commits(store: str, files: str) -> int:
    """Return how many transactions of an empty job write; those that only read are free."""
    wrote: set[int] = set()

    def count(connection: sa.Connection) -> None:
        if connection.dialect.name == "sqlite":
            asked = "SELECT nullif(total_changes(), 0)"  # of this connection, so far
        else:
            asked = "SELECT pg_current_xact_id_if_assigned()::text::bigint"
        wrote.update(connection.exec_driver_sql(asked).scalars())

    with _jobs(store, files) as jobs:
        sa.event.listen(sa.Engine, "commit", count)
        done = jobs.work(jobs.create("empty").id)
        sa.event.remove(sa.Engine, "commit", count)
    if done.status != Status.COMPLETED:
        raise SystemExit(f"the empty job is {done.status}")
    return len(wrote - {None})


def _insert(database: Database, send: Callable[[str], object]) -> None:
    job_id = f"batch_{secrets.token_hex(13)}"
    row = {"id": job_id, "batch_type": "empty", "moves": 0, "context": {}}
    with database.write() as connection:
        now = sa.func.now()
        connection.execute(sa.insert(_ROWS).values(created_at=now, updated_at=now, **row))
    send(job_id)


def _bare_app(store: str, queue: str, commits: int) -> Any:
    app, database = _app(queue), _database(store)

    @app.task(name="bare")  # type: ignore[untyped-decorator]
    def bare(job_id: str) -> None:
        for moves in range(1, commits):
            values: dict[str, Any] = {"moves": moves, "updated_at": sa.func.now()}
            if moves == commits - 1:
                values["ended_at"] = sa.func.now()
            before = (_ROWS.c.id == job_id, _ROWS.c.moves == moves - 1)
            with database.write() as connection:
                connection.execute(sa.update(_ROWS).where(*before).values(values))

    return app


def _jobs_app(store: str, queue: str, files: str) -> Any:
    app = _app(queue)
    add_tasks(app, lambda: _jobs(store, files), queue=queue)
    return app


def _app(queue: str) -> Any:
    app = celery.Celery(queue, broker=BROKER, set_as_current=False)
    app.conf.update(task_default_queue=queue, task_ignore_result=True)
    return app


def _database(store: str) -> Database:
    return Database(parsed(store), lease=Settings().lease)


def _answers() -> bool:
    with celery.Celery(broker=BROKER, set_as_current=False).connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=2)
        except connection.connection_errors:
            return False
        return True


if __name__ == "__main__":
    what, store, queue, last, *options = sys.argv[1:]
    made = _jobs_app(store, queue, last) if what == "job" else _bare_app(store, queue, int(last))
    made.worker_main(["worker", *options])
