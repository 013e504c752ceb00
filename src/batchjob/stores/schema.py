"""Which version a database's tables have, and bringing them up to this one.

The version is read without Alembic, which takes half a second to import; it comes in when there
is something to migrate.
"""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from batchjob.errors import StoreTooNew, StoreUnavailable
from batchjob.stores.database import Database, parsed
from batchjob.stores.faults import place

VERSION_TABLE: Final = "batchjob_alembic_version"
REVISIONS: Final = ("batchjob_0001",)
"""The migrations that this code knows, oldest first."""

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x62617463686A6F62  # "batchjob": one upgrade of a database at a time
_LEASE: Final = 120.0  # of the connections that migrate: long enough to wait for another one


def check(database: Database) -> None:
    """Make sure that the tables are those of this code.

    A SQLite file that is empty or older is brought up. `StoreUnavailable` if a PostgreSQL
    database is, `StoreTooNew` if the tables were made by a newer batchjob.
    """
    found = version(database)
    if found == REVISIONS[-1]:
        return
    where = place(database.url)
    if found is not None and found not in REVISIONS:
        raise StoreTooNew(
            f"{where} was made by a newer batchjob (its tables have version {found}, this one"
            f" knows {REVISIONS[-1]}); install that one here too"
        )
    if database.is_sqlite:
        migrate(database)
        return
    state = "has no tables of batchjob yet" if found is None else f"has tables of version {found}"
    raise StoreUnavailable(f"{where} {state}; bring it up with: batchjob db upgrade")


def version(database: Database) -> str | None:
    """Return the version of the database's tables, or None if there are none."""
    with database.read() as connection:
        if not sa.inspect(connection).has_table(VERSION_TABLE):
            return None
        table = sa.table(VERSION_TABLE, sa.column("version_num", sa.Text))
        found: str | None = connection.scalar(sa.select(table.c.version_num))
        return found


def upgrade(url: str) -> None:
    """Bring the tables of the database at *url* up to this code's, in one transaction.

    Doing so again, or twice at once, does no harm. `StoreTooNew` if they are newer.
    """
    database = Database(parsed(url), lease=_LEASE)
    try:
        if database.is_sqlite:
            database.log_ahead()
        found = version(database)
        if found is None or found in REVISIONS:
            migrate(database)
        check(database)
    finally:
        database.close()


def migrate(database: Database) -> None:
    """Run the migrations that the database lacks."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
