"""What a database's driver says, in our words: the one place where its errors are read.

A message holds no SQL, no password and no folder. What is not about reaching or using the
database (a broken constraint, a fault in a strategy's own statement) passes as it is.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Final

import sqlalchemy as sa

from batchjob.errors import BatchJobError, StorageFull, StoreUnavailable, TransientConflict

_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: "is locked by another process; try again when that one is done",
    sqlite3.SQLITE_LOCKED: "is locked by another connection; try again when that one is done",
    sqlite3.SQLITE_READONLY: "cannot be written to; give this user the right to write to the file"
    " and its folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; its folder must be there, and this user must have"
    " the right to read and write in it",
    sqlite3.SQLITE_NOTADB: "is not a SQLite database; name another file",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from a backup",
    sqlite3.SQLITE_IOERR: "cannot be read or written; see whether its disk is well",
    sqlite3.SQLITE_PERM: "may not be used by this user; give it the right to read and write",
    sqlite3.SQLITE_AUTH: "may not be used by this user; give it the right to read and write",
}

# By SQLSTATE, the whole code before its class: https://www.postgresql.org/docs/15/errcodes-appendix.html
_POSTGRESQL: Final = {
    "25006": "takes reads only; name the primary server",
    "3D000": "does not exist; create it with: createdb",
    "28": "refuses this user; see the user and password of the URL",
    "42501": "gives this user no right to the tables; grant it, or name their owner",
    "55P03": "has the row locked by another transaction; try again",
    "53300": "has no connection left; raise max_connections or use fewer workers",
    "08": "is out of reach; see whether its server runs and can be reached from here",
    "57P": "is out of reach; its server is stopping, or ended this connection",
    "25P03": "is out of reach; its server ended a connection that had stood still for too long",
}
_CONFLICTS: Final = {"40001", "40P01"}  # serialization failure, deadlock
_CONFLICT: Final = "ended this transaction for another one; try again"
_NO_REACH: Final = (
    "is out of reach; see whether its server runs, can be reached from here, and knows the user,"
    " password and database of the URL"
)
_FULL: Final = "has no room left; free some and try again"


def place(url: sa.URL) -> str:
    """Return the database's name for people: a file without its folder, or a name and a server."""
    if url.get_backend_name() == "sqlite":
        return f"the database {PurePath(url.database or '').name!r}"
    server = f"{url.host or 'localhost'}:{url.port or 5432}"
    return f"the database {url.database or url.username!r} on {server}"


@contextmanager
def translated(url: sa.URL) -> Iterator[None]:
    """Raise what the driver raises in the block in our words; pass on what is not about reach."""
    try:
        yield
    except sqlite3.Error as error:  # while connecting, where SQLAlchemy passes it on as it is
        if (ours := _of_sqlite(error, place(url))) is None:
            raise
        raise ours from None
    except sa.exc.DBAPIError as error:
        if (ours := _ours(error, place(url))) is None:
            raise
        raise ours from None  # the driver's message holds the SQL, and may hold the password
    except sa.exc.StatementError as error:
        if isinstance(error.orig, (ValueError, TypeError, BatchJobError)):
            raise error.orig from None  # a value that is not JSON, a time without a zone
        raise


def _ours(error: sa.exc.DBAPIError, where: str) -> StoreUnavailable | None:
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig, where)
    return _of_postgresql(error, where)


def _of_sqlite(error: sqlite3.Error, where: str) -> StoreUnavailable | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the kind; above it stands the detail
    if code == sqlite3.SQLITE_FULL:
        return StorageFull(f"{where} {_FULL}")
    return StoreUnavailable(f"{where} {_SQLITE[code]}") if code in _SQLITE else None


def _of_postgresql(error: sa.exc.DBAPIError, where: str) -> StoreUnavailable | None:
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # not an answer of the server
        lost = error.connection_invalidated or isinstance(error, sa.exc.OperationalError)
        return StoreUnavailable(f"{where} {_NO_REACH}") if lost else None
    if state == "53100":
        return StorageFull(f"{where} {_FULL}")
    if state in _CONFLICTS:
        return TransientConflict(f"{where} {_CONFLICT}")
    for code in (state, state[:3], state[:2]):
        if code in _POSTGRESQL:
            return StoreUnavailable(f"{where} {_POSTGRESQL[code]}")
    return None
