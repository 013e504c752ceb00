"""The crash suite: whatever happens to a job, it ends as one does that nothing happened to.

A strategy is run undisturbed first. Then one thing goes wrong in each run, at each place where it
can, and the end is compared: status, numbers, errors, preview, file, and what the strategy changed
elsewhere. Each promise is a sentence of ``PROMISES``, which a broken one is named by.
"""

import hashlib
import inspect
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import attrs

from batchjob.abc import Strategy
from batchjob.batchjobs import BatchJobs
from batchjob.core import faults
from batchjob.core.job import BatchJob
from batchjob.core.status import OPEN, Status
from batchjob.errors import BatchJobError, StoreUnavailable
from batchjob.testing.harness import MEMORY, Harness, to_end

Make = Callable[[Path], Strategy[Any]] | Callable[[], Strategy[Any]]
Effects = Callable[[Path], object]

PROMISES: Final[Mapping[str, str]] = {
    "again": "a job that is done again ends in the same way",
    "at once": "two jobs at once do not disturb each other",
    "killed": "a kill at any point costs an attempt and nothing else",
    "twice": "a chunk that another worker took over is done once",
    "paused": "a job that is paused at any point goes on where it was",
    "canceled": "a job that is canceled at any point ends so, and leaves no file",
}
"""What is promised of every strategy, by short names."""

_LEASE: Final = 0.3  # seconds, where they pass by themselves
_OFTEN: Final = 3  # a point is tried the first times that it is reached, and no more
_COPIED: Final = (dict, list, set, int, float, str)  # compared by value, not by identity
_CLAIMED: Final = "claim.after_commit"
_WRITING: Final = frozenset(  # where the store itself is in the middle of a transaction
    {"claim.before_commit", "plan.rows_inserted", "work.before_commit", "finish.before_commit"}
)


class Killed(BaseException):
    """Ends a worker as a kill would: nothing that it does afterwards reaches the store."""


@attrs.frozen(kw_only=True)
class End:
    """How a job ended, so that two jobs can be compared; ``effects`` is what else it left."""

    status: str
    numbers: object
    errors: object
    preview: object
    file: object
    effects: object

    def differs(self, other: "End") -> str:
        """Return what *other* has differently, in words; nothing if it is the same."""
        pairs = zip(attrs.asdict(self).items(), attrs.asdict(other).values(), strict=True)
        return "; ".join(
            f"its {name} is {there!r} instead of {mine!r}"
            for (name, mine), there in pairs
            if mine != there
        )


def assert_survives(
    make: Make,
    context: Mapping[str, Any] | None = None,
    *,
    effects: Effects | None = None,
    promises: Iterable[str] = tuple(PROMISES),
    stores: Iterable[str] = ("memory", "sqlite"),
    dry_run: bool = False,
    patience: float | None = 60.0,
) -> None:
    """Prove that jobs of a strategy survive crashes; `AssertionError` says what was broken, where.

    *make*, a class will do, makes the strategy anew for each run, given the folder of that run if
    it takes it: on SQLite the store is ``jobs.db`` in it. *effects* is called with the same folder
    when a job has ended, and returns whatever the strategy changed outside of its file, to be
    compared. *context* may hold `Upload`. The *promises* are keys of ``PROMISES``; *dry_run* has
    jobs wait to be confirmed, and confirms them; *patience* is that of `Harness`.
    """
    for store in stores:
        trial = _Trial(make, context or {}, effects, store, dry_run=dry_run, patience=patience)
        for promise in promises:
            trial.check(promise)


class _Trial:
    """One strategy on one kind of store."""

    def __init__(
        self,
        make: Make,
        context: Mapping[str, Any],
        effects: Effects | None,
        store: str,
        *,
        dry_run: bool,
        patience: float | None,
    ) -> None:
        self._make, self._context, self._effects = make, context, effects
        self._store, self._dry_run, self._patience = store, dry_run, patience
        self._reached = Counter[str]()
        self._empty: bytes | None = None  # a SQLite store with its tables, made once
        with self._scene() as here, _at(lambda point: self._reached.update((point,))):
            self._quiet = here.end(here.harness.run(context, dry_run=dry_run))
        if self._quiet.status != Status.COMPLETED:
            raise AssertionError(f"undisturbed, the job is {self._quiet}")

    def check(self, promise: str) -> None:
        """Try one promise everywhere; `AssertionError` names it."""
        tries: Mapping[str, Callable[[], Iterator[str]]] = {
            "again": self._again,
            "at once": self._at_once,
            "killed": lambda: self._disturbed(self._killed),
            "twice": lambda: self._disturbed(self._twice, only=_CLAIMED),
            "paused": lambda: self._disturbed(self._paused),
            "canceled": lambda: self._disturbed(self._canceled),
        }
        for found in tries[promise]():
            raise AssertionError(f"broken on {self._store}: {PROMISES[promise]}; {found}")

    @contextmanager
    def _scene(self) -> Iterator["_Scene"]:
        with TemporaryDirectory(prefix="batchjob-") as name:
            folder = Path(name)
            url = MEMORY if self._store == "memory" else f"sqlite:///{self._database(folder)}"
            strategy = _made(self._make, folder)
            with Harness(
                strategy, folder=folder, store=url, lease=_LEASE, patience=self._patience
            ) as harness:
                yield _Scene(harness, folder, self._effects, strategy, _state(strategy))

    def _database(self, folder: Path) -> Path:
        path = folder / "jobs.db"
        if self._empty is None:
            BatchJobs.open(f"sqlite:///{path}", files=str(folder / "files")).close()
            self._empty = path.read_bytes()
        path.write_bytes(self._empty)
        return path

    def _again(self) -> Iterator[str]:
        with self._scene() as here:
            again = here.harness.run(self._context, dry_run=self._dry_run)
            if found := self._quiet.differs(here.end(again)):
                yield f"done again in another place, {found}"

    def _at_once(self) -> Iterator[str]:
        if self._effects is not None:
            return  # two jobs may rightly leave something else than one
        with self._scene() as here:
            harness = here.harness
            jobs = [harness.create(self._context, dry_run=self._dry_run) for _ in range(2)]
            for _ in range(10_000):
                jobs = [harness.jobs.get(job.id) for job in jobs]
                steps = [harness.step(job) for job in jobs if job.status in OPEN]
                for job in jobs:
                    if harness.jobs.get(job.id).status is Status.PRE_PROCESSED:
                        harness.jobs.confirm(job.id)
                        steps.append(None)
                if not steps:
                    break
            for job in map(harness.go_on, jobs):
                if found := self._quiet.differs(here.end(job)):
                    yield f"done chunk by chunk in turns with another one, {found}{here.kept()}"

    def _disturbed(
        self, disturb: Callable[["_Scene", BatchJob, str], object], *, only: str = ""
    ) -> Iterator[str]:
        """Run a job for each place at which it can be disturbed; yield what ended otherwise."""
        for point, often in self._reached.items():
            if point.startswith("confirm") or (only and point != only):
                continue
            for times in range(1, min(often, _OFTEN) + 1):
                with self._scene() as here:
                    if (found := self._disturbed_at(here, disturb, point, times)) is not None:
                        yield f"at {point}, time {times}, {found}"

    def _disturbed_at(
        self,
        here: "_Scene",
        disturb: Callable[["_Scene", BatchJob, str], object],
        point: str,
        times: int,
    ) -> str | None:
        job = here.harness.create(self._context, dry_run=self._dry_run)
        left = [times]

        def reached(name: str) -> None:
            if name == point and left[0]:
                left[0] -= 1
                if not left[0]:
                    disturb(here, job, point)

        with _at(reached):
            here.until_disturbed(job, lambda: not left[0])
        here.harness.store.dead = False
        if here.canceled and here.harness.jobs.get(job.id).status is not Status.CANCELED:
            return f"it is {here.harness.jobs.get(job.id).status}"
        if here.is_paused(job):
            here.harness.jobs.resume(job.id)
        end = here.end(to_end(here.harness, job))
        if end.status == Status.CANCELED:
            return "there is a file" if end.file else None
        found = self._quiet.differs(end)
        return f"{found}{here.kept()}" if found else None

    def _killed(self, here: "_Scene", job: BatchJob, point: str) -> None:
        here.harness.store.dead = True
        raise Killed(point)

    def _twice(self, here: "_Scene", job: BatchJob, point: str) -> None:
        here.harness.pass_time(job)
        here.harness.step(job, worker=here.harness.jobs.worker())

    def _paused(self, here: "_Scene", job: BatchJob, point: str) -> None:
        if here.is_free(job, point):
            here.harness.jobs.pause(job.id)
            here.let_be_seen(point)

    def _canceled(self, here: "_Scene", job: BatchJob, point: str) -> None:
        if here.is_free(job, point):
            here.canceled = True
            here.harness.jobs.cancel(job.id)
            here.let_be_seen(point)


@attrs.define
class _Scene:
    """One run's place."""

    harness: Harness
    folder: Path
    effects: Effects | None
    strategy: Strategy[Any]
    state: Mapping[str, object]
    canceled: bool = False

    def kept(self) -> str:
        """Return, in words, what the strategy has kept on itself while it worked, if anything."""
        changed = [
            name
            for name, now in _state(self.strategy).items()
            if name not in self.state
            or (now != self.state[name] if type(now) in _COPIED else now is not self.state[name])
        ]
        if not changed:
            return ""
        names = ", ".join(f"self.{name}" for name in changed)
        return f"; meanwhile it has changed {names}, which no other worker sees"

    def is_free(self, job: BatchJob, point: str) -> bool:
        """Tell whether somebody else can move a job at a point: no transaction is open there."""
        if self.harness.store.open or point in _WRITING:
            return False
        return self.harness.jobs.get(job.id).status in OPEN

    def is_paused(self, job: BatchJob) -> bool:
        """Tell whether a job has to be resumed."""
        is_open = self.harness.jobs.get(job.id).status in OPEN
        return is_open and self.harness.jobs.standing(job.id).paused_at is not None

    def let_be_seen(self, point: str) -> None:
        """Wait until the chunk's heartbeat knows, if the strategy asks for it now."""
        if point == "run.checkpoint":
            time.sleep(_LEASE / 2)

    def until_disturbed(self, job: BatchJob, is_disturbed: Callable[[], bool]) -> None:
        """Work on a job until it was disturbed, or has ended."""
        while not is_disturbed():
            try:
                step = self.harness.step(job)
            except (Killed, StoreUnavailable):
                return
            status = self.harness.jobs.get(job.id).status
            if status is Status.PRE_PROCESSED:
                self.harness.jobs.confirm(job.id)
            elif status not in OPEN:
                return
            elif step is None:
                self.harness.pass_time(job)

    def end(self, job: BatchJob) -> End:
        """Return how a job has ended."""
        result = job.result
        return End(
            status=str(job.status),
            numbers=result and (result.count, result.advancement_count, result.outcomes),
            errors=result and tuple((e.code, e.row, e.column, e.message) for e in result.errors),
            preview=result and tuple(result.stat_descriptors),
            file=self._file(job),
            effects=self.effects(self.folder) if self.effects else None,
        )

    def _file(self, job: BatchJob) -> object:
        if job.result is None or job.result.file_key is None:
            return None
        try:
            content = self.harness.result(job)
        except BatchJobError as error:
            return type(error).__name__
        short = content[:200].decode(errors="replace")
        return len(content), hashlib.sha256(content).hexdigest()[:12], short


def _state(strategy: Strategy[Any]) -> Mapping[str, object]:
    """Return the attributes of a strategy, such that it can be told later which have changed."""
    return {
        name: copy(value) if type(value) in _COPIED else value
        for name, value in vars(strategy).items()
    }


def _made(make: Any, folder: Path) -> Strategy[Any]:
    try:
        inspect.signature(make).bind(folder)
    except TypeError:
        made: Strategy[Any] = make()
    else:
        made = make(folder)
    return made


@contextmanager
def _at(reached: Callable[[Any], object]) -> Iterator[None]:
    """Have *reached* called wherever a crash is worth trying."""
    before = faults.point
    faults.point = reached
    try:
        yield
    finally:
        faults.point = before
