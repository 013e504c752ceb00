"""``--out``: where a job's file is saved, looked at before the job is made."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import attrs
import click

from batchjob.cli.settings import Command
from batchjob.errors import StorageFull, StoreUnavailable, UnknownFile

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs


def with_out(command: Command) -> Command:
    """Give *command* the option ``--out``, as an `Out` that can be written to, or None."""
    option = click.option(
        "--out",
        metavar="PATH",
        callback=lambda _, __, value: None if value is None else Out.checked(value),
        help="Save the file here.",
    )
    return option(command)


@attrs.frozen
class Out:
    """A file to be written; ``given`` is what the user called it."""

    given: str
    path: Path

    @classmethod
    def checked(cls, given: str) -> "Out":
        """Return the file *given*; click's error if it could not be written."""
        path = Path(os.path.realpath(given))  # of a link, what it points to is replaced
        if given in ("", "-") or path.is_dir():
            _refuse(f"{given!r} is no name of a file" if given in ("", "-") else "it is a folder")
        folder = path.parent
        if not folder.is_dir():
            _refuse(f"there is no folder {folder.name!r}; make it first")
        if not os.access(folder, os.W_OK | os.X_OK):
            _refuse(f"the folder {folder.name!r} may not be written to")
        return cls(given, path)

    def save(self, jobs: "BatchJobs", job_id: str) -> int:
        """Save the file of a completed job, whole or not at all, and return its size in bytes.

        `NoResult` if the job made none, `StoreUnavailable` if it cannot be read or written.
        """
        try:
            with jobs.open_result(job_id) as source, self.written() as target:
                shutil.copyfileobj(source, target, 1 << 20)
                return target.tell() if target.seekable() else source.tell()
        except UnknownFile:
            raise StoreUnavailable(
                f"the file of job {job_id} is not in the file store; name the right one by --files"
            ) from None

    @contextmanager
    def written(self) -> Iterator[BinaryIO]:
        """Open the file to write it, whole or not at all; `StorageFull` if it cannot be."""
        try:
            if self.path.exists() and not self.path.is_file():  # a device or a pipe
                with self.path.open("wb") as file:
                    yield file
                return
            temporary = self.path.with_name(f".{secrets.token_hex(8)}.tmp")
            try:
                with temporary.open("xb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(self.path)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            if isinstance(error, UnknownFile | StoreUnavailable):
                raise
            why = os.strerror(error.errno).lower() if error.errno else "an unknown error"
            raise StorageFull(f"cannot save {self.path.name!r}: {why}") from error


def _refuse(why: str) -> NoReturn:
    raise click.BadParameter(why, param_hint="--out")
