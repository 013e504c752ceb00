"""The port that plugin authors write most: a strategy, and the run that it is given."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, ClassVar, Generic, TextIO

from typing_extensions import TypeVar

from batchjob._typing import Json, JsonObject
from batchjob.core.changes import Change
from batchjob.core.chunks import Chunk, Part
from batchjob.core.files import FileRecord, StoredFile
from batchjob.core.results import JobError, Outcomes
from batchjob.errors import ContextVersion

Context = TypeVar("Context", default=Any)


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
        """Raise `LeaseLost` if the chunk is no longer this run's, `Paused` if the job is paused.

        Cheap: call it in each loop. Let both pass: the worker knows what to do.
        """

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

    @abstractmethod
    def file(self, key: str) -> FileRecord:
        """Return what is known of an upload that the job's actor may read.

        `UnknownFile` if there is none, or it is somebody else's; `InvalidKey` if no file can have
        that key. A key in a context is looked up by this, never opened unseen.
        """

    @abstractmethod
    def stage(self, lines: Iterable[str]) -> StoredFile:
        """Keep *lines*, each with its newline, in a file that chunks can name in their payloads.

        For what is too much for payloads; it is there until the job is purged. Only in
        `Strategy.plan`.
        """

    @abstractmethod
    def lines(self, stored: StoredFile) -> Iterator[str]:
        """Yield the lines of a staged file, or of a part's.

        `PartCorrupt`, after the last one, if they are not as they were written: read them all
        before anything is done by them. Not in `Strategy.check`.
        """

    @abstractmethod
    def report(self, name: str) -> AbstractContextManager[TextIO]:
        """Open the job's error report, as `output` does; it is the job's file, also if it fails.

        Only in `Strategy.plan` and `Strategy.finish`, once. That of the finish takes the place of
        the plan's.
        """

    @abstractmethod
    def error(self, error: JobError) -> None:
        """Tell the user of a fault that does not end the job, such as a row that is left out.

        A thousand are kept, and the rest is counted. Those of the finish take the place of the
        plan's. Only in `Strategy.plan` and `Strategy.finish`.
        """

    @abstractmethod
    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what the block does through ``transaction`` if it raises; the transaction goes on.

        Only in `Strategy.work` and `Strategy.finish`.
        """


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

    time_limit: ClassVar[float | None] = 3600.0
    """Seconds that one attempt at a chunk, the plan or the finish may take; None for any number.

    What takes longer is taken for hung: the attempt has failed, and what comes of it is refused.
    """

    def check_class(self) -> None:
        """Raise `InvalidStrategy` if the strategy cannot work as it is written.

        Called when it is offered. It is for base classes, which know what subclasses have to say.
        """

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

    def input_key(self, context: Context) -> str | None:
        """Return the key of the file that a job of *context* reads, None if there is none.

        The file is bound to the job by size and SHA-256: if it is not as it was uploaded when the
        work begins, the job fails as `InputChanged` before any effect.
        """
        return None

    def changes(self, run: Run[Context], chunk: Chunk) -> Iterable[Change]:
        """Yield what a planned chunk would do, row by row, as many as its weight.

        They are what a user is shown of a job that waits to be confirmed. *run* has what
        `Strategy.check` has, and `Run.lines`. Strategies without a preview have none.
        """
        return ()

    def template(self) -> str | None:
        """Return the text of a file to fill in and give to a job; None, where there is none."""
        return None

    def exclusive_key(self, context: Context) -> str | None:
        """Return a key that two jobs of this batch type must not be processed with at once.

        The second one waits until the first has ended. None, the default, excludes nothing.
        """
        return None

    def upgrade(self, context: JsonObject, from_version: int) -> JsonObject:
        """Return *context*, stored by an older version of this strategy, as today's class wants.

        `ContextVersion`, which fails the job, if there is no way from there.
        """
        raise ContextVersion(self.batch_type, from_version, self.version)
