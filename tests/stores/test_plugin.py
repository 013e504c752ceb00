import subprocess
import sys

import pytest

from batchjob.abc import Settings
from batchjob.errors import MissingExtra
from batchjob.stores.memory import MemoryStore
from batchjob.stores.plugin import batchjob_stores
from batchjob.stores.sql import SqlStore


def test_the_stores_have_their_schemes() -> None:
    """There are stores for memory, SQLite and PostgreSQL."""
    assert list(batchjob_stores()) == ["memory", "sqlite", "postgresql", "postgres"]


@pytest.mark.parametrize("url", ["memory:", "memory://"])
def test_each_opening_of_memory_is_a_store_of_its_own(url: str) -> None:
    """Two stores in memory have nothing in common."""
    opened = [batchjob_stores()["memory"](url, Settings(store=url)) for _ in range(2)]
    assert all(isinstance(store, MemoryStore) for store in opened)
    assert opened[0] is not opened[1]


def test_a_sql_url_opens_a_sql_store(sqlite_url: str) -> None:
    """A URL of SQLite opens a store in that file."""
    store = batchjob_stores()["sqlite"](sqlite_url, Settings(store=sqlite_url))
    assert isinstance(store, SqlStore)
    store.close()


def test_stores_are_offered_without_their_packages() -> None:
    """The plugin and the store in memory load no SQLAlchemy."""
    code = (
        "import sys, batchjob.stores.plugin, batchjob.stores.memory;"
        "sys.exit('sqlalchemy' in sys.modules or 'alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLAlchemy is not installed, a SQL store says which extra brings it."""
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingExtra, match=r"pip install 'batchjob\[sql\]'"):
        batchjob_stores()["sqlite"]("sqlite:///x.db", Settings())


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where psycopg is not installed, a PostgreSQL store says which extra brings it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'batchjob\[postgresql\]'"):
        batchjob_stores()["postgres"]("postgres://u@127.0.0.1:1/x", Settings())
