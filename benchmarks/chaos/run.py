"""One chaos run: workers started and killed, jobs made, and a server stopped, until all is done."""

import contextlib
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import sqlalchemy as sa

from batchjob import BatchJobs
from batchjob.core.status import OPEN
from batchjob.errors import StoreUnavailable
from batchjob.stores import schema
from benchmarks.chaos import strategies
from benchmarks.chaos.check import Verdict, verdict
from benchmarks.chaos.server import Server, own_server
from benchmarks.chaos.worker import Place, serve

_BUSY: Final = 8  # open jobs that there are at least while there is killing to do
_ATTEMPTS: Final = 60  # far more kills than in practice: 5 would soon be spent
_LOOK: Final = 0.25
_BROKEN: Final = 3  # how a worker ends that was not killed
_PATIENT: Final = {
    "sqlite": (
        f"""CREATE TRIGGER chaos_patience AFTER INSERT ON batchjob_chunk
        WHEN NOT (NEW.kind = 'work' AND EXISTS (SELECT 1 FROM batchjob_job
            WHERE id = NEW.job_id AND batch_type = 'chaos-poison'))
        BEGIN UPDATE batchjob_chunk SET max_attempts = {_ATTEMPTS} WHERE job_id = NEW.job_id
            AND kind = NEW.kind AND seq = NEW.seq; END""",  # noqa: S608 - a number of ours
    ),
    "postgresql": (
        f"""CREATE FUNCTION chaos_patience() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NOT (NEW.kind = 'work' AND EXISTS (SELECT 1 FROM batchjob_job
            WHERE id = NEW.job_id AND batch_type = 'chaos-poison'))
        THEN NEW.max_attempts := {_ATTEMPTS}; END IF; RETURN NEW; END $$""",  # noqa: S608 - a number of ours
        """CREATE TRIGGER chaos_patience BEFORE INSERT ON batchjob_chunk
        FOR EACH ROW EXECUTE FUNCTION chaos_patience()""",
    ),
}


@attrs.frozen(kw_only=True)
class Options:
    """What a run is asked for; times in seconds."""

    kills: int = 1000
    chunks: int = 1200
    rows: int = 10
    small: int = 60
    workers: int = 4
    every: float = 0.05
    kill: float = 0.01
    stall: float = 0.01
    lease: float = 1.2
    fenced: bool = True
    db_stops: int = 0
    seed: int = 1
    timeout: float = 600.0


def run(store: str, options: Options) -> Verdict:
    """Run chaos on a new store of this kind, and return what came of it."""
    with (
        tempfile.TemporaryDirectory(prefix="batchjob-chaos-") as folder,
        _database(store, Path(folder)) as (url, server),
    ):
        chosen = attrs.asdict(
            options, filter=lambda a, _: a.name in {"lease", "seed", "kill", "stall", "fenced"}
        )
        place = Place(store=url, folder=Path(folder), **chosen)
        return Chaos(place, options, server).run(store)


@contextmanager
def _database(store: str, folder: Path) -> Iterator[tuple[str, Server | None]]:
    if store == "sqlite":
        url = f"sqlite:///{folder / 'jobs.db'}"
        _prepare(url, store)
        yield url, None
        return
    with own_server() as server:
        _prepare(server.url, store)
        yield server.url, server


def _prepare(url: str, store: str) -> None:
    """Make the tables, and those that show what the jobs did."""
    schema.upgrade(url)
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in (*strategies.SCHEMA, *_PATIENT[store]):
            connection.exec_driver_sql(statement)
    engine.dispose()


class Chaos:
    """The parent of the workers: it makes the jobs, kills, and waits for the end."""

    def __init__(self, place: Place, options: Options, server: Server | None) -> None:
        self.place, self.options, self.server = place, options, server
        self.random = random.Random(options.seed)  # noqa: S311 - no secret
        self.workers: dict[int, int] = {}
        self.sizes: dict[str, int] = {}
        self.started = self.kills = self.db_stops = 0

    def run(self, store: str) -> Verdict:
        """Run it; whatever happens, no process is left."""
        begun = time.monotonic()
        self._make_jobs()
        try:
            ended = self._until(begun + self.options.timeout)
            (self.place.folder / "over").touch()
            self._wait_for_workers()
        finally:
            for pid in list(self.workers):
                self._kill(pid)
        return verdict(
            self.place,
            store=store,
            options=attrs.asdict(self.options),
            sizes=self.sizes,
            seconds=time.monotonic() - begun,
            kills=self.kills,
            db_stops=self.db_stops,
            ended=ended,
        )

    def _until(self, deadline: float) -> bool:
        """Kill and look on until all jobs have ended; False if they did not in time."""
        look = 0.0
        while time.monotonic() < deadline:
            while len(self.workers) < self.options.workers:
                self._start()
            time.sleep(self.options.every)
            self._bury()
            if self.kills < self.options.kills:
                victims = [pid for pid in self.workers if not self.place.is_spared(pid)]
                if victims:
                    self._kill(self.random.choice(victims))
                self._stop_server()
            elif not self.place.calm:
                (self.place.folder / "calm").touch()
            if time.monotonic() >= look:
                look = time.monotonic() + _LOOK
                if self._look():
                    return True
        return False

    def _look(self) -> bool:
        """Return whether all jobs have ended; while there is killing to do, make more."""
        killing = self.kills < self.options.kills
        try:
            with self.place.open() as jobs:
                page = jobs.list(statuses=OPEN, limit=1)
                if killing:
                    self._make(jobs, 2, count=max(0, _BUSY - page.count))
        except StoreUnavailable:
            return False
        return not killing and not page.count

    def _make_jobs(self) -> None:
        with self.place.open() as jobs:
            self._make(jobs, self.options.chunks)
            self._make(jobs, 2, count=self.options.small)
            jobs.create("chaos-poison", {"chunks": 1})

    def _make(self, jobs: BatchJobs, chunks: int, *, count: int = 1) -> None:
        for _ in range(count):
            job = jobs.create("chaos", {"chunks": chunks, "rows": self.options.rows})
            self.sizes[job.id] = chunks

    def _start(self) -> None:
        self.started += 1
        sys.stdout.flush()
        sys.stderr.flush()
        if not (pid := os.fork()):
            status = _BROKEN
            try:
                serve(self.place, self.started)
                status = 0
            except StoreUnavailable:  # while it opened: the next one may have more luck
                status = 0
            except BaseException:  # noqa: BLE001 - nothing may come back into the parent's code
                traceback.print_exc()
            finally:
                os._exit(status)
        self.workers[pid] = self.started

    def _bury(self) -> None:
        for pid in list(self.workers):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self.workers[pid]
                if os.waitstatus_to_exitcode(status) == _BROKEN:
                    raise RuntimeError("a worker ended by an error of its own; it is said above")

    def _kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        del self.workers[pid]
        if os.waitstatus_to_exitcode(status) == -signal.SIGKILL:
            self.kills += 1
            self.place.note("victims", pid)

    def _stop_server(self) -> None:
        """Crash the server when its time has come: the stops are spread over the kills."""
        due = self.options.kills * (self.db_stops + 1) / (self.options.db_stops + 1)
        if self.server and self.db_stops < self.options.db_stops and self.kills >= due:
            self.db_stops += 1
            self.server.crash()

    def _wait_for_workers(self) -> None:
        deadline = time.monotonic() + 15.0
        while self.workers and time.monotonic() < deadline:
            time.sleep(_LOOK)
            self._bury()
