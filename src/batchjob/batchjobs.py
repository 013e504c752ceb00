"""What a service calls: jobs made, listed, confirmed, worked on and read, on the stores it has.

Nothing here knows HTTP, a terminal, or any one store.
"""

import logging
import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import BinaryIO, Final, Self

import attrs

from batchjob._typing import Json
from batchjob.abc import Clock, FileStore, JobPage, JobQuery, Settings, Store
from batchjob.converters import context_to_json, json_schema, plain_json, structure_context
from batchjob.core.events import Event
from batchjob.core.files import FileRecord, StoredFile
from batchjob.core.ids import is_job_id, ulid
from batchjob.core.ids import job_id as make_job_id
from batchjob.core.job import BatchJob
from batchjob.core.status import OPEN, Status, Verb
from batchjob.core.times import to_epoch_ms
from batchjob.errors import (
    InvalidContext,
    InvalidDocument,
    InvalidSetting,
    NoResult,
    UnknownJob,
)
from batchjob.plugins import Plugins, load
from batchjob.registry import context_class
from batchjob.worker import Worker
from batchjob.worker.run import CheckRun, Digest

MIN_LEASE: Final = 3.0
"""The shortest lease, in seconds: below it a busy machine loses leases that it works on."""

_log = logging.getLogger(__name__)
_LOOK: Final = 1.0  # seconds between looks at a job that somebody else works on, at most
_SOON: Final = 0.02  # and at least
_BLOCK: Final = 1 << 20


class SystemClock(Clock):
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)


@attrs.frozen(kw_only=True)
class BatchType:
    """A batch type that jobs can be made of: its name, its version, and its context's schema."""

    type: str
    version: int
    context_schema: Mapping[str, Json]


class BatchJobs:
    """The jobs of one store, with the strategies that its plugins offer.

    Make it with `BatchJobs.open`; it is safe to use from threads, and a context manager. Every
    verb takes ``actor=``, the id of who asks: an actor sees and changes only the jobs that it
    made. Without one the caller is trusted code, and sees all.
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
    ) -> None:
        self.settings, self.store, self.files, self.plugins = settings, store, files, plugins
        self.clock = SystemClock() if clock is None else clock
        self._bits = random_bits
        self._told: dict[str, int] = {}
        self._telling = threading.Lock()
        self._engine = plugins.open_engine(settings, self._work_for_engine)

    @classmethod
    def open(
        cls,
        store: str = Settings().store,
        *,
        files: str = Settings().files,
        catalog: str | None = None,
        engine: str | None = None,
        lease: float = Settings().lease,
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
        3 or more; *options* what plugins read of their own. *plugins* adds plugins by name to the
        installed ones, *disable* leaves some out, and *strict* raises the first problem with one.

        Raises `UnknownScheme`, `InvalidSetting`, `StoreUnavailable`, `StoreTooNew`,
        `MissingExtra`.
        """
        if not MIN_LEASE <= lease < math.inf:
            raise InvalidSetting(f"the lease is {lease} seconds; it must be {MIN_LEASE:g} or more")
        settings = Settings(
            store=store,
            files=files,
            catalog=catalog,
            engine=engine,
            lease=lease,
            options=options or {},
        )
        found = load(settings, plugins=plugins, disable=disable, strict=strict)
        return cls(
            settings=settings,
            store=found.open_store(settings),
            files=found.open_files(settings),
            plugins=found,
            clock=clock,
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
    ) -> BatchJob:
        """Make a job and return it.

        *context* is a JSON object or a value of the strategy's context class. With *dry_run* the
        job waits to be confirmed once it is planned. `UnknownBatchType`, `AmbiguousBatchType`,
        `InvalidContext` (all faults at once), or what the strategy's own check raises.
        """
        strategy = self.plugins.registry.resolve(batch_type)
        plain = _plain_context({} if context is None else context)
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
        strategy.check(structured, CheckRun(job, structured, self.files))
        job = self.store.create(job, context_version=strategy.version)
        return self._nudged(job)

    def get(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Return a job as it stands; `UnknownJob` if there is none, or it is somebody else's."""
        if not is_job_id(job_id):  # one job has one id, and the store is not asked for others
            raise UnknownJob(job_id)
        job = self.store.get(job_id)
        if actor is not None and job.created_by != actor:
            raise UnknownJob(job_id)
        return job

    def list(
        self,
        *,
        batch_types: Sequence[str] = (),
        statuses: Sequence[Status] = (),
        limit: int = 10,
        offset: int = 0,
        actor: str | None = None,
    ) -> JobPage:
        """Return the jobs of these types and statuses (none: all), newest first."""
        return self.store.list(
            JobQuery(
                batch_types=tuple(batch_types),
                statuses=tuple(statuses),
                created_by=actor,
                limit=limit,
                offset=offset,
            )
        )

    def events(self, job_id: str, *, actor: str | None = None) -> Sequence[Event]:
        """Return the transitions of a job, in order; raises as `get`."""
        return self.store.events(self.get(job_id, actor=actor).id)

    def confirm(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Confirm a job that waits for it; `InvalidState` if it does not, or as `get`."""
        return self._nudged(self._move(job_id, "confirm", actor))

    def cancel(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Cancel a job that has not ended, at once; `InvalidState` if it has, or as `get`."""
        return self._move(job_id, "cancel", actor)

    def work(
        self,
        job_id: str,
        *,
        until: Status | None = None,
        watch: Callable[[BatchJob], object] = lambda _: None,
        actor: str | None = None,
    ) -> BatchJob:
        """Work on a job here, until it ends, waits to be confirmed, or has the status *until*.

        Chunks that other workers hold are waited for. *watch* is called with the job after each
        chunk. Raises as `get`, and `UnknownBatchType` if no strategy here can do it.
        """
        job = self.get(job_id, actor=actor)
        self.plugins.registry.resolve(job.batch_type)
        worker, pause = self.worker(), threading.Event()
        while job.status in OPEN and job.status != until:
            if not worker.step(job_id):
                self.store.sweep(at=self.clock.now())  # what no worker can end is ended here
                seconds = self.store.next_claim(job_id)
                if seconds is None:  # it ended, or waits to be confirmed
                    return self.store.get(job_id)
                pause.wait(min(_LOOK, max(seconds, _SOON)))
            job = self.store.get(job_id)
            watch(job)
        return job

    def wait(
        self, job_id: str, *, timeout: float | None = None, actor: str | None = None
    ) -> BatchJob:
        """Wait until others have ended the job, or it waits to be confirmed, and return it.

        After *timeout* seconds the job is returned as it is then. Raises as `get`.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        pause = threading.Event()
        while (job := self.get(job_id, actor=actor)).status in OPEN:
            left = deadline - time.monotonic()
            if left <= 0 or self.store.next_claim(job_id) is None:
                return self.store.get(job_id)
            pause.wait(min(_LOOK / 5, left))
        return job

    def worker(self) -> Worker:
        """Return a worker on all jobs of the store; use it from one thread."""
        return Worker(
            store=self.store,
            files=self.files,
            registry=self.plugins.registry,
            clock=self.clock,
            seconds=self.settings.lease,
            changed=self._tell,
        )

    def open_result(self, job_id: str, *, actor: str | None = None) -> BinaryIO:
        """Open the file of a completed job to read; `NoResult` if there is none, or as `get`."""
        job = self.get(job_id, actor=actor)
        if job.result is None or job.result.file_key is None:
            raise NoResult(job_id, job.status)
        return self.files.read(job.result.file_key)

    def upload(self, file: BinaryIO, name: str, *, actor: str | None = None) -> StoredFile:
        """Keep *file* under a key of its own, as the actor's, and return what it is then.

        *name* is what it is called, for people. Strategies that read a file are given the key.
        """
        now = self.clock.now()
        plain = _plain_name(name)
        key = f"uploads/{ulid(to_epoch_ms(now), self._bits(80))}/{plain}"
        with self.files.write(key) as raw:
            digest = Digest(raw)
            while block := file.read(_BLOCK):
                digest.write(block)
        stored = StoredFile(key=key, size=digest.size, sha256=digest.hexdigest())
        self.store.add_file(FileRecord(file=stored, name=plain, owner=actor, created_at=now))
        return stored

    def _move(self, job_id: str, verb: Verb, actor: str | None) -> BatchJob:
        self.get(job_id, actor=actor)
        job = self.store.move(job_id, verb, at=self.clock.now(), actor=actor)
        self._tell(job_id)
        return job

    def _nudged(self, job: BatchJob) -> BatchJob:
        """Tell listeners and the engine of *job*, and return it as it stands after that.

        A nudge that fails is logged: the store has the job, and workers look there.
        """
        self._tell(job.id)
        if self._engine is None:
            return job
        try:
            self._engine.nudge(job.id)
        except Exception:  # noqa: BLE001 - whatever an engine raises, the job is safe
            _log.exception("could not nudge the engine for job %s", job.id)
        return self.store.get(job.id)

    def _work_for_engine(self, job_id: str) -> None:
        self.work(job_id)

    def _tell(self, job_id: str) -> None:
        """Tell the plugins that listen of the transitions of a job that they were not told of.

        What is remembered of that ends with this object: another process, or this one started
        again, may tell them once more.
        """
        if not self.plugins.listens:
            return
        with self._telling:
            for event in self.store.events(job_id, after=self._told.get(job_id, 0)):
                job = self.store.get(job_id)
                self.plugins.tell(event, job)
                self._told[job_id] = event.n
                if job.status not in OPEN:
                    self._told.pop(job_id)


def _plain_context(context: object) -> dict[str, Json]:
    """Return *context* as a plain JSON object; `InvalidContext` if it is none."""
    try:
        plain = plain_json(context_to_json(context))
    except InvalidDocument as error:
        raise InvalidContext(error.faults) from None
    return dict(plain) if isinstance(plain, Mapping) else {}


def _plain_name(name: str) -> str:
    """Return a name for people as the last name of a key: letters, digits and ``._-``."""
    return (
        re.sub(r"[^\w.-]+", "-", PurePath(name).name, flags=re.ASCII).strip(".-")[-100:] or "file"
    )
