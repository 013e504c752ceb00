"""The ports: what batchjob asks of stores, file stores, engines, clocks and strategies.

Signatures and what an implementer owes; no logic. Whoever writes an adapter needs this page alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, BinaryIO, ClassVar, Generic, TextIO

import attrs
from typing_extensions import TypeVar

from batchjob._typing import Json, JsonObject
from batchjob.core.chunks import Chunk, Finished, Lease, Part, Planned
from batchjob.core.events import Event
from batchjob.core.files import FileRecord, StoredFile
from batchjob.core.job import BatchJob
from batchjob.core.results import JobError, Outcomes
from batchjob.core.status import Status, Verb

Context = TypeVar("Context", default=Any)


@attrs.frozen(kw_only=True)
class Settings:
    """Where things are: URLs of the store, the file store, the engine and the catalogue.

    ``files`` is a folder or a URL. ``engine`` is None where nobody is told of new work. ``lease``
    is in seconds. ``options`` is for what plugins read of their own.
    """

    store: str = "sqlite:///batchjob.db"
    files: str = "batchjob-files"
    engine: str | None = None
    catalog: str | None = None
    lease: float = 30.0
    options: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def catalog_url(self) -> str:
        """The catalogue's URL: the store's own database unless another one is named."""
        return self.store if self.catalog is None else self.catalog


class Clock(ABC):
    """The time of day, for the stamps of jobs; leases go by the store's own clock."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the time, aware."""


class Run(ABC, Generic[Context]):
    """What a strategy is given for one attempt at one chunk of one job.

    ``context`` is the job's context as the strategy's context class, ``actor`` the id of who asked
    for the job. ``key`` (``job:kind:seq``) is the same for each attempt at a chunk: give it to
    receivers outside, so that they know a repetition. ``fence`` rises with each attempt.
    """

    job_id: str
    context: Context
    actor: str | None
    key: str
    fence: int
    attempt: int

    @property
    @abstractmethod
    def transaction(self) -> Any:
        """The store's open transaction: what is done through it commits with the chunk or never.

        Opaque to all who do not know the store; on a SQL store it is SQLAlchemy's `Connection`. It
        is opened when it is first asked for, so compute first and write last. Only in
        `Strategy.work` and `Strategy.finish`.
        """

    @abstractmethod
    def checkpoint(self) -> None:
        """Raise `LeaseLost` if the chunk is no longer this run's; cheap, call it in each loop."""

    @abstractmethod
    def describe(self, key: str, name: str, message: str) -> None:
        """Tell the user, by a stat descriptor, what the job will do. Only in `Strategy.plan`."""

    @abstractmethod
    def amend(self, **context: Json) -> None:
        """Add these keys to the job's context, for `Strategy.work` and `finish` to find.

        They are fields of the context class, or the context is refused there. Only in
        `Strategy.plan`.
        """

    @abstractmethod
    def part(self) -> AbstractContextManager[TextIO]:
        """Open the chunk's file, UTF-8, newlines as written; bytes go through its ``buffer``.

        It is kept when the block ends without an exception and the chunk commits. Only in
        `Strategy.work`.
        """

    @abstractmethod
    def output(self, name: str) -> AbstractContextManager[TextIO]:
        """Open the job's file, as `part` does; *name* is for people.

        Only in `Strategy.finish`, once.
        """

    @abstractmethod
    def join(self, parts: Iterable[Part], output: TextIO) -> None:
        """Append the files of *parts* to *output*; `PartCorrupt` if one is not as written."""

    @abstractmethod
    def open(self, key: str) -> BinaryIO:
        """Open a file of the file store to read; `UnknownFile` if it is not there."""


class Strategy(ABC, Generic[Context]):
    """How jobs of one batch type are planned, done and finished.

    Subclass ``Strategy[MyContext]``, where ``MyContext`` is an attrs class (or ``dict`` for any
    object): the context of each job is checked against it when the job is created. An instance
    serves all jobs, in threads too, and keeps nothing of any one of them. Methods are plain
    functions; an ``async def`` is refused when the strategy is registered.
    """

    batch_type: ClassVar[str]
    """The name that jobs ask for: lower case letters, digits, single hyphens between them, 64 at
    most."""

    version: ClassVar[int] = 1
    """The version of the context class; raise it when old contexts need `upgrade`."""

    def check(self, context: Context, run: Run[Context]) -> None:
        """Refuse a job by data when it is created: raise `InvalidContext` or `Refused`."""

    @abstractmethod
    def plan(self, run: Run[Context]) -> Iterable[Chunk]:
        """Yield the job's chunks; change nothing that the job is about.

        Chunks are numbered as they come. Their weights sum up to the job's ``count``. What the
        user should see before confirming is said by `Run.describe`.
        """

    @abstractmethod
    def work(self, run: Run[Context], chunk: Chunk) -> Outcomes | None:
        """Do one chunk; return how its rows ended, where rows have outcomes.

        It may be called again for the same chunk after a crash: make effects through
        ``run.transaction`` (then they happen exactly once), or idempotent by ``run.key``.
        """

    def finish(self, run: Run[Context], parts: Iterable[Part]) -> None:
        """Make the end product by `Run.output` out of *parts*, which come in the chunks' order."""

    def close(self) -> None:
        """Let go of connections; called when the jobs are closed. It may be used again."""

    def upgrade(self, context: JsonObject, from_version: int) -> JsonObject:
        """Return *context*, stored by an older version of this strategy, as today's class wants."""
        raise NotImplementedError(
            f"{self.batch_type} has no way from version {from_version} to {self.version}"
        )


@attrs.frozen(kw_only=True)
class JobQuery:
    """Which jobs to list: an empty tuple or None does not restrict. Newest first, ties by id.

    ``limit`` and ``offset`` are 0 or more.
    """

    batch_types: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    created_by: str | None = None
    limit: int = 10
    offset: int = 0


@attrs.frozen(kw_only=True)
class JobPage:
    """One page of a list, and how many jobs match in all."""

    jobs: tuple[BatchJob, ...]
    count: int


class JobStore(ABC):
    """Where jobs live. A transition and its event are one commit. Safe to use from threads.

    What a store raises besides: `StoreUnavailable` when it is out of reach.
    """

    @abstractmethod
    def create(self, job: BatchJob, *, context_version: int) -> BatchJob:
        """Keep a new job with its first event and its plan chunk, and return it.

        `DuplicateJob` if there is one of this id.
        """

    @abstractmethod
    def get(self, job_id: str) -> BatchJob:
        """Return the job as it stands; `UnknownJob` if there is none."""

    @abstractmethod
    def context_version(self, job_id: str) -> int:
        """Return the strategy's version that the job's context was made by; raises as `get`."""

    @abstractmethod
    def list(self, query: JobQuery) -> JobPage:
        """Return the jobs that match."""

    @abstractmethod
    def move(
        self, job_id: str, verb: Verb, *, at: datetime, actor: str | None, reason: str | None = None
    ) -> BatchJob:
        """Confirm, cancel or fail a job, whatever chunk is leased, and return it as it is then.

        `InvalidState` if the table has no such move from where the job is when the change would
        be made; `UnknownJob` if there is none. Of two at once, one wins and the other is refused.
        """

    @abstractmethod
    def events(self, job_id: str, *, after: int = 0) -> Sequence[Event]:
        """Return the job's events whose ``n`` is above *after*, in order."""

    @abstractmethod
    def add_file(self, record: FileRecord) -> None:
        """Remember whose a file is and what it is called."""

    @abstractmethod
    def get_file(self, key: str) -> FileRecord:
        """Return what is known of the file; `UnknownFile` if nothing is."""


class ChunkStore(ABC):
    """The lease protocol: who may work on what, and whose work counts.

    Lease times are judged by the store's clock alone and decide only who may try; the token
    decides whose completion is kept. Each method is one short transaction of its own, but for
    `complete`, which may be given an open one.
    """

    @abstractmethod
    def claim(
        self,
        worker: str,
        *,
        batch_types: Sequence[str],
        seconds: float,
        at: datetime,
        job_id: str | None = None,
    ) -> Lease | None:
        """Lease the next chunk that may be tried (of one job, if named), or return None.

        It pays for the attempt, raises the token, and starts a confirmed job, in one commit.
        """

    @abstractmethod
    def renew(self, lease: Lease) -> None:
        """Make the lease last its seconds from now; `LeaseLost` if it is not current any more."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Any]:
        """Open a transaction that commits when the block ends, and keeps nothing if it raises."""

    @abstractmethod
    def stage(self, lease: Lease, chunks: Sequence[Chunk]) -> None:
        """Keep chunks of a plan that goes on; `LeaseLost` if the lease is not current any more.

        The first ones of an attempt replace what an earlier attempt staged.
        """

    @abstractmethod
    def complete(
        self,
        lease: Lease,
        done: Planned | Part | Finished,
        *,
        at: datetime,
        transaction: Any = None,
    ) -> None:
        """Commit what a chunk did: the chunk's row, then the job's, as the last statements.

        A plan moves the job to pre_processed (and on to confirmed where it is no dry run), a work
        chunk moves the counters, the finish completes the job; the last work chunk (or the
        confirming of a plan without chunks) adds the finish. `LeaseLost` if the token is not
        current or the job has ended: then nothing is kept, also of *transaction*.
        """

    @abstractmethod
    def fail(
        self,
        lease: Lease,
        errors: Sequence[JobError],
        *,
        detail: str,
        delay: float,
        give_up: bool,
        at: datetime,
    ) -> bool:
        """Give the chunk back after an error: claimable again after *delay* seconds.

        If *give_up*, or if this was the last attempt, the chunk is dead and the job fails with
        *errors*, in the same commit; then True is returned. *detail* is for operators. A lease
        that is not current is left alone.
        """

    @abstractmethod
    def release(self, lease: Lease) -> None:
        """Give chunk and attempt back untried; a lease that is not current is left alone."""

    @abstractmethod
    def sweep(self, *, at: datetime) -> int:
        """End what can only end here, and return how many chunks were given up.

        Chunks whose last attempt's lease is over are dead, and their jobs fail; chunks of ended
        jobs become void; a finish that is missing is added. It reads first, so that an idle sweep
        takes no lock; what is too much for one is left for the next.
        """

    @abstractmethod
    def parts(self, job_id: str) -> Iterator[Part]:
        """Yield what the done work chunks of a job left, in order."""

    @abstractmethod
    def next_claim(self, job_id: str) -> float | None:
        """Return the seconds until a chunk of the job may be claimed; None if there is none.

        A leased chunk may be once its lease is over, unless that was its last attempt: what
        becomes of it then is `sweep`'s to say. So None can also be said of an open job.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of connections; the store may be used again afterwards."""


class Store(JobStore, ChunkStore):
    """Jobs and their chunks in one place, so that they change in one commit."""


class FileStore(ABC):
    """Where files live, under keys such as ``jobs/<id>/out/1/product-export.csv``.

    Keys are relative, with ``/``; any other raises `InvalidKey`, and none leads out of the store.
    """

    @abstractmethod
    def write(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open a file. It is there, whole, when the block has ended, or not at all.

        What was under its key stays until then, and is replaced.
        `StorageFull` if there is no room.
        """

    @abstractmethod
    def read(self, key: str) -> BinaryIO:
        """Open a file to read; `UnknownFile` if it is not there."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete a file; one that is not there is fine."""

    @abstractmethod
    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with *prefix*, in no order."""


class Engine(ABC):
    """What gets chunks worked on. The store is the truth; an engine only passes hints on."""

    @abstractmethod
    def nudge(self, job_id: str) -> None:
        """Say that there may be work for a job. It may be lost or repeated without harm."""

    def close(self) -> None:  # noqa: B027 - optional
        """Let go of threads, processes and connections."""


StoreFactory = Callable[[str, Settings], Store]
"""Opens the store of a URL."""

FileStoreFactory = Callable[[str, Settings], FileStore]
"""Opens the file store of a URL or folder."""

EngineFactory = Callable[[str, Settings, Callable[[str], None]], Engine]
"""Makes the engine of a setting such as ``threads:4``; the callable works on a job by its id."""

__all__ = [
    "ChunkStore",
    "Clock",
    "Context",
    "Engine",
    "EngineFactory",
    "FileStore",
    "FileStoreFactory",
    "JobPage",
    "JobQuery",
    "JobStore",
    "Run",
    "Settings",
    "Store",
    "StoreFactory",
    "StoredFile",
    "Strategy",
]
