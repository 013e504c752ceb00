"""A SQL database: from a URL to connections that read or write. Knows no table.

A write on SQLite begins with ``BEGIN IMMEDIATE``: its driver would open no transaction for a
SELECT, and what is read and then written would be lost without an error. A read takes no lock.
Connections belong to one process: after a fork the child makes its own.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import attrs
import sqlalchemy as sa

from batchjob.abc.settings import SQL_DRIVERS
from batchjob.errors import InvalidSetting, MissingExtra
from batchjob.stores.faults import translated
from batchjob.stores.rules import dumps

_READS: Final = "batchjob_reads"
_TRIES: Final = 50
_SLOWNESS: Final = 60.0  # seconds that a transaction may be at work; above, it stands still


def parsed(url: str) -> sa.URL:
    """Return *url* with the driver that is used for it; `InvalidSetting` if it cannot be one."""
    try:
        parts = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise InvalidSetting(
            "the URL of the store cannot be read; it looks like sqlite:///batchjob.db"
            " or postgresql://user@host/database"
        ) from None
    if parts.drivername not in SQL_DRIVERS:
        raise InvalidSetting(
            f"a SQL store is in sqlite or postgresql, not in {parts.drivername.partition('+')[0]}"
        )
    if parts.drivername == "sqlite" and parts.database in {None, "", ":memory:"}:
        raise InvalidSetting("a SQLite store is a file: sqlite:///batchjob.db; or use memory:")
    return parts.set(drivername=SQL_DRIVERS[parts.drivername])


@attrs.frozen
class _Here:
    """What one process has: connections that it writes and reads with, and whose turn it is."""

    writes: sa.Engine
    reads: sa.Engine
    turn: threading.Lock = attrs.field(factory=threading.Lock)


class Database:
    """Connections to one database, for any number of threads.

    *lease* is in seconds: nobody waits for a lock for more than a quarter of it (so that a
    heartbeat comes in time), and a transaction that stands still for two of them is ended.
    """

    def __init__(self, url: sa.URL, *, lease: float) -> None:
        self.url = url
        self._lease = lease
        self._processes: dict[int, _Here] = {}  # a parent's are never touched

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file with one writer at a time."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def dialect(self) -> str:
        """The database's kind: ``sqlite`` or ``postgresql``."""
        return self.url.get_backend_name()

    @property
    def longest(self) -> float:
        """Seconds that no transaction of ours outlives, all the slower ones of them included."""
        return 2 * self._lease + _SLOWNESS

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that commits when the block ends, and keeps nothing if it raises."""
        here = self._here()
        with translated(self.url), self._turn(here.turn), here.writes.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a connection that only reads, and waits for nobody."""
        with translated(self.url), self._here().reads.connect() as connection:
            yield connection

    def log_ahead(self) -> None:
        """Make a SQLite file keep a write-ahead log: its readers and its writer never wait.

        The file remembers it. SQLite refuses the change at once while somebody writes, so wait
        for the writer's lock and try again.
        """
        with translated(self.url), closing(self._here().writes.raw_connection()) as connection:
            driver: Any = connection.driver_connection
            for left in reversed(range(_TRIES)):
                try:
                    driver.execute("PRAGMA journal_mode = WAL")
                except sqlite3.OperationalError as error:
                    if not left or error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                        raise
                    driver.execute("BEGIN IMMEDIATE")
                    driver.execute("ROLLBACK")
                else:
                    return

    def close(self) -> None:
        """Let go of this process's connections; the next use opens new ones."""
        if here := self._processes.pop(os.getpid(), None):
            here.writes.dispose()  # and with it the other's: they share them

    @contextmanager
    def _turn(self, turn: threading.Lock) -> Iterator[None]:
        """Let one thread after the other write to a SQLite file.

        SQLite has no queue: who finds it locked sleeps and looks again, while it may be free. Whose
        turn does not come soon asks SQLite all the same.
        """
        mine = self.is_sqlite and turn.acquire(timeout=self._lease / 8)
        try:
            yield
        finally:
            if mine:
                turn.release()

    def _here(self) -> _Here:
        pid = os.getpid()
        return self._processes.get(pid) or self._processes.setdefault(pid, self._made())

    def _made(self) -> _Here:
        arguments = self._of_sqlite() if self.is_sqlite else self._of_postgresql()
        try:
            engine = sa.create_engine(
                self.url,
                connect_args=arguments,
                json_serializer=dumps,
                max_overflow=-1,  # a heartbeat must not wait for another chunk's connection
            )
        except ImportError:
            raise MissingExtra("a PostgreSQL store", "postgresql") from None
        if self.is_sqlite:
            sa.event.listen(engine, "connect", _prepare)
            sa.event.listen(engine, "begin", _begin)
            return _Here(engine, engine.execution_options(**{_READS: True}))
        return _Here(engine, engine.execution_options(isolation_level="AUTOCOMMIT"))

    def _of_sqlite(self) -> dict[str, Any]:
        # no isolation level: the driver leaves transactions to us
        return {"isolation_level": None, "timeout": self._lease / 4}

    def _of_postgresql(self) -> dict[str, Any]:
        own = self.url.query.get("options", "")
        limits = {
            "idle_in_transaction_session_timeout": 2 * self._lease,
            "lock_timeout": self._lease / 4,
        }
        options = [f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items()]
        options.append(
            r"-c default_transaction_isolation=read\ committed"
        )  # each statement sees the latest
        return {
            "options": " ".join([*options, own if isinstance(own, str) else " ".join(own)]).strip(),
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": int(2 * self._lease * 1000),
            "application_name": "batchjob",
        }


def _prepare(connection: Any, record: object) -> None:
    for pragma in ("foreign_keys = ON", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get(_READS)
    driver: Any = connection.connection.driver_connection  # past SQLAlchemy: a tenth of the cost
    driver.execute("BEGIN" if reads else "BEGIN IMMEDIATE")
