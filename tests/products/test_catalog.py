"""The way to a catalogue's database, and what is said when it cannot be gone."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, insert, select

from batchjob.errors import InvalidSetting, StoreUnavailable
from batchjob.products.catalog import Catalog, CatalogUnavailable
from batchjob.products.tables import PRODUCT, create_tables
from products.conftest import MakeCatalog
from products.exporting import export
from products.shops import Shop


def _said(catalog: Catalog) -> str:
    with pytest.raises(CatalogUnavailable) as caught:
        export(catalog)
    catalog.close()
    assert isinstance(caught.value, StoreUnavailable)
    return str(caught.value)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """An SQLite file that is not there is said to be missing, and is not made."""
    said = _said(Catalog(f"sqlite:///{tmp_path}/none.db"))
    assert "not there" in said
    assert str(tmp_path) not in said
    assert not (tmp_path / "none.db").exists()


def test_a_database_without_tables(tmp_path: Path) -> None:
    """A database that holds no catalogue is said to hold none."""
    sqlite3.connect(tmp_path / "empty.db").execute("VACUUM")
    assert "holds no catalogue" in _said(Catalog(f"sqlite:///{tmp_path}/empty.db"))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file that is no SQLite database is said to be none."""
    (tmp_path / "x.db").write_text("no database, but long enough to be read as one" * 9)
    assert "no SQLite database" in _said(Catalog(f"sqlite:///{tmp_path}/x.db"))


def test_a_locked_catalogue(tmp_path: Path) -> None:
    """A catalogue that another program has locked is said to be locked."""
    path = tmp_path / "x.db"
    engine = create_engine(f"sqlite:///{path}")
    create_tables(engine)
    engine.dispose()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert "locked by another program" in _said(Catalog(f"sqlite:///{path}?timeout=0.1"))
    other.close()


@pytest.mark.parametrize("host", ["127.0.0.1:1", "host.invalid"])
def test_a_server_that_does_not_answer(host: str) -> None:
    """A server that does not answer is said not to, without user, password or host."""
    said = _said(Catalog(f"postgresql://someone:s3cret@{host}/shop"))
    assert "does not answer" in said
    assert not {"s3cret", "someone", "host.invalid", "127.0.0.1"} & set(said.split())


def test_a_server_without_the_database(make_catalog: Callable[[str], MakeCatalog]) -> None:
    """A database that the server does not have, and one without tables, are told apart."""
    catalog = make_catalog("postgresql")({})
    url = catalog.engine.url
    spelt = url.set(database="not_there_at_all").render_as_string(hide_password=False)
    assert "no database of this name" in _said(Catalog(spelt))
    with catalog.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE product RENAME TO elsewhere")
    assert "holds no catalogue" in _said(catalog)


@pytest.mark.parametrize("url", ["no url", "", "mysql://root:s3cret@host/x", "memory:"])
def test_a_url_that_is_of_no_use(url: str) -> None:
    """A URL that is none, or of another database, is refused with what would be right."""
    with pytest.raises(InvalidSetting, match=r"sqlite:///shop\.db or postgresql://") as caught:
        export(Catalog(url))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_spellings_of_postgresql(scheme: str, make_catalog: Callable[[str], MakeCatalog]) -> None:
    """All spellings of a PostgreSQL URL mean the same driver."""
    shop = Shop()
    shop.variant(shop.product())
    url = make_catalog("postgresql")(shop.tables).engine.url.set(drivername=scheme)
    catalog = Catalog(url.render_as_string(hide_password=False))
    assert b"prod_a" in export(catalog)
    catalog.close()


def test_a_closed_catalogue_opens_again(make_catalog: Callable[[str], MakeCatalog]) -> None:
    """A catalogue that was closed can be read again."""
    catalog = make_catalog("sqlite")({})
    catalog.close()
    assert export(catalog).startswith(b"Product Id")


def test_a_path_of_any_kind(tmp_path: Path) -> None:
    """A path may hold spaces, percent and question marks, and letters of any kind."""
    path = tmp_path / "a b%20c#é.db"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path))
    create_tables(engine)
    engine.dispose()
    catalog = Catalog(URL.create("sqlite", database=str(path)).render_as_string())
    assert export(catalog).startswith(b"Product Id")
    catalog.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_catalogue_in_memory(url: str) -> None:
    """A catalogue may be in memory, where it is empty at first and its thread's own."""
    catalog = Catalog(url)
    create_tables(catalog.engine)
    assert export(catalog).startswith(b"Product Id")
    catalog.close()


def test_times_are_aware_and_naive_ones_refused(catalog_of: MakeCatalog) -> None:
    """Times go in and come out aware and in UTC; naive ones are refused."""
    engine = catalog_of({}).engine
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    with engine.begin() as connection:
        row = {"id": "prod_a", "title": "T", "created_at": noon}
        connection.execute(insert(PRODUCT), row)
        made, changed = connection.execute(select(PRODUCT.c.created_at, PRODUCT.c.updated_at)).one()
    assert made == noon
    assert changed.utcoffset() == made.utcoffset()
    naive = insert(PRODUCT).values(id="b", title="T", created_at=datetime(2024, 1, 1))  # noqa: DTZ001
    with engine.connect() as connection, pytest.raises(Exception, match="needs its zone"):
        connection.execute(naive)


def test_the_plugin_loads_no_database_package() -> None:
    """Loading the plugin loads neither SQLAlchemy nor a driver."""
    code = "import sys, batchjob.products.plugin; print('sqlalchemy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ran.stdout == "False\n"
