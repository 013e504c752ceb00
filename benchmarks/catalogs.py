"""Catalogues to measure on: made when they are wanted, gone when they are not any more."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, create_engine, event, make_url, text

from batchjob.products.bench import bench_batches
from batchjob.products.fill import fill
from batchjob.products.tables import create_tables

SERVER: Final = "postgresql://postgres@127.0.0.1:5432/postgres"
"""The PostgreSQL server that is asked for a database unless another one is named."""


@contextmanager
def catalog(database: str, products: int, *, folder: Path, server: str = SERVER) -> Iterator[str]:
    """Make a catalogue of so many *products*; give its URL, and drop it when the block ends.

    *database* is ``sqlite`` (a file in *folder*) or ``postgresql`` (a new database on *server*).
    """
    made = _file(folder) if database == "sqlite" else new_database(server)
    with made as url:
        engine = _engine(url)
        _fill(engine, products)
        engine.dispose()
        yield url


def reachable(server: str) -> bool:
    """Whether a PostgreSQL server answers at *server*."""
    from sqlalchemy.exc import OperationalError

    engine = _engine(server)
    try:
        engine.connect().close()
    except OperationalError:
        return False
    finally:
        engine.dispose()
    return True


def _engine(url: str) -> Engine:
    given = make_url(url)
    if given.drivername != "sqlite":
        return create_engine(given.set(drivername="postgresql+psycopg"))
    engine = create_engine(given)
    # Nobody needs a catalogue that is half made, so its making waits for no disk.
    event.listen(engine, "connect", lambda driver, _: driver.execute("PRAGMA synchronous = OFF"))
    return engine


@contextmanager
def _file(folder: Path) -> Iterator[str]:
    path = folder / f"catalog-{secrets.token_hex(4)}.db"
    try:
        yield f"sqlite:///{path}"
    finally:
        for left in folder.glob(f"{path.name}*"):
            left.unlink()


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """Make an empty database on the PostgreSQL *server*; give its URL, and drop it at the end."""
    name = f"batchjob_bench_{secrets.token_hex(6)}"
    admin = create_engine(
        make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            with admin.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()


def _fill(engine: Engine, products: int) -> None:
    create_tables(engine)
    for part in bench_batches(products):
        with engine.begin() as connection:
            fill(connection, part)
    if engine.dialect.name == "postgresql":
        # Otherwise autovacuum does it in the middle of a run, and changes the plans there.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
