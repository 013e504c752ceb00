"""What a strategy is given: the run of one attempt, on real stores."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final, TextIO, cast

from batchjob._typing import Json, JsonObject
from batchjob.abc import Context, FileStore, JobStore, Run, Store
from batchjob.converters import plain_json
from batchjob.core import faults
from batchjob.core.chunks import ChunkKind, Lease, Part
from batchjob.core.files import JOBS, REPORT, FileRecord, StoredFile, check_key
from batchjob.core.job import BatchJob
from batchjob.core.results import KEPT_ERRORS, JobError, StatDescriptor, more_errors
from batchjob.errors import InvalidStrategy, MisplacedCall, UnknownFile
from batchjob.worker.heartbeat import Heartbeat
from batchjob.worker.wholes import blocks, lines, writing


class CheckRun(Run[Context]):
    """The run of `Strategy.check`: there is no lease yet, and nothing may be written."""

    phase = "check"

    def __init__(
        self, job: BatchJob, context: Context, *, store: JobStore, files: FileStore
    ) -> None:
        self.job_id, self.context, self.actor = job.id, context, job.created_by
        self.key, self.fence, self.attempt = f"{job.id}:{self.phase}:0", 0, 0
        self._jobs, self._files = store, files

    @property
    def transaction(self) -> Any:
        """See `Run.transaction`."""
        raise self._misplaced("transaction", "work and finish")

    def checkpoint(self) -> None:
        """See `Run.checkpoint`; without a lease there is none to lose."""

    def describe(self, key: str, name: str, message: str) -> None:
        """See `Run.describe`."""
        raise self._misplaced("describe()", "plan")

    def amend(self, **context: Json) -> None:
        """See `Run.amend`."""
        raise self._misplaced("amend()", "plan")

    def part(self) -> Any:
        """See `Run.part`."""
        raise self._misplaced("part()", "work")

    def output(self, name: str) -> Any:
        """See `Run.output`."""
        raise self._misplaced("output()", "finish, once")

    def join(self, parts: Iterable[Part], output: TextIO) -> None:
        """See `Run.join`."""
        raise self._misplaced("join()", "finish")

    def open(self, key: str) -> BinaryIO:
        """See `Run.open`."""
        return self._files.read(key)

    def file(self, key: str) -> FileRecord:
        """See `Run.file`."""
        check_key(key)
        record = self._jobs.get_file(key)
        if self.actor not in (None, record.owner):
            raise UnknownFile(key)
        return record

    def stage(self, lines: Iterable[str]) -> StoredFile:
        """See `Run.stage`."""
        raise self._misplaced("stage()", "plan")

    def lines(self, stored: StoredFile) -> Iterator[str]:
        """See `Run.lines`."""
        raise self._misplaced("lines()", "plan, work and finish")

    def report(self, name: str) -> Any:
        """See `Run.report`."""
        raise self._misplaced("report()", "plan and finish, once")

    def error(self, error: JobError) -> None:
        """See `Run.error`."""
        raise self._misplaced("error()", "plan and finish")

    def savepoint(self) -> Any:
        """See `Run.savepoint`."""
        raise self._misplaced("savepoint()", "work and finish")

    def _misplaced(self, call: str, right: str) -> MisplacedCall:
        return MisplacedCall(call, self.phase, right)


class ShownRun(CheckRun[Context]):
    """The run of `Strategy.changes`: what was staged can be read, and nothing written."""

    phase = "changes"

    def lines(self, stored: StoredFile) -> Iterator[str]:
        """See `Run.lines`."""
        return lines(self._files, stored)


class LeasedRun(ShownRun[Context]):
    """The run of one leased chunk; what the strategy said and wrote is gathered here.

    Use it as a context manager: leaving it commits the transaction if one was asked for, or keeps
    nothing of it if the block raised.
    """

    def __init__(
        self,
        lease: Lease,
        job: BatchJob,
        context: Context,
        *,
        store: Store,
        files: FileStore,
        heartbeat: Heartbeat,
    ) -> None:
        self.phase = str(lease.kind)
        super().__init__(job, context, store=store, files=files)
        self.key = f"{job.id}:{lease.kind}:{lease.seq}"
        self.fence, self.attempt = lease.token, lease.attempt
        self.stat_descriptors: list[StatDescriptor] = []
        self.amended: dict[str, Json] = {}
        self.written: StoredFile | None = None
        self.opened: Any = None
        self._errors: list[JobError] = []
        self._error_count = self._staged = 0
        self._lease, self._store, self._heartbeat = lease, store, heartbeat
        self._batch_type = job.batch_type
        self._stack = ExitStack()

    def __enter__(self) -> "LeasedRun[Context]":
        return self

    def __exit__(self, *exc: Any) -> None:  # noqa: PYI036 - handed on as they came
        self._stack.__exit__(*exc)

    @property
    def transaction(self) -> Any:
        """See `Run.transaction`."""
        self._only("transaction", "work and finish", ChunkKind.WORK, ChunkKind.FINISH)
        if self.opened is None:
            self.opened = self._stack.enter_context(self._store.transaction())
        return self.opened

    def checkpoint(self) -> None:
        """See `Run.checkpoint`."""
        faults.point("run.checkpoint")
        self._heartbeat.check()

    def describe(self, key: str, name: str, message: str) -> None:
        """See `Run.describe`."""
        self._only("describe()", "plan", ChunkKind.PLAN)
        for given in (key, name, message):
            if not isinstance(given, str):
                raise self._given("describe()", given, "three texts")
        self.stat_descriptors.append(StatDescriptor(key=key, name=name, message=message))

    def amend(self, **context: Json) -> None:
        """See `Run.amend`."""
        self._only("amend()", "plan", ChunkKind.PLAN)
        self.amended.update(cast("JsonObject", plain_json(context)))

    @property
    def errors(self) -> tuple[JobError, ...]:
        """The errors that were told, and one that counts those which are not kept."""
        more = self._error_count - len(self._errors)
        return (*self._errors, more_errors(more)) if more else tuple(self._errors)

    def error(self, error: JobError) -> None:
        """See `Run.error`."""
        self._only("error()", "plan and finish", ChunkKind.PLAN, ChunkKind.FINISH)
        if not isinstance(error, JobError):
            raise self._given("error()", error, "a JobError")
        self._error_count += 1
        if len(self._errors) < KEPT_ERRORS:
            self._errors.append(error)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """See `Run.savepoint`."""
        with self._store.savepoint(self.transaction):
            yield

    def stage(self, lines: Iterable[str]) -> StoredFile:
        """See `Run.stage`."""
        self._only("stage()", "plan", ChunkKind.PLAN)
        folder = f"{plan_folder(self._lease.job_id)}/{self._lease.token}"
        with writing(self._files, f"{folder}/{self._staged:06d}.jsonl") as sheet:
            sheet.text.writelines(lines)
        self._staged += 1
        return sheet.stored

    @contextmanager
    def part(self) -> Iterator[TextIO]:
        """See `Run.part`."""
        self._only("part()", "work", ChunkKind.WORK)
        lease = self._lease
        with self._written(f"{parts_folder(lease.job_id)}/{lease.seq:06d}.{lease.token}") as file:
            yield file
        faults.point("work.part_written")

    @contextmanager
    def output(self, name: str) -> Iterator[TextIO]:
        """See `Run.output`."""
        self._once("output()", "finish, once", ChunkKind.FINISH)
        with self._for_people("out", name) as file:
            yield file
        faults.point("finish.published")

    @contextmanager
    def report(self, name: str) -> Iterator[TextIO]:
        """See `Run.report`."""
        self._once("report()", "plan and finish, once", ChunkKind.PLAN, ChunkKind.FINISH)
        with self._for_people(REPORT, name) as file:
            yield file

    def join(self, parts: Iterable[Part], output: TextIO) -> None:
        """See `Run.join`."""
        self._only("join()", "finish", ChunkKind.FINISH)
        output.flush()
        for part in parts:
            if part.file is not None:
                self.checkpoint()
                for block in blocks(self._files, part.file, seq=part.seq):
                    output.buffer.write(block)
        faults.point("finish.merged")

    @contextmanager
    def _for_people(self, folder: str, name: str) -> Iterator[TextIO]:
        lease, plain = self._lease, PurePosixPath(name).name
        with self._written(f"{job_folder(lease.job_id)}/{folder}/{lease.token}/{plain}") as file:
            yield file

    @contextmanager
    def _written(self, key: str) -> Iterator[TextIO]:
        with writing(self._files, key) as sheet:
            yield sheet.text
        self.written = sheet.stored

    def _once(self, call: str, right: str, *kinds: ChunkKind) -> None:
        if self.written is not None:
            raise self._misplaced(call, right)
        self._only(call, right, *kinds)

    def _given(self, call: str, given: object, right: str) -> InvalidStrategy:
        fault = f"run.{call} was given {type(given).__name__}; it takes {right}"
        return InvalidStrategy(f"of {self._batch_type}", fault)

    def _only(self, call: str, right: str, *kinds: ChunkKind) -> None:
        if self._lease.kind not in kinds:
            raise self._misplaced(call, right)


PARTS: Final = "parts"
"""The folder, in that of a job, in which its parts are."""


def job_folder(job_id: str) -> str:
    """Return the folder of the file store in which all files of a job are."""
    return f"{JOBS}/{job_id}"


def plan_folder(job_id: str) -> str:
    """Return the folder in which what the plan of a job staged is."""
    return f"{job_folder(job_id)}/plan"


def parts_folder(job_id: str) -> str:
    """Return the folder in which the parts of a job are."""
    return f"{job_folder(job_id)}/{PARTS}"
