"""Jobs of a few strategies in a place of their own, done step by step.

Here belongs how such jobs are opened, made and moved on. What is tried with them is said by tests,
and by `batchjob.testing.survival`.
"""

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import attrs

from batchjob.abc import Settings, Strategy
from batchjob.batchjobs import BatchJobs
from batchjob.core.chunks import ChunkKind, Lease
from batchjob.core.job import BatchJob
from batchjob.core.status import OPEN, Status
from batchjob.errors import StoreUnavailable
from batchjob.hookspecs import GROUP, hookimpl
from batchjob.plugins import load
from batchjob.testing.clock import HandClock
from batchjob.testing.patience import NotDone, within
from batchjob.worker import Worker

MEMORY: Final = "memory:"
_ADAPTERS: Final = ("stores", "files")  # of the built-in plugins
_MOST: Final = 10_000  # steps of a job, and times that it is waited for


@attrs.frozen
class Upload:
    """A file that a context names: its bytes, or a text, in place of the key it will have."""

    content: bytes | str
    name: str = "upload.csv"


@attrs.frozen(kw_only=True)
class Step:
    """One attempt at one chunk, and how the job stands after it.

    ``error`` is the text of what the strategy raised, None if the chunk is done. ``done`` of
    ``count`` is how far the work is, by the weights of its chunks.
    """

    kind: ChunkKind
    seq: int
    attempt: int
    error: str | None
    status: Status
    done: int | None
    count: int | None

    def __str__(self) -> str:
        """Say it in a line."""
        ended = "done" if self.error is None else f"failed: {self.error}"
        progress = "" if self.count is None else f", {self.done or 0} of {self.count}"
        return f"{self.kind} {self.seq}, attempt {self.attempt}: {ended}; {self.status}{progress}"


class Harness:
    """Jobs of *strategies*, in memory, whose clock is moved by hand; use it as a context manager.

    *folder* is where files are kept (default: a temporary one). In another *store* than memory
    leases are judged by its own clock, so that a *lease* (in seconds) should be short there. A step
    that is not done after *patience* (in seconds; None: for ever) is `TimeoutError`, which says
    where it is.
    Installed plugins take no part, nor can they disturb: *plugins* gives those that shall, by name.
    ``jobs`` are the `BatchJobs`, ``steps`` what was done so far.
    """

    def __init__(
        self,
        *strategies: Strategy[Any],
        folder: Path | None = None,
        store: str = MEMORY,
        lease: float = 30.0,
        patience: float | None = 60.0,
        plugins: Mapping[str, object] | None = None,
    ) -> None:
        self.clock, self.steps = HandClock(), list[Step]()
        self.is_memory = store == MEMORY
        with ExitStack() as stack:
            home = folder or Path(stack.enter_context(TemporaryDirectory(prefix="batchjob-")))
            settings = Settings(store=store, files=str(home / "files"), lease=lease)
            given = {"tested": _Offer(strategies), **(plugins or {})}
            built_in = distribution("batchjob").entry_points.select(group=GROUP)
            adapters = [point for point in built_in if point.name in _ADAPTERS]
            loaded = load(settings, plugins=given, found=adapters, strict=True)
            opened: Any = loaded.open_store(settings)
            if self.is_memory:
                opened.clock = self.clock.seconds
            self.store = Recorder(opened)
            kept: Any = self.store
            self.jobs = BatchJobs(
                settings=settings,
                store=kept,
                files=loaded.open_files(settings),
                plugins=loaded,
                clock=self.clock,
            )
            stack.callback(self.jobs.close)
            self._stack = stack.pop_all()
        self._strategies, self._patience = strategies, patience
        self._worker = self.jobs.worker()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def strategy(self) -> Strategy[Any]:
        """The (first) strategy."""
        return self._strategies[0]

    def close(self) -> None:
        """Let go of everything; the temporary folder is gone then."""
        self._stack.close()

    def create(
        self,
        context: Mapping[str, Any] | None = None,
        *,
        batch_type: str | None = None,
        **options: Any,
    ) -> BatchJob:
        """Make a job of the (first) strategy; each `Upload` in *context* becomes its key.

        *batch_type* names another one's, *options* are those of `BatchJobs.create`.
        """
        plain = {name: self._given(value) for name, value in (context or {}).items()}
        return self.jobs.create(batch_type or self.strategy.batch_type, plain, **options)

    def step(self, job: BatchJob, *, worker: Worker | None = None) -> Step | None:
        """Do one chunk of a job; None if there is none to be done now."""
        leases = list[Lease]()
        self.store.errors.clear()
        begun = partial((worker or self._worker).step, job.id, claimed=leases.append)
        try:
            kind = within(self._patience, begun)
        except NotDone as error:
            what = f"{leases[0].kind} {leases[0].seq}" if leases else "the claim"
            raise TimeoutError(f"{what} {error}") from None
        if kind is None:
            self.jobs.sweep()
            return None
        (lease,) = leases
        after = self.jobs.get(job.id)
        made = Step(
            kind=lease.kind,
            seq=lease.seq,
            attempt=lease.attempt,
            error=self.store.errors[-1] if self.store.errors else None,
            status=after.status,
            done=after.result.advancement_count if after.result else None,
            count=after.result.count if after.result else None,
        )
        self.steps.append(made)
        return made

    def go_on(self, job: BatchJob) -> BatchJob:
        """Do all that there is to be done for a job, and return it.

        Where it waits for a retry or for a lease to end, the clock is moved. It is `TimeoutError`
        if the job does not come to an end, or to where somebody has to move it.
        """
        worker = self.jobs.worker()
        for _ in range(_MOST):
            job = self.jobs.get(job.id)
            if job.status not in OPEN or self._waits(job):
                return job
            if self.step(job, worker=worker) is None:
                self.pass_time(job)
        raise TimeoutError(f"the job is {job.status} after {_MOST} steps")

    def run(self, context: Mapping[str, Any] | None = None, **options: Any) -> BatchJob:
        """Make a job as `create` does, and do all of it; one that waits is confirmed."""
        return to_end(self, self.create(context, **options))

    def pass_time(self, job: BatchJob) -> None:
        """Let pass what has to pass until a chunk of *job* may be claimed."""
        left = self.jobs.store.next_claim(job.id)
        seconds = self.jobs.settings.lease if left is None else left
        if self.is_memory:
            self.clock.move(seconds + 0.001)
        else:
            time.sleep(seconds + 0.01)

    def result(self, job: BatchJob) -> bytes:
        """Return the bytes of a job's file."""
        with self.jobs.open_result(job.id) as file:
            return file.read()

    def _given(self, value: Any) -> Any:
        if not isinstance(value, Upload):
            return value
        content = value.content.encode() if isinstance(value.content, str) else value.content
        return self.jobs.upload(io.BytesIO(content), value.name).key

    def _waits(self, job: BatchJob) -> bool:
        standing = self.jobs.standing(job.id)
        return job.status is Status.PRE_PROCESSED or standing.paused_at is not None


def to_end(harness: Harness, job: BatchJob) -> BatchJob:
    """Do all of a job, and return it; one that waits to be confirmed is confirmed."""
    job = harness.go_on(job)
    if job.status is Status.PRE_PROCESSED:
        job = harness.go_on(harness.jobs.confirm(job.id))
    return job


class _Offer:
    """The plugin that offers what is tested."""

    def __init__(self, strategies: tuple[Strategy[Any], ...]) -> None:
        self._strategies = strategies

    @hookimpl
    def batchjob_strategies(self, settings: Settings) -> list[Strategy[Any]]:
        """Offer them."""
        return list(self._strategies)


class Recorder:
    """Stands for *store*: knows the errors that it is told, and whether a transaction is open.

    Once it is ``dead``, as to a process that was killed, it answers nothing more.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        self.errors = list[str]()
        self.open, self.dead = 0, False

    def __getattr__(self, name: str) -> Any:
        if self.dead:
            raise StoreUnavailable("the process that asks was killed")
        return getattr(self._store, name)

    def fail(self, lease: Lease, errors: Any, **more: Any) -> Any:
        """Remember the error, and fail the chunk."""
        failed = self.__getattr__("fail")(lease, errors, **more)
        self.errors.append(more["detail"])
        return failed

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Open a transaction of the store."""
        with self.__getattr__("transaction")() as opened:
            self.open += 1
            try:
                yield opened
            finally:
                self.open -= 1
