from collections.abc import Iterator

import pytest

from batchjob.stores.sql import SqlStore
from batchjob.testing.stores.conformance import StoreConformance
from batchjob.testing.stores.making import Advance
from stores.databases import CLOCK, Clock, Words, opened


class OnSql(StoreConformance):
    """A store in a SQL database is a store."""

    @pytest.fixture
    def advance(self, store: SqlStore) -> Advance:
        """Moves the clock."""
        return Clock(store)

    @pytest.fixture
    def effects(self, store: SqlStore) -> Words:
        """Words in a table."""
        return Words(store)


class TestOnSqlite(OnSql):
    """The same in a SQLite file."""

    @pytest.fixture
    def store(self, sqlite_url: str) -> Iterator[SqlStore]:
        """An empty store."""
        with opened(sqlite_url, now_sql=CLOCK) as store:
            yield store


class TestOnPostgresql(OnSql):
    """The same on a PostgreSQL server."""

    @pytest.fixture
    def store(self, postgresql_url: str) -> Iterator[SqlStore]:
        """An empty store."""
        with opened(postgresql_url, now_sql=CLOCK) as store:
            yield store
