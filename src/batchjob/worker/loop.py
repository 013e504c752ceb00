"""The worker: claims a chunk, has its strategy do it, and commits, fails or releases it."""

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from batchjob.abc import Clock, FileStore, Limits, Store, Strategy
from batchjob.converters import dump_json, plain_json, structure_context
from batchjob.core import faults
from batchjob.core.chunks import Chunk, ChunkKind, Finished, Lease, Part, Planned
from batchjob.core.job import BatchJob
from batchjob.core.results import JobError, Outcomes
from batchjob.errors import (
    BatchJobError,
    InvalidDocument,
    InvalidStrategy,
    LeaseLost,
    Paused,
    Refused,
    ResultNotSerialisable,
    TimeLimit,
    TransientConflict,
)
from batchjob.registry import Registry, context_class
from batchjob.worker.attempts import Watching, watched
from batchjob.worker.faults import backoff, describe, detail, is_final, job_errors
from batchjob.worker.heartbeat import Heartbeat
from batchjob.worker.run import LeasedRun, parts_folder, plan_folder
from batchjob.worker.wholes import check_input

_log = logging.getLogger(__name__)

MAX_CHUNKS: Final = 100_000
"""A plan with more chunks is refused: it would be a mistake, and would starve other jobs."""

MAX_PAYLOAD: Final = 1_000_000
"""Characters of JSON that a chunk's payload may take: each claim of the chunk reads it."""

_HEAVY: Final = 10_000  # of a job's count, in one chunk: so much work is lost with its worker
_STAGED: Final = 1_000  # chunks of a plan that stand in memory
_PAUSES: Final = (0.05, 0.1, 0.2)  # seconds, at most, before a chunk is done again in place


class Worker:
    """Works on chunks of *store*, one at a time; make one for each thread.

    *limits* say what it may claim, *seconds* how long a lease holds. *changed* is called after each
    commit that may have moved a job; *watching* gives what is to be entered around attempts.
    """

    def __init__(
        self,
        *,
        store: Store,
        files: FileStore,
        registry: Registry,
        limits: Limits,
        clock: Clock,
        seconds: float,
        changed: Callable[[], object],
        watching: Watching = lambda *_: (),
    ) -> None:
        self.id = secrets.token_hex(8)  # never a host's name: a restarted host is another worker
        self._store, self._files, self._registry, self._limits = store, files, registry, limits
        self._clock, self._seconds, self._changed = clock, seconds, changed
        self._watching = watching
        self.is_overdue = False  # whether `step` hangs in a chunk that it has given up
        self._held: Lease | None = None
        self._run: LeasedRun[Any] | None = None
        self._known: tuple[BatchJob, Strategy[Any], Any] | None = None
        self._made_by = "", 0  # a job, and the version that its context was made by

    def step(
        self, job_id: str | None = None, *, claimed: Callable[[Lease], object] = lambda _: None
    ) -> ChunkKind | None:
        """Claim and do one chunk (of one job, if named); return its kind, None if there was none.

        *claimed* is called before the chunk is begun. `KeyboardInterrupt` gives the chunk back
        untried and goes on. Whatever else the strategy raises is recorded in the store.
        `StoreUnavailable` if the store is out of reach: then the lease will run out by itself.
        """
        since = time.monotonic()
        lease = self._store.claim(
            self.id,
            limits=self._limits,
            seconds=self._seconds,
            at=self._clock.now(),
            job_id=job_id,
        )
        if lease is None:
            return None
        self._held = lease
        try:
            claimed(lease)
            faults.point("claim.after_commit")
            with Heartbeat(self._store, lease, since=since) as heartbeat:
                self._do(lease, heartbeat)
        except LeaseLost as lost:
            _log.warning("%s", lost)
        except Paused:
            self._store.release(lease)
        except BaseException as error:
            if _is_ctrl_c(error):
                self._store.release(lease)
                raise
            self._fail(lease, error)  # nothing that a strategy raises ends a worker
        finally:
            self._held, self._run, self.is_overdue = None, None, False
        return lease.kind

    def give_back(self) -> bool:
        """Release the chunk that `step` is doing in another thread; return whether there was one.

        Its attempt is not spent, and what the strategy still does with it is refused.
        """
        if (lease := self._held) is None:
            return False
        self._store.release(lease)
        return True

    def _do(self, lease: Lease, heartbeat: Heartbeat) -> None:
        job, strategy, context = self._load(lease)
        with watched(self._watching, job, lease):
            self._attempt(lease, heartbeat, job, strategy, context)
        if lease.kind is ChunkKind.WORK:
            faults.point("work.after_commit")
            return
        self._known = None
        self._changed()
        if lease.kind is ChunkKind.FINISH:
            faults.point("finish.after_commit")
            self._forget(parts_folder(lease.job_id))  # the job's file holds them now

    def _attempt(
        self,
        lease: Lease,
        heartbeat: Heartbeat,
        job: BatchJob,
        strategy: Strategy[Any],
        context: Any,
    ) -> None:
        heartbeat.limit(strategy.time_limit, lambda: self._overdue(lease, strategy))
        pauses = iter(_PAUSES)
        while True:
            run = self._run = LeasedRun(
                lease, job, context, store=self._store, files=self._files, heartbeat=heartbeat
            )
            try:
                with run:
                    done = _PHASES[lease.kind](self, strategy, run, lease)
                    self._store.complete(lease, done, at=self._clock.now(), transaction=run.opened)
                break
            except TransientConflict:  # undone with the transaction: the same attempt goes on
                if run.opened is None or (pause := next(pauses, None)) is None:
                    raise
            time.sleep(random.uniform(0, pause))  # noqa: S311 - no secret
            heartbeat.check()

    def _load(self, lease: Lease) -> tuple[BatchJob, Strategy[Any], Any]:
        """Return the job, its strategy and its context, kept from one chunk to the next."""
        if self._known is None or self._known[0].id != lease.job_id:
            job = self._store.get(lease.job_id)
            strategy = self._registry.resolve(job.batch_type)
            given = self._today(job, strategy)
            context = structure_context(given, context_class(type(strategy)))
            self._check_input(lease, strategy.input_key(context))
            self._known = job, strategy, context
            self._changed()  # a first claim starts the job
        return self._known

    def _check_input(self, lease: Lease, key: str | None) -> None:
        """Raise `InputChanged` if the job's file is not what its plan has read."""
        if key is not None and lease.kind is not ChunkKind.PLAN:
            check_input(self._store, self._files, key)

    def _today(self, job: BatchJob, strategy: Strategy[Any]) -> Any:
        """Return the job's context as today's version of its strategy wants it."""
        if self._made_by[0] != job.id:
            self._made_by = job.id, self._store.terms(job.id).context_version
        _, made_by = self._made_by  # never a newer one: see `Limits`
        return (
            job.context if made_by == strategy.version else strategy.upgrade(job.context, made_by)
        )

    def _plan(self, strategy: Strategy[Any], run: LeasedRun[Any], lease: Lease) -> Planned:
        batch: list[Chunk] = []
        for chunk in _numbered(strategy, strategy.plan(run)):
            if len(batch) == _STAGED:
                run.checkpoint()
                self._store.stage(lease, batch)
                batch = []
            batch.append(chunk)
        if run.amended:  # what does not fit is told here, not to each chunk
            job, _, _ = self._load(lease)
            amended = {**self._today(job, strategy), **run.amended}
            structure_context(amended, context_class(type(strategy)))
        return Planned(
            chunks=batch,
            stat_descriptors=tuple(run.stat_descriptors),
            context=run.amended,
            errors=run.errors,
            file=run.written,
        )

    def _work(self, strategy: Strategy[Any], run: LeasedRun[Any], lease: Lease) -> Part:
        outcomes = strategy.work(run, Chunk(lease.payload, weight=lease.weight, seq=lease.seq))
        if not isinstance(outcomes, Outcomes | None):
            fault = f"work returned {type(outcomes).__name__}, not Outcomes or None"
            raise ResultNotSerialisable(type(strategy).__qualname__, fault)
        return Part(seq=lease.seq, file=run.written, outcomes=outcomes)

    def _finish(self, strategy: Strategy[Any], run: LeasedRun[Any], lease: Lease) -> Finished:
        strategy.finish(run, self._store.parts(lease.job_id))
        return Finished(file=run.written, errors=run.errors)

    def _fail(self, lease: Lease, error: BaseException) -> None:
        tried = f", attempt {lease.attempt} of {lease.max_attempts}"
        place = lease.kind, lease.seq, lease.job_id, " for good" if is_final(error) else tried
        words = "%s %d of job %s failed%s"
        if isinstance(error, Refused):  # where that was raised is no news
            _log.warning(words + ": %s", *place, describe(error.reason))
        else:
            _log.warning(words, *place, exc_info=error)
        self._known = None
        if self._store.fail(
            lease,
            job_errors(lease, error),
            detail=detail(error),
            delay=backoff(lease.attempt),
            give_up=is_final(error),
            at=self._clock.now(),
            file=self._run.written if self._run and lease.kind is ChunkKind.PLAN else None,
        ):
            self._changed()
            if lease.kind is ChunkKind.PLAN:  # nobody can be shown what it would have done
                self._forget(plan_folder(lease.job_id))

    def _overdue(self, lease: Lease, strategy: Strategy[Any]) -> None:
        """Fail a chunk whose time is over, while the thread that does it hangs."""
        self.is_overdue = True
        try:
            self._fail(lease, TimeLimit(lease.kind, lease.seq, strategy.time_limit or 0))
        except BatchJobError as error:  # then the lease runs out
            _log.warning("could not fail a chunk whose time is over: %s", error)

    def _forget(self, folder: str) -> None:
        """Delete what is of no more use; what is left over does no harm."""
        try:
            self._files.delete_all(folder)
        except BatchJobError as error:
            _log.warning("could not delete %s: %s", folder, error)


_PHASES: Final[dict[ChunkKind, Callable[..., Planned | Part | Finished]]] = {
    ChunkKind.PLAN: Worker._plan,  # noqa: SLF001 - its own class
    ChunkKind.WORK: Worker._work,  # noqa: SLF001
    ChunkKind.FINISH: Worker._finish,  # noqa: SLF001
}


def _is_ctrl_c(error: BaseException) -> bool:
    """Tell whether *error* is a signal's: signals come to the main thread only."""
    here = threading.current_thread() is threading.main_thread()
    return isinstance(error, KeyboardInterrupt) and here


def _numbered(strategy: Strategy[Any], chunks: Any) -> Iterator[Chunk]:
    """Yield *chunks* with their numbers and plain payloads, or raise what is wrong with them."""
    name = type(strategy).__qualname__
    try:
        chunks = iter(chunks)
    except TypeError:
        fault = f"plan returned {type(chunks).__name__}; it must yield chunks"
        raise InvalidStrategy(name, fault) from None
    heaviest = 0
    for seq, chunk in enumerate(chunks):
        if seq >= MAX_CHUNKS:
            why = f"the plan has more than {MAX_CHUNKS} chunks; make the chunks larger"
            raise Refused(why, [JobError(code="plan_too_large", message=why)])
        if not isinstance(chunk, Chunk) or type(chunk.weight) is not int or chunk.weight < 0:
            raise InvalidStrategy(name, "plan must yield Chunk values with a weight of 0 or more")
        if heaviest < _HEAVY <= chunk.weight:
            _log.warning(
                "strategy %s: chunk %d has a weight of %d; until all of it is done no progress is "
                "seen, and a crash costs all of it: make the chunks smaller",
                name,
                seq,
                chunk.weight,
            )
        heaviest = max(heaviest, chunk.weight)
        try:
            payload = plain_json(chunk.payload)
        except InvalidDocument as error:
            fault = f"the payload of chunk {seq} is no JSON: {error}"
            raise ResultNotSerialisable(name, fault) from None
        if (size := len(dump_json(payload))) > MAX_PAYLOAD:
            fault = f"the payload of chunk {seq} takes {size} characters, {MAX_PAYLOAD} are the"
            cure = "make the chunks smaller, or keep rows by run.stage and name the file"
            raise ResultNotSerialisable(name, f"{fault} most; {cure}")
        yield attrs.evolve(chunk, payload=payload, seq=seq)
