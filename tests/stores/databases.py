"""Databases for the tests of the SQL store: files and a real server, with a clock that is moved."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import attrs
import psycopg
import pytest
import sqlalchemy as sa

from batchjob.abc import Settings
from batchjob.stores import (
    indexes,  # noqa: F401 - they are to be in the metadata
    schema,
)
from batchjob.stores.sql import SqlStore
from batchjob.stores.tables import metadata

SERVER: Final = os.environ.get(
    "BATCHJOB_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"
)
SETTINGS: Final = Settings(lease=30.0)
CLOCK: Final = "(SELECT seconds FROM test_clock)"
_EXTRAS: Final = (
    "CREATE TABLE test_clock (seconds double precision NOT NULL)",
    "INSERT INTO test_clock VALUES (1000000.0)",
    "CREATE TABLE test_word (word text NOT NULL)",
)


def with_extras(url: str) -> None:
    """Give a migrated database a clock that tests move, and a table that they write to."""
    with opened(url) as store, store.transaction() as connection:
        for statement in _EXTRAS:
            connection.execute(sa.text(statement))


@contextmanager
def opened(url: str, **options: Any) -> Iterator[SqlStore]:
    """Open a store and close it in the end."""
    store = SqlStore.open(url, SETTINGS, **options)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def new_postgresql() -> Iterator[str]:
    """Make a database of a name of its own, and drop it in the end; skip if no server answers."""
    name = f"batchjob_test_{os.getpid()}_{secrets.token_hex(4)}"
    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        pytest.skip("no PostgreSQL answers at BATCHJOB_TEST_POSTGRESQL")
    with server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield sa.make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def emptied(url: str) -> None:
    """Delete all rows of a database, and put its clock back."""
    names = ", ".join(table.name for table in metadata.sorted_tables)
    with opened(url) as store, store.transaction() as connection:
        connection.execute(sa.text(f"TRUNCATE {names}, test_word RESTART IDENTITY"))
        connection.execute(sa.text("UPDATE test_clock SET seconds = 1000000.0"))


def migrated(url: str) -> str:
    """Bring a new database up, with the extras."""
    schema.upgrade(url)
    with_extras(url)
    return url


@attrs.frozen
class Clock:
    """Moves the clock that a store reads instead of its database's."""

    store: SqlStore

    def __call__(self, seconds: float) -> None:
        """Move on, or back."""
        with self.store.transaction() as connection:
            moved = sa.text("UPDATE test_clock SET seconds = seconds + :seconds")
            connection.execute(moved, {"seconds": seconds})


@attrs.frozen
class Words:
    """The words of a table in the store's own database."""

    store: SqlStore

    def add(self, transaction: Any, word: str) -> None:
        """Insert a word on the transaction's connection."""
        transaction.execute(sa.text("INSERT INTO test_word VALUES (:word)"), {"word": word})

    def seen(self) -> Sequence[str]:
        """Return the words that are committed."""
        with self.store.transaction() as connection:
            return connection.scalars(sa.text("SELECT word FROM test_word")).all()
