"""Looking after the database of the store: ``db``."""

import click

from batchjob.cli.saying import note
from batchjob.cli.settings import Where, with_settings


@click.group()
def db() -> None:
    """Look after the database of the store."""


@db.command()
@with_settings
def upgrade(where: Where) -> int:
    """Make the store's tables, or bring them up to this version of batchjob.

    A SQLite file does that by itself when it is opened; a PostgreSQL database waits for this
    command. Doing it again does no harm.
    """
    from batchjob.stores.schema import upgrade as bring_up

    bring_up(where.store)
    note("the tables of the store are up to date")
    return 0
