"""What a service calls: jobs made, listed, confirmed, worked on and read, on the stores it has.

Nothing here knows HTTP, a terminal, or any one store.
"""

import copy
import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from os import PathLike, fspath
from types import MappingProxyType
from typing import Final, Literal, Self

import attrs

from batchjob._typing import Json, JsonObject
from batchjob.abc import (
    Clock,
    Cursor,
    Engine,
    FileStore,
    JobPage,
    JobQuery,
    Limits,
    Settings,
    Store,
    TimeRange,
)
from batchjob.batchjobs.arguments import check, statuses_of
from batchjob.batchjobs.files import Files
from batchjob.batchjobs.permissions import Permissions
from batchjob.batchjobs.previews import Previews, has_preview, has_template
from batchjob.batchjobs.requests import check_input_key, digest, exclusive_key, plain_context
from batchjob.batchjobs.tokens import Tokens
from batchjob.batchjobs.values import BatchType, SystemClock, checked
from batchjob.converters import json_schema, structure_context
from batchjob.core import faults
from batchjob.core.actions import Action
from batchjob.core.events import Event
from batchjob.core.ids import is_job_id
from batchjob.core.ids import job_id as make_job_id
from batchjob.core.job import BatchJob, Terms
from batchjob.core.standing import Standing, Wait
from batchjob.core.status import OPEN, RETRIABLE, Status
from batchjob.core.times import to_epoch_ms
from batchjob.errors import InvalidState, UnknownJob
from batchjob.plugins import Plugins, load
from batchjob.registry import context_class
from batchjob.worker import Worker, WorkerPool
from batchjob.worker.listening import Teller
from batchjob.worker.run import CheckRun
from batchjob.worker.upkeep import Upkeep

_log = logging.getLogger(__name__)

_DEFAULTS: Final = Settings()
_LOOK: Final = 1.0  # seconds between looks at a job that somebody else works on, at most
_SOMEBODY: Final = (Wait.CONFIRMATION, Wait.RESUME)  # no worker can do that
_SOON: Final = 0.02  # and at least
_ANY_TIME: Final[Mapping[str, TimeRange]] = MappingProxyType({})


class BatchJobs(Files, Previews, Tokens):
    """The jobs of one store, with the strategies that its plugins offer.

    Make it with `BatchJobs.open`; it is safe to use from threads, and a context manager. Every
    verb takes ``actor=``, the id of who asks: an actor sees and changes only the jobs that it
    made, unless the hook `batchjob_allows` says otherwise. What it does not allow is `UnknownJob`
    for a job that the actor may not see, and `Forbidden` for one that it sees. Without an actor
    the caller is trusted code, and may do all. What is of another kind than a verb takes is
    `InvalidArgument`.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        files: FileStore,
        plugins: Plugins,
        clock: Clock | None = None,
        random_bits: Callable[[int], int] = secrets.randbits,
        only_here: Iterable[str] = (),
    ) -> None:
        self.settings, self.store, self.files, self.plugins = settings, store, files, plugins
        self.clock = SystemClock() if clock is None else clock
        self._bits = random_bits
        self.permissions = Permissions(plugins)
        self._only_here = tuple(only_here)  # what another process would not have
        self._teller = Teller(store, plugins)
        self._upkeep = Upkeep(
            store,
            files,
            clock=self.clock,
            limits=self.limits(),
            teller=self._teller,
            retention=settings.retention,
        )
        self._engine = plugins.open_engine(settings, self)
        self._teller.tell()  # from now on: listeners that are new hear of nothing older
        if self._engine is not None and self._upkeep.has_unfinished():
            with self._only_logged("could not start the engine"):
                self._engine.start()

    @classmethod
    def open(
        cls,
        store: str = _DEFAULTS.store,
        *,
        files: str | PathLike[str] = _DEFAULTS.files,
        catalog: str | None = None,
        engine: str | None = None,
        lease: float = _DEFAULTS.lease,
        actor_jobs: int | None = None,
        retention: float | None = None,
        options: Mapping[str, str] | None = None,
        plugins: Mapping[str, object] | None = None,
        disable: Iterable[str] = (),
        strict: bool = False,
        clock: Clock | None = None,
    ) -> "BatchJobs":
        """Open the jobs in *store*, a URL such as ``sqlite:///batchjob.db`` or ``memory:``.

        *files* is the folder or URL where files live; *catalog* the URL of the product catalogue
        (default: the store's database); *engine* who is told of new work (default: nobody, until
        `work` or a worker looks); *lease* seconds that a chunk is a worker's without a heartbeat,
        3 or more; *actor_jobs* how many jobs of one actor may be processed at once (default: any
        number); *retention* the seconds that workers keep ended jobs (default: for ever; a day or
        more otherwise); *options* what plugins read of their own. *plugins* adds plugins by name to
        the installed ones, *disable* leaves some out, and *strict* raises the first problem with
        one.

        Raises `UnknownScheme`, `InvalidSetting`, `StoreUnavailable`, `StoreTooNew`,
        `MissingExtra`.
        """
        settings = Settings(
            store=store,
            files=fspath(files) if isinstance(files, PathLike) else files,
            catalog=catalog,
            engine=engine,
            lease=lease,
            actor_jobs=actor_jobs,
            retention=retention,
            options=options or {},
        )
        return cls.of(settings, plugins=plugins, disable=disable, strict=strict, clock=clock)

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        plugins: Mapping[str, object] | None = None,
        disable: Iterable[str] = (),
        strict: bool = False,
        clock: Clock | None = None,
    ) -> "BatchJobs":
        """Open the jobs of *settings*; as `open`, whose arguments they are."""
        check(plugins=plugins, disable=disable)
        disabled = tuple(disable)
        found = load(checked(settings), plugins=plugins, disable=disabled, strict=strict)
        return cls(
            settings=settings,
            store=found.open_store(settings),
            files=found.open_files(settings),
            plugins=found,
            clock=clock,
            only_here=[
                *(f"the plugin {name} is an object of this process" for name in plugins or ()),
                *(f"the plugin {name} is left out here" for name in disabled),
                *(["the clock is an object of this process"] if clock else []),
            ],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections, threads and processes."""
        if self._engine is not None:
            self._engine.close()
        self.plugins.registry.close()
        self.store.close()

    def types(self) -> tuple[BatchType, ...]:
        """Return the batch types that jobs can be made of, sorted by name."""
        strategies = map(self.plugins.registry.resolve, self.plugins.registry.batch_types)
        return tuple(
            BatchType(
                type=strategy.batch_type,
                version=strategy.version,
                context_schema=json_schema(context_class(type(strategy))),
                preview=has_preview(strategy),
                template=has_template(strategy),
            )
            for strategy in strategies
        )

    def create(
        self,
        batch_type: str,
        context: object = None,
        *,
        dry_run: bool = False,
        actor: str | None = None,
        idempotency_key: str | None = None,
    ) -> BatchJob:
        """Make a job and return it.

        *context* is a JSON object or a value of the strategy's context class. With *dry_run* the
        job waits to be confirmed once it is planned. An *idempotency_key* names the request: asked
        again by the same actor, the job of the first time is returned as it stands.

        `UnknownBatchType`, `AmbiguousBatchType`, `InvalidContext` (all faults at once),
        `IdempotencyConflict` (the key was used for another request), or what the strategy's own
        check raises.
        """
        check(dry_run=dry_run, actor=actor, idempotency_key=idempotency_key)
        known = self.plugins.registry.resolve(batch_type).batch_type
        self.permissions.check_create(actor, known)
        plain = plain_context({} if context is None else context)
        request: Json = [batch_type, plain, dry_run]
        terms = Terms(
            idempotency_key=idempotency_key,
            request_hash=None if idempotency_key is None else digest(request),
        )
        return self._create(batch_type, plain, terms, dry_run=dry_run, actor=actor)

    def retry(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Make a new job that tries the work of a failed one again, and return it.

        It has the batch type, the context and the dry run of the failed job, and names it
        (`Standing.retry_of`). `InvalidState` (verb retry) if that job did not fail; raises as
        `get` and `create`.
        """
        job = self._allowed(job_id, actor, "retry")
        if job.status not in RETRIABLE:
            raise InvalidState(job_id, "retry", job.status, RETRIABLE)
        context = self.store.sent_context(job_id)
        terms = Terms(retry_of=job_id)
        return self._create(
            job.batch_type, context, terms, dry_run=job.dry_run, actor=job.created_by
        )

    def _create(
        self, batch_type: str, plain: JsonObject, terms: Terms, *, dry_run: bool, actor: str | None
    ) -> BatchJob:
        strategy = self.plugins.registry.resolve(batch_type)
        structured = structure_context(plain, context_class(type(strategy)))
        now = self.clock.now()
        job = BatchJob(
            id=make_job_id(to_epoch_ms(now), self._bits(80)),
            batch_type=batch_type,
            created_by=actor,
            context=plain,
            dry_run=dry_run,
            created_at=now,
            updated_at=now,
        )
        strategy.check(structured, CheckRun(job, structured, store=self.store, files=self.files))
        check_input_key(strategy, structured)
        terms = attrs.evolve(
            terms,
            context_version=strategy.version,
            exclusive_key=exclusive_key(strategy, structured),
        )
        return self._nudged(self.store.create(job, terms))

    def get(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Return a job as it stands; `UnknownJob` if there is none that the actor may see."""
        check(job_id=job_id, actor=actor)
        if not is_job_id(job_id):  # one job has one id, and the store is not asked for others
            raise UnknownJob(job_id)
        job = self.store.get(job_id)
        self.permissions.check_seen(job, actor)
        return job

    def list(
        self,
        *,
        batch_types: Sequence[str] = (),
        statuses: Sequence[Status] = (),
        ids: Sequence[str] = (),
        times: Mapping[str, TimeRange] = _ANY_TIME,
        order: str = "-created_at",
        after: Cursor | None = None,
        limit: int = 10,
        offset: int = 0,
        actor: str | None = None,
    ) -> JobPage:
        """Return a page of the jobs of these types, statuses, ids and times (none: all).

        *times* has a `TimeRange` by the name of each time, such as ``created_at``. *order* is
        ``created_at`` or ``updated_at``, with ``-`` for the newest first. *after* is the last job
        of the page before, as a `Cursor`: so the last page of a long list costs what the first
        does, which *offset* does not do. `UnknownName` for another time, order or status.
        """
        check(batch_types=batch_types, statuses=statuses, ids=ids, actor=actor)
        check(limit=limit, offset=offset)
        query = JobQuery(
            batch_types=tuple(batch_types),
            statuses=statuses_of(statuses),
            ids=tuple(filter(is_job_id, ids)),
            times=times,
            order=order,
            after=after,
            created_by=actor,
            limit=limit,
            offset=offset,
        )
        if ids and not query.ids:  # no job has such an id, and no ids would mean any
            return JobPage(jobs=(), count=0)
        known = {*self.plugins.registry.batch_types, *query.batch_types}
        return self.store.list(self.permissions.seen(query, known))

    def events(self, job_id: str, *, actor: str | None = None) -> Sequence[Event]:
        """Return the transitions of a job, in order; raises as `get`."""
        return self.store.events(self.get(job_id, actor=actor).id)

    def confirm(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Confirm a job that waits for it; `InvalidState` if it does not, or as `get`."""
        return self._nudged(self._move(job_id, "confirm", actor))

    def cancel(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Cancel a job that has not ended, at once; `InvalidState` if it has, or as `get`."""
        return self._move(job_id, "cancel", actor)

    def pause(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Let no chunk of an open job begin until it is resumed; raises as `cancel`.

        A chunk that is being done ends, or stops at its next checkpoint and is done anew later.
        """
        self._allowed(job_id, actor, "pause")
        job = self.store.pause(job_id, at=self.clock.now(), actor=actor)
        self._teller.tell()
        return job

    def resume(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Let a paused job go on where it was; raises as `cancel`."""
        self._allowed(job_id, actor, "resume")
        return self._nudged(self.store.resume(job_id, at=self.clock.now(), actor=actor))

    def standing(self, job_id: str, *, actor: str | None = None) -> Standing:
        """Return what a job waits for, and what is left of it; raises as `get`.

        Which batch types have a strategy is said of the plugins here.
        """
        self.get(job_id, actor=actor)
        return self.store.standing(job_id, limits=self.limits())

    def work(
        self,
        job_id: str,
        *,
        until: Status | None = None,
        watch: Callable[[BatchJob], object] = lambda _: None,
        actor: str | None = None,
    ) -> BatchJob:
        """Work on a job here, until it ends, has to be confirmed or resumed, or is *until*.

        Chunks that other workers hold are waited for. *watch* is called with the job after each
        chunk. Raises as `get`, and `UnknownBatchType` if no strategy here can do it.
        """
        job = self.get(job_id, actor=actor)
        self.plugins.registry.resolve(job.batch_type)
        worker, pause, idle = self.worker(), threading.Event(), _SOON
        while job.status in OPEN and job.status != until:
            if worker.step(job_id):
                idle = _SOON
            else:
                self._upkeep.sweep()  # what no worker can end is ended here
                standing = self.store.standing(job_id, limits=self.limits())
                if standing.wait in _SOMEBODY or standing.wait is Wait.STRATEGY:
                    return self.store.get(job_id)
                pause.wait(min(_LOOK, max(standing.seconds or 0, idle)))
                idle = min(_LOOK, idle * 2)
            job = self.store.get(job_id)
            watch(job)
        return job

    def wait(
        self, job_id: str, *, timeout: float | None = None, actor: str | None = None
    ) -> BatchJob:
        """Wait until others have ended the job, or it waits to be confirmed, and return it.

        After *timeout* seconds the job is returned as it is then. Raises as `get`.
        """
        check(timeout=timeout)
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        pause = threading.Event()
        while (job := self.get(job_id, actor=actor)).status in OPEN:
            left = deadline - time.monotonic()
            if left <= 0:
                return job
            self._upkeep.sweep()
            if self.store.standing(job_id, limits=self.limits()).wait in _SOMEBODY:
                return self.store.get(job_id)
            pause.wait(min(_LOOK / 5, left))
        return job

    def limits(self) -> Limits:
        """Return what a worker here may claim."""
        registry = self.plugins.registry
        versions = {name: registry.resolve(name).version for name in registry.batch_types}
        return Limits(batch_types=versions, actor_jobs=self.settings.actor_jobs)

    def worker(self, *, batch_types: Sequence[str] = ()) -> Worker:
        """Return a worker on the jobs of the store, of these types or all; for one thread."""
        check(batch_types=batch_types)
        limits = self.limits()
        if batch_types:
            chosen = {self.plugins.registry.resolve(name).batch_type for name in batch_types}
            versions = {n: v for n, v in limits.batch_types.items() if n in chosen}
            limits = attrs.evolve(limits, batch_types=versions)
        return Worker(
            store=self.store,
            files=self.files,
            registry=self.plugins.registry,
            limits=limits,
            clock=self.clock,
            seconds=self.settings.lease,
            changed=self._teller.tell,
            watching=self.plugins.watching,
        )

    def pool(self, *, threads: int, batch_types: Sequence[str] = ()) -> WorkerPool:
        """Return *threads* workers, with a sweeper beside them; `WorkerPool.start` starts them."""
        check(threads=threads, batch_types=batch_types)
        return WorkerPool(lambda: self.worker(batch_types=batch_types), self.sweep, threads=threads)

    @property
    def not_elsewhere(self) -> str | None:
        """Why another process could not be given the same jobs, None if it could."""
        if self._only_here:
            return self._only_here[0]
        if self.settings.store.startswith("memory"):
            return "the store is in the memory of this process"
        return None

    def sweep(self) -> None:
        """End what no worker can end, tell listeners, and remind the engine of what waits.

        Workers do so every few seconds, and purge by the retention of the settings; it is needed
        where there are none.
        """
        self._upkeep.sweep()
        if self._engine is not None:
            with self._only_logged("could not remind the engine"):
                self._engine.remind(self.claimable())

    def claimable(self) -> Sequence[str]:
        """Return the ids of open jobs that have a chunk to claim now, a hundred at most.

        Where more jobs are open, other ones are looked at each time.
        """
        return self._upkeep.claimable()

    def purge(self, *, older_than: timedelta) -> int:
        """Forget jobs that ended longer ago than *older_than*, with their files; return how many.

        Open jobs are never purged.
        """
        check(older_than=older_than)
        return self._upkeep.purge(older_than)

    def _allowed(self, job_id: str, actor: str | None, action: Action) -> BatchJob:
        """Return a job that the actor may do this to; `UnknownJob` or `Forbidden` otherwise."""
        check(actor=actor)
        job = self.get(job_id)
        self.permissions.check(job, actor, action)
        return job

    def _move(self, job_id: str, verb: Literal["confirm", "cancel"], actor: str | None) -> BatchJob:
        self._allowed(job_id, actor, verb)
        job = self.store.move(job_id, verb, at=self.clock.now(), actor=actor)
        if verb == "confirm":
            faults.point("confirm.after_commit")
        self._teller.tell()
        return job

    def with_engine(self, changed: Callable[[Engine | None], Engine | None]) -> "BatchJobs":
        """Return the same jobs with the engine that *changed* makes of theirs, None for none.

        For callers that must not wait for an engine which works while it is nudged, or that work
        on the jobs themselves. The jobs that were opened are the ones to be closed.
        """
        others = copy.copy(self)
        others._engine = changed(self._engine)  # noqa: SLF001 - its own kind
        return others

    def _nudged(self, job: BatchJob) -> BatchJob:
        """Tell listeners and the engine of *job*, and return it as it stands after that."""
        self._teller.tell()
        if self._engine is None:
            return job
        with self._only_logged(f"could not nudge the engine for job {job.id}"):
            self._engine.nudge(job.id)
        return self.store.get(job.id) if self._engine.works_at_once else job

    @contextmanager
    def _only_logged(self, problem: str) -> Iterator[None]:
        """Log whatever an engine raises: the store has the jobs, and workers look there."""
        try:
            yield
        except Exception:  # noqa: BLE001 - the jobs are safe
            _log.exception(problem)
