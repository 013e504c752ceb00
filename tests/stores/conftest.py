"""Databases that the tests of the SQL store share: one server database for a worker of pytest."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stores.databases import emptied, migrated, new_postgresql


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with empty tables, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A SQLite database of the test's own."""
    path = tmp_path / "jobs.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgresql_database() -> Iterator[str]:
    """A PostgreSQL database of the session's own, with empty tables."""
    with new_postgresql() as url:
        yield migrated(url)


@pytest.fixture
def postgresql_url(postgresql_database: str) -> Iterator[str]:
    """The PostgreSQL database, for a test to leave anything in."""
    yield postgresql_database
    emptied(postgresql_database)
