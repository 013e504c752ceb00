"""Databases for catalogues: SQLite files, and PostgreSQL ones that live for one test."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from batchjob.products.catalog import Catalog
from batchjob.products.fill import Tables, fill
from batchjob.products.tables import create_tables

SERVER = os.environ.get("BATCHJOB_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
MEDUSA = Path(__file__).parents[3] / "shared" / "medusa" / "schema.sql"
DATABASES = ("sqlite", "postgresql")

MakeCatalog = Callable[[Tables], Catalog]


def _url() -> URL:
    return make_url(SERVER).set(drivername="postgresql+psycopg")


def _server(*statements: str) -> None:
    engine = create_engine(_url(), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


@contextmanager
def _database(template: str = "template0") -> Iterator[URL]:
    name = f"batchjob_test_{uuid4().hex}"
    _server(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield _url().set(database=name)
    finally:
        _server(f"DROP DATABASE {name} WITH (FORCE)")


def _load_medusa(url: URL) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    text = "\n".join(x for x in MEDUSA.read_text().splitlines() if not x.startswith("--"))
    with engine.connect() as connection:
        for statement in text.split(";\n"):
            try:
                connection.exec_driver_sql(statement) if statement.strip() else None
            except ProgrammingError as error:  # two keys name tax tables that are left out
                assert "tax_" in str(error.orig)  # noqa: PT017
    engine.dispose()


@pytest.fixture(scope="session")
def templates() -> Iterator[Callable[[str], str]]:
    """Databases with empty tables to copy from: our own, and Medusa's as its migrations make."""
    made: dict[str, str] = {}
    with ExitStack() as stack:

        def template(kind: str) -> str:
            if kind not in made:
                url = stack.enter_context(_database())
                if kind == "medusa":
                    _load_medusa(url)
                else:
                    engine = create_engine(url)
                    create_tables(engine)
                    engine.dispose()
                made[kind] = str(url.database)
            return made[kind]

        yield template


@contextmanager
def _maker(folder: Path, templates: Callable[[str], str]) -> Iterator[Callable[[str], MakeCatalog]]:
    with ExitStack() as stack:

        def on(kind: str) -> MakeCatalog:
            def make(tables: Tables) -> Catalog:
                if kind == "sqlite":
                    url = make_url(f"sqlite:///{folder / uuid4().hex}.db")
                    engine = create_engine(url)
                    create_tables(engine)
                else:
                    url = stack.enter_context(_copy(templates, kind))
                    engine = create_engine(url)
                with engine.begin() as connection:
                    fill(connection, tables)
                engine.dispose()
                catalog = Catalog(url.render_as_string(hide_password=False))
                stack.callback(catalog.close)
                return catalog

            return make

        yield on


@pytest.fixture
def make_catalog(
    tmp_path: Path, templates: Callable[[str], str]
) -> Iterator[Callable[[str], MakeCatalog]]:
    """What makes a filled catalogue on ``sqlite``, ``postgresql`` or ``medusa``, for one test."""
    with _maker(tmp_path, templates) as maker:
        yield maker


@pytest.fixture(scope="module")
def make_shared_catalog(
    tmp_path_factory: pytest.TempPathFactory, templates: Callable[[str], str]
) -> Iterator[Callable[[str], MakeCatalog]]:
    """The same, for catalogues that the tests of a module share and only read."""
    with _maker(tmp_path_factory.mktemp("catalogs"), templates) as maker:
        yield maker


@contextmanager
def _copy(templates: Callable[[str], str], kind: str) -> Iterator[URL]:
    if kind == "medusa" and not MEDUSA.exists():
        pytest.skip("Medusa's own schema.sql is not here")
    try:
        template = templates(kind)
    except OperationalError:
        pytest.skip("PostgreSQL does not answer (BATCHJOB_TEST_POSTGRESQL)")
    with _database(template) as url:
        yield url


@pytest.fixture(params=DATABASES)
def catalog_of(
    request: pytest.FixtureRequest, make_catalog: Callable[[str], MakeCatalog]
) -> MakeCatalog:
    """What makes a filled catalogue, on each database in turn."""
    return make_catalog(request.param)
