"""The way to the catalogue's database: its URL, its connections, and what may be wrong with it.

Here belongs what differs between SQLite and PostgreSQL as servers. What is asked of them does
not; only the few spellings of SQL that differ are here, in `Dialect`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from weakref import finalize

import attrs

from batchjob.abc.settings import SQL_DRIVERS
from batchjob.errors import InvalidSetting, MissingExtra, StoreUnavailable

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

_PSYCOPG: Final = "postgresql+psycopg"
_SQLITE: Final = ("sqlite", "sqlite+pysqlite")
_RIGHT: Final = "sqlite:///shop.db or postgresql://user@host/database"

# SQLSTATE classes and codes of PostgreSQL (its appendix A), the longest match counts.
_STATES: Final = {
    "28": "the server of the catalogue refuses the login: check user and password",
    "3D": "the server of the catalogue has no database of this name",
    "42501": "the catalogue's user may not read its tables",
    "42703": "the catalogue's tables lack a column of Medusa v1's layout",
    "42P01": "the database holds no catalogue: tables of Medusa v1's layout are missing",
    "53": "the server of the catalogue has no room for more: try again later",
    "55P03": "the catalogue is locked by another program: try again when that is done",
    "57": "the server of the catalogue broke off: try again later",
    "08": "the server of the catalogue does not answer: check host and port, and that it runs",
}
_TEXTS: Final = {  # what SQLite says, as it numbers its errors only from Python 3.11 on in part
    "unable to open database file": "the catalogue is not there: name an SQLite file that exists",
    "no such table": _STATES["42P01"],
    "no such column": _STATES["42703"],
    "database is locked": _STATES["55P03"],
    "file is not a database": "the catalogue's file is no SQLite database",
    "disk image is malformed": "the catalogue's file is damaged",
}
_POOL: Final[Mapping[str, Any]] = {"max_overflow": -1}  # a connection for each thread that reads
_SILENT: Final = _STATES["08"]
_UNKNOWN: Final = "the catalogue cannot be read"


class CatalogUnavailable(StoreUnavailable):
    """The catalogue is out of reach, locked, or holds no tables of Medusa v1's layout."""

    code = "catalog_unavailable"


@attrs.frozen(kw_only=True)
class Dialect:
    """How one database spells what the two spell differently.

    ``c`` makes a text compare by code point, ``among`` is true of an id in the JSON array that a
    parameter holds, ``within`` too and quickly without an index, in parentheses and ``IS TRUE``
    (else PostgreSQL takes it for a join), and ``find`` is the place of one text in another, 0 for
    nowhere.
    """

    name: str
    c: str
    among: str
    within: str
    find: str


POSTGRESQL: Final = Dialect(
    name="postgresql",
    c=' COLLATE "C"',
    # An array as parameter costs the driver three times what the server needs to read JSON.
    among="= ANY(ARRAY(SELECT json_array_elements_text(CAST(:{} AS json))))",
    within="IN (SELECT json_array_elements_text(CAST(:{} AS json)))",
    find="strpos({}, {})",
)
SQLITE: Final = Dialect(
    name="sqlite",
    c="",
    among="IN (SELECT value FROM json_each(:{}))",
    within="IN (SELECT value FROM json_each(:{}))",
    find="instr({}, {})",
)


class Catalog:
    """A catalogue's database, connected to when it is first read; safe to use from threads.

    *url* is ``sqlite:///FILE`` (the file must be there: none is made) or ``postgresql://...``.
    """

    def __init__(self, url: str) -> None:
        self._url, self._lock = url, Lock()
        self._engine: Engine | None = None

    @property
    def dialect(self) -> Dialect:
        """How this catalogue's database spells SQL; raises as `engine` does."""
        return SQLITE if self.engine.dialect.name == "sqlite" else POSTGRESQL

    @property
    def engine(self) -> "Engine":
        """SQLAlchemy's engine for this catalogue.

        `InvalidSetting` if the URL is of no use, `MissingExtra` without the packages it needs.
        """
        with self._lock:
            if self._engine is None:
                self._engine = _engine(self._url)
                # Nobody closes a strategy, so its connections go when it does.
                finalize(self, self._engine.dispose)
            return self._engine

    @contextmanager
    def read(self) -> "Iterator[Connection]":
        """Open a connection whose reads all see the catalogue as it is at the first of them.

        Not for writing. `CatalogUnavailable` for whatever the database cannot do, also inside
        the block; it says what is wrong, without SQL, password or path.
        """
        from sqlalchemy.exc import DBAPIError

        try:
            with self.engine.connect() as connection:
                _settle(connection)
                yield connection
        except DBAPIError as error:
            raise CatalogUnavailable(_reason(error.orig)) from error

    @contextmanager
    def write(self) -> "Iterator[Connection]":
        """Open a transaction that commits when the block ends, and keeps nothing if it raises.

        What a row is at fault for is raised as SQLAlchemy has it (IntegrityError, DataError);
        whatever else the database cannot do is `CatalogUnavailable`.
        """
        from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

        try:
            with self.engine.connect() as connection:
                if connection.dialect.name == "sqlite":  # so that nobody writes in between
                    connection.execution_options(batchjob_writes=True)
                with connection.begin():
                    yield connection
        except (IntegrityError, DataError):
            raise
        except DBAPIError as error:
            raise CatalogUnavailable(_reason(error.orig)) from error

    def probe(self) -> None:
        """Make sure that there is a catalogue; raises as `read` does."""
        with self.read() as connection:
            connection.exec_driver_sql("SELECT id FROM product LIMIT 1")

    def close(self) -> None:
        """Let go of connections; the catalogue may be used again afterwards."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()


def _engine(given: str) -> "Engine":
    try:
        from sqlalchemy import create_engine, event
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError
    except ImportError as error:
        raise MissingExtra("a catalogue", "products") from error
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):  # which quote the URL, with its password
        message = f"the catalogue's URL cannot be read; one is {_RIGHT}"
        raise InvalidSetting(message) from None
    if url.drivername in _SQLITE:
        made = create_engine(_sqlite_url(url), **_POOL if _names_file(url) else {})
        event.listen(made, "connect", _leave_transactions)
        event.listen(made, "begin", _begin)
        return made
    if SQL_DRIVERS.get(url.drivername) == _PSYCOPG:
        return _postgresql(url)
    raise InvalidSetting(
        f"a catalogue is on SQLite or PostgreSQL, not on {url.drivername!r}: its URL is {_RIGHT}"
    )


def _sqlite_url(url: "URL") -> "URL":
    """Return *url* so that SQLite opens the file and never makes it."""
    if not _names_file(url):
        return url
    query: Mapping[str, str | tuple[str, ...]] = {"mode": "rw", **url.query, "uri": "true"}
    return url.set(database=f"file:{quote(str(Path(url.database or '')))}", query=query)


def _names_file(url: "URL") -> bool:
    name = url.database or ""
    return name not in {"", ":memory:"} and not name.startswith("file:")


def _postgresql(url: "URL") -> "Engine":
    from sqlalchemy import create_engine

    # Prepared statements keep the plan of the tables as they were: a bad one if those were empty.
    options: dict[str, Any] = {"prepare_threshold": None}
    if "connect_timeout" not in url.query:
        options["connect_timeout"] = 10
    try:
        return create_engine(
            url.set(drivername=_PSYCOPG),
            connect_args=options,
            pool_pre_ping=True,
            **_POOL,
        )
    except ImportError as error:
        raise MissingExtra("a catalogue on PostgreSQL", "postgresql") from error


def _leave_transactions(connection: Any, record: object) -> None:
    connection.isolation_level = None  # the driver begins none for a SELECT, so we do


def _begin(connection: "Connection") -> None:
    writes = connection.get_execution_options().get("batchjob_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _settle(connection: "Connection") -> None:
    """Make *connection* a snapshot; SQLite's transactions are that already."""
    if connection.dialect.name == "sqlite":
        return
    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    # A page asks for few rows of many: without these PostgreSQL scans whole tables for each page,
    # and compiles queries that last milliseconds.
    connection.exec_driver_sql(
        "SELECT set_config('random_page_cost', '1.1', true), set_config('jit', 'off', true)"
    )


def _reason(error: BaseException | None) -> str:
    state = getattr(error, "sqlstate", None)
    if state is not None:
        keys = (key for key in sorted(_STATES, key=len, reverse=True) if state.startswith(key))
        return _STATES.get(next(keys, ""), _UNKNOWN)
    text = str(error)
    known = (reason for part, reason in _TEXTS.items() if part in text)
    return next(known, _UNKNOWN if "sqlite" in type(error).__module__ else _connection(text))


def _connection(text: str) -> str:
    # Until there is a connection psycopg gives no SQLSTATE, only the server's words.
    if "does not exist" in text and "database" in text:
        return _STATES["3D"]
    refused = "authentication" in text or "password" in text or "role" in text
    return _STATES["28"] if refused else _SILENT
