"""Files in a local folder: whole or not there, and never outside of it."""

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit

from batchjob.abc import FileStore
from batchjob.core.files import TEMPORARY, check_key
from batchjob.errors import InvalidKey, StorageFull, StoreUnavailable, UnknownFile

_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class LocalFileStore(FileStore):
    """A file store in *folder*, which is made when the first file is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @classmethod
    def open(cls, url: str) -> "LocalFileStore":
        """Return the store of a path or a ``file://`` URL."""
        return cls(Path(unquote(urlsplit(url).path) if url.startswith("file://") else url))

    @contextmanager
    def write(self, key: str) -> Iterator[BinaryIO]:
        """Open a new file: beside its place at first, flushed to the disk, then renamed to it."""
        path = self._path(key)
        temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
        with _reported():
            path.parent.mkdir(parents=True, exist_ok=True)
            file = temporary.open("xb")
        try:
            with file:
                yield file
                with _reported():
                    file.flush()
                    os.fsync(file.fileno())
            with _reported():
                temporary.replace(path)
                _sync_folder(path.parent)
        except BaseException as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                raise _unavailable(error) from error  # the block's own write found no room
            raise

    def read(self, key: str) -> BinaryIO:
        """Open a file to read; what is no plain file (a link, a folder) is not there."""
        path = self._path(key)
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise UnknownFile(key) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK):
                raise UnknownFile(key) from None
            raise _unavailable(error) from error
        if not os.path.isfile(file):  # noqa: PTH113 - of the open file, not of its path
            os.close(file)
            raise UnknownFile(key)
        return os.fdopen(file, "rb")

    def delete(self, key: str) -> None:
        """Delete a file; one that is not there is fine."""
        path = self._path(key)
        with _reported(), suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()

    def delete_all(self, folder: str) -> None:
        """Delete *folder* and all beneath it; links in it are deleted, not followed."""
        path = self._path(folder)
        with _reported(), suppress(FileNotFoundError, NotADirectoryError):
            shutil.rmtree(path)

    def tidy(self, *, older_than: timedelta) -> None:
        """Delete temporary files that were last written to longer ago than that."""
        before = time.time() - older_than.total_seconds()
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = Path(folder, name)
                with _reported(), suppress(FileNotFoundError):  # a job that was purged meanwhile
                    if name.startswith(TEMPORARY) and path.lstat().st_mtime < before:
                        path.unlink()

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with *prefix*; half-written files have none."""
        for folder, _, names in os.walk(self.folder / prefix.rpartition("/")[0]):
            for name in names:
                key = Path(folder, name).relative_to(self.folder).as_posix()
                if key.startswith(prefix) and not name.startswith(TEMPORARY):
                    yield key

    def _path(self, key: str) -> Path:
        """Return where *key* is; `InvalidKey` if that is not beneath the folder."""
        check_key(key)
        path = self.folder / key
        root = Path(os.path.realpath(self.folder))
        if not Path(os.path.realpath(path.parent)).is_relative_to(root):
            raise InvalidKey("the file key leads out of the file store")
        return path


@contextmanager
def _reported() -> Iterator[None]:
    """Turn the system's errors into ours, which name no path."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StoreUnavailable | UnknownFile):
            raise
        raise _unavailable(error) from error


def _unavailable(error: OSError) -> StoreUnavailable:
    if error.errno in _NO_ROOM:
        return StorageFull("the file store is full; make room and try again")
    why = os.strerror(error.errno).lower() if error.errno else "an unknown error"
    return StoreUnavailable(f"the file store cannot be used: {why}")


def _sync_folder(folder: Path) -> None:
    """Make a rename in *folder* last (a new name is in the folder's own blocks)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
