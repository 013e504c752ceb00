"""What a strategy is given: the run of one attempt, on real stores."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final, TextIO, cast

from batchjob._typing import Json, JsonObject
from batchjob.abc import ChunkStore, Context, FileStore, Run
from batchjob.converters import plain_json
from batchjob.core import faults
from batchjob.core.chunks import ChunkKind, Lease, Part
from batchjob.core.files import StoredFile
from batchjob.core.job import BatchJob
from batchjob.core.results import StatDescriptor
from batchjob.errors import MisplacedCall, PartCorrupt, UnknownFile
from batchjob.worker.heartbeat import Heartbeat

_BLOCK: Final = 1 << 20


class CheckRun(Run[Context]):
    """The run of `Strategy.check`: there is no lease yet, and nothing may be written."""

    phase = "check"

    def __init__(self, job: BatchJob, context: Context, files: FileStore) -> None:
        self.job_id, self.context, self.actor = job.id, context, job.created_by
        self.key, self.fence, self.attempt = f"{job.id}:check:0", 0, 0
        self._files = files

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

    def _misplaced(self, call: str, right: str) -> MisplacedCall:
        return MisplacedCall(call, self.phase, right)


class LeasedRun(CheckRun[Context]):
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
        store: ChunkStore,
        files: FileStore,
        heartbeat: Heartbeat,
    ) -> None:
        super().__init__(job, context, files)
        self.phase = str(lease.kind)
        self.key = f"{job.id}:{lease.kind}:{lease.seq}"
        self.fence, self.attempt = lease.token, lease.attempt
        self.stat_descriptors: list[StatDescriptor] = []
        self.amended: dict[str, Json] = {}
        self.written: StoredFile | None = None
        self.opened: Any = None
        self._lease, self._store, self._heartbeat = lease, store, heartbeat
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
        self._heartbeat.check()

    def describe(self, key: str, name: str, message: str) -> None:
        """See `Run.describe`."""
        self._only("describe()", "plan", ChunkKind.PLAN)
        self.stat_descriptors.append(StatDescriptor(key=key, name=name, message=message))

    def amend(self, **context: Json) -> None:
        """See `Run.amend`."""
        self._only("amend()", "plan", ChunkKind.PLAN)
        self.amended.update(cast("JsonObject", plain_json(context)))

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
        if self.written is not None:
            raise self._misplaced("output()", "finish, once")
        self._only("output()", "finish, once", ChunkKind.FINISH)
        lease, plain = self._lease, PurePosixPath(name).name
        with self._written(f"{job_folder(lease.job_id)}/out/{lease.token}/{plain}") as file:
            yield file
        faults.point("finish.published")

    def join(self, parts: Iterable[Part], output: TextIO) -> None:
        """See `Run.join`."""
        self._only("join()", "finish", ChunkKind.FINISH)
        output.flush()
        for part in parts:
            if part.file is not None:
                self.checkpoint()
                self._copy(part.seq, part.file, output.buffer)
        faults.point("finish.merged")

    def _copy(self, seq: int, stored: StoredFile, output: BinaryIO) -> None:
        digest, size = hashlib.sha256(), 0
        try:
            with self._files.read(stored.key) as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    size += len(block)
                    output.write(block)
        except UnknownFile:
            raise PartCorrupt(seq, "is missing") from None
        if (size, digest.hexdigest()) != (stored.size, stored.sha256):
            raise PartCorrupt(seq, "is not as it was written")

    @contextmanager
    def _written(self, key: str) -> Iterator[TextIO]:
        """Open *key* to write text, and know what it holds when it is whole."""
        with self._files.write(key) as raw:
            digest = Digest(raw)
            text = io.TextIOWrapper(io.BufferedWriter(digest, _BLOCK), "utf-8", newline="")
            try:
                yield text
                text.flush()
            except BaseException:
                digest.drop()
                raise
            finally:
                text.detach().detach()
        self.written = StoredFile(key=key, size=digest.size, sha256=digest.hexdigest())

    def _only(self, call: str, right: str, *kinds: ChunkKind) -> None:
        if self._lease.kind not in kinds:
            raise self._misplaced(call, right)


class Digest(io.RawIOBase):
    """Passes bytes on to *target* and knows their number and SHA-256."""

    def __init__(self, target: BinaryIO) -> None:
        self._target, self._sha256, self.size = target, hashlib.sha256(), 0
        self._dropped = False

    def writable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def write(self, data: Any) -> int:
        """Write all of *data*."""
        if self._dropped:
            return len(data)
        self._sha256.update(data)
        self.size += len(data)
        self._target.write(data)
        return len(data)

    def drop(self) -> None:
        """Write nothing any more: what a buffer above still holds is of a file that failed."""
        self._dropped = True

    def hexdigest(self) -> str:
        """Return the SHA-256 of what was written, in hex."""
        return self._sha256.hexdigest()


JOBS: Final = "jobs"
"""The folder of the file store in which the files of jobs are."""

PARTS: Final = "parts"
"""The folder, in that of a job, in which its parts are."""


def job_folder(job_id: str) -> str:
    """Return the folder of the file store in which all files of a job are."""
    return f"{JOBS}/{job_id}"


def parts_folder(job_id: str) -> str:
    """Return the folder in which the parts of a job are."""
    return f"{job_folder(job_id)}/{PARTS}"
