"""A file store in one SQLite file, under URLs such as ``sqlite:///files.db``."""

import io
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Final, cast

from batchjob import FileStore, Settings, check_key, hookimpl
from batchjob.errors import InvalidSetting, UnknownFile

_TABLE: Final = "CREATE TABLE IF NOT EXISTS file (key TEXT PRIMARY KEY, content BLOB NOT NULL)"
_BLOCK: Final = 1 << 20
_SCHEME: Final = "sqlite:///"


class SqliteFileStore(FileStore):
    """Files as rows; each is written in one transaction, so it is there whole or not at all."""

    def __init__(self, path: str) -> None:
        self._path = path
        with closing(self._open()) as database:
            database.execute(_TABLE)

    @contextmanager
    def write(self, key: str) -> Iterator[BinaryIO]:
        """See `FileStore.write`; up to a megabyte of it is held in memory."""
        check_key(key)
        with SpooledTemporaryFile(_BLOCK) as file:
            yield cast("BinaryIO", file)
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            with closing(self._open()) as database, database:
                database.execute("BEGIN IMMEDIATE")
                put = "INSERT OR REPLACE INTO file VALUES (?, zeroblob(?))"
                row = database.execute(put, (key, size)).lastrowid or 0
                with database.blobopen("file", "content", row) as blob:
                    while block := file.read(_BLOCK):
                        blob.write(block)

    def read(self, key: str) -> BinaryIO:
        """See `FileStore.read`."""
        check_key(key)
        database = self._open()
        found = database.execute("SELECT rowid FROM file WHERE key = ?", (key,)).fetchone()
        if found is None:
            database.close()
            raise UnknownFile(key)
        return cast("BinaryIO", io.BufferedReader(_Blob(database, found[0]), _BLOCK))

    def delete(self, key: str) -> None:
        """See `FileStore.delete`."""
        check_key(key)
        with closing(self._open()) as database, database:
            database.execute("DELETE FROM file WHERE key = ?", (key,))

    def delete_all(self, folder: str) -> None:
        """See `FileStore.delete_all`."""
        check_key(folder)
        with closing(self._open()) as database, database:
            database.execute("DELETE FROM file WHERE substr(key, 1, ?) = ?", _below(f"{folder}/"))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See `FileStore.keys`."""
        with closing(self._open()) as database:
            sql = "SELECT key FROM file WHERE substr(key, 1, ?) = ?"
            yield from (key for (key,) in database.execute(sql, _below(prefix)).fetchall())

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, check_same_thread=False)


class _Blob(io.RawIOBase):
    """The bytes of a row, as they were when it was opened."""

    def __init__(self, database: sqlite3.Connection, row: int) -> None:
        self._database = database
        database.execute("BEGIN")  # what is read stays as it is, also if it is replaced
        self._blob = database.blobopen("file", "content", row, readonly=True)

    def readable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes."""
        found = self._blob.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        """Let go of the database."""
        if not self.closed:
            self._blob.close()
            self._database.close()
        super().close()


def _below(prefix: str) -> tuple[int, str]:
    return len(prefix), prefix


def _opened(url: str, settings: Settings) -> FileStore:
    if not url.startswith(_SCHEME) or url == _SCHEME:
        raise InvalidSetting(f"{url!r} names no SQLite file; write e.g. {_SCHEME}files.db")
    return SqliteFileStore(url.removeprefix(_SCHEME))


@hookimpl
def batchjob_file_stores() -> Mapping[str, Any]:
    """Offer the scheme ``sqlite``."""
    return {"sqlite": _opened}
