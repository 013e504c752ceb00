"""What the facade does with files: those that are uploaded, and those that jobs made."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Final

from batchjob.abc import Clock, FileStore, Store
from batchjob.batchjobs.arguments import check
from batchjob.batchjobs.requests import plain_name
from batchjob.core.files import FileRecord, StoredFile, check_key, job_of
from batchjob.core.ids import ulid
from batchjob.core.job import BatchJob
from batchjob.core.times import to_epoch_ms
from batchjob.errors import FileInUse, InvalidArgument, NoResult, UnknownFile, UnknownJob
from batchjob.worker.wholes import Digest

_BLOCK: Final = 1 << 20
_BYTES: Final = "one that is open to read bytes: open(path, 'rb')"


class Sink:
    """Takes the bytes of an upload, and knows what was stored once the upload has ended."""

    def __init__(self, target: BinaryIO) -> None:
        self._digest, self._stored = Digest(target), None  # type: Digest, StoredFile | None

    def write(self, data: bytes) -> int:
        """Take all of *data*, and return how much that is."""
        return self._digest.write(data)

    @property
    def size(self) -> int:
        """How many bytes there were so far."""
        return self._digest.size

    @property
    def stored(self) -> StoredFile:
        """The file, when it is whole; before that there is none."""
        if self._stored is None:
            raise RuntimeError("an upload is stored when its block has ended")
        return self._stored

    def _end(self, key: str) -> StoredFile:
        sha256 = self._digest.hexdigest()
        self._stored = StoredFile(key=key, size=self._digest.size, sha256=sha256)
        return self._stored


class Files(ABC):
    """Files of actors, as a part of `BatchJobs`."""

    store: Store
    files: FileStore
    clock: Clock
    _bits: Callable[[int], int]

    @abstractmethod
    def get(self, job_id: str, *, actor: str | None = None) -> BatchJob:
        """Return a job as it stands."""

    def open_result(self, job_id: str, *, actor: str | None = None) -> BinaryIO:
        """Open the file of a completed job to read; `NoResult` if there is none, or as `get`."""
        job = self.get(job_id, actor=actor)
        if job.result is None or job.result.file_key is None:
            raise NoResult(job_id, job.status)
        return self.files.read(job.result.file_key)

    @contextmanager
    def writing(self, name: str, *, actor: str | None = None) -> Iterator[Sink]:
        """Keep what the block writes to the `Sink` that it is given, as the actor's file.

        *name* is what it is called, for people. When the block has ended, the sink's ``stored``
        says what it is; if it raises, nothing is left.
        """
        check(name=name, actor=actor)
        now = self.clock.now()
        plain = plain_name(name)
        key = f"uploads/{ulid(to_epoch_ms(now), self._bits(80))}/{plain}"
        with self.files.write(key) as raw:
            sink = Sink(raw)
            yield sink
        stored = sink._end(key)  # noqa: SLF001 - nobody else may end it
        try:
            self.store.add_file(FileRecord(file=stored, name=plain, owner=actor, created_at=now))
        except BaseException:
            self.files.delete(key)
            raise

    def upload(self, file: BinaryIO, name: str, *, actor: str | None = None) -> StoredFile:
        """Keep *file* under a key of its own, as the actor's, and return what it is then.

        *name* is what it is called, for people. Strategies that read a file are given the key.
        """
        check(file=file)
        with self.writing(name, actor=actor) as sink:
            while block := file.read(_BLOCK):
                if isinstance(block, str):
                    raise InvalidArgument("file", "one that is open to read text", _BYTES)
                sink.write(block)
        return sink.stored

    def uploads(self, *, actor: str | None = None, limit: int = 100) -> Sequence[FileRecord]:
        """Return the files that were uploaded, the newest first."""
        check(actor=actor, limit=limit)
        return self.store.files(owner=actor, limit=limit)

    def file(self, key: str, *, actor: str | None = None) -> FileRecord:
        """Return what is known of a file; one that a job made is there for who sees the job.

        `UnknownFile` if nothing is, or it is not there for the actor; `InvalidKey` if no file can
        have that key.
        """
        check(actor=actor)
        check_key(key)
        record = self.store.get_file(key)
        job_id = job_of(key)
        if job_id is None and actor not in (None, record.owner):
            raise UnknownFile(key)
        if job_id is not None and actor is not None:
            try:
                self.get(job_id, actor=actor)
            except UnknownJob:
                raise UnknownFile(key) from None
        return record

    def open_file(self, key: str, *, actor: str | None = None) -> BinaryIO:
        """Open a file to read; raises as `file`."""
        return self.files.read(self.file(key, actor=actor).file.key)

    def delete_file(self, key: str, *, actor: str | None = None) -> None:
        """Delete a file that was uploaded; raises as `file`, and `FileInUse` for a job's file."""
        self.file(key, actor=actor)
        if job_of(key) is not None:
            raise FileInUse(key)
        self.files.delete(key)  # first: a crash leaves what is known of it, and the next try that
        self.store.delete_file(key)
