"""Jobs and chunks in SQLite or PostgreSQL: the parts of the store, opened from a URL."""

from typing import Self

import attrs

from batchjob.abc import Settings, Store
from batchjob.stores import schema
from batchjob.stores.database import Database, parsed
from batchjob.stores.dialects import DIALECTS
from batchjob.stores.sql_chunks import SqlChunks
from batchjob.stores.sql_jobs import SqlJobs
from batchjob.stores.sql_listeners import SqlListeners
from batchjob.stores.sql_standings import SqlStandings
from batchjob.stores.sql_sweeps import SqlSweeps
from batchjob.stores.sql_tokens import SqlTokens
from batchjob.stores.statements import Statements


class SqlStore(SqlJobs, SqlStandings, SqlListeners, SqlChunks, SqlSweeps, SqlTokens, Store):
    """A store in a SQL database; `open` makes one.

    ``transaction()`` yields SQLAlchemy's `Connection`: what is executed on it commits with the
    chunk. *now_sql* replaces the database's clock by another SQL expression (seconds since 1970).
    """

    def __init__(self, database: Database, *, now_sql: str | None = None) -> None:
        dialect = DIALECTS[database.dialect]
        self._database = database
        self._statements = Statements(
            dialect if now_sql is None else attrs.evolve(dialect, now=now_sql)
        )

    @classmethod
    def open(cls, url: str, settings: Settings, *, now_sql: str | None = None) -> Self:
        """Open the store at *url* (``sqlite:///file`` or ``postgresql://...``).

        An empty SQLite file gets its tables. `InvalidSetting` if the URL cannot be used,
        `StoreUnavailable` if the database cannot, `StoreTooNew` if a newer batchjob made it.
        """
        database = Database(parsed(url), lease=settings.lease)
        try:
            if database.is_sqlite:
                database.log_ahead()
            schema.check(database)
        except BaseException:
            database.close()
            raise
        return cls(database, now_sql=now_sql)
