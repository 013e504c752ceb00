"""Which keys a file has had before, kept on disk: a file may have more of them than memory."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self
from unicodedata import normalize

from batchjob._typing import JsonScalar
from batchjob.converters.plain import say
from batchjob.core.results import JobError
from batchjob.errors import StorageFull
from batchjob.tabular.faults import cut

_TABLE: Final = """CREATE TABLE IF NOT EXISTS seen_key (
    kind TEXT NOT NULL, key TEXT NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID"""
_PUT: Final = "INSERT OR IGNORE INTO seen_key VALUES (?, ?, ?)"
_GET: Final = "SELECT row FROM seen_key WHERE kind = ? AND key = ?"


class UniqueKeys:
    """The keys of one file, each with the row where it came first; equal is equal after NFC.

    It has a table ``seen_key`` in the scratch database *db*, and commits nothing.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.execute(_TABLE)

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        """Open one in a database of its own, in a temporary file that is gone when it is closed.

        `StorageFull` if its disk is.
        """
        db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=OFF")
            db.execute("BEGIN")
            yield cls(db)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                raise
            raise StorageFull("the disk for temporary files is full; make room there") from error
        finally:
            db.close()

    def first(self, kind: str, key: str, row: int) -> int | None:
        """Return the row that had *key* before, among those of its *kind*; None for the first."""
        found = normalize("NFC", key)
        if self._db.execute(_PUT, (kind, found, row)).rowcount:
            return None
        return int(self._db.execute(_GET, (kind, found)).fetchone()[0])

    def fault(self, column: str, key: str, row: int) -> JobError | None:
        """Return what is wrong with *key* in the unique *column*, if a row before has it."""
        first = self.first(column, key, row)
        if first is None:
            return None
        return duplicate_key(column, key, row, f"row {first}", first_row=first)


def duplicate_key(column: str, key: str, number: int, owner: str, **params: JsonScalar) -> JobError:
    """Return the fault of row *number*, whose *key* in *column* is that of *owner*."""
    return JobError(
        code="duplicate_key",
        message=f"expected a {column} of its own, found {say(key)}, which {owner} has",
        row=number,
        column=column,
        params={"found": cut(key), "owner": owner, **params},
    )
