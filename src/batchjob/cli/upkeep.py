"""Looking after the store: ``db`` and ``purge``."""

from datetime import timedelta

import click

from batchjob.cli.saying import note, write_json
from batchjob.cli.settings import Where, duration, with_json, with_settings


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


@click.command()
@click.option(
    "--older-than",
    required=True,
    callback=duration,
    metavar="TIME",
    help="How long ago a job must have ended, e.g. 30d, 12h, 90m or 45s.",
)
@with_json
@with_settings
def purge(where: Where, *, older_than: float, as_json: bool) -> int:
    """Forget jobs that ended long ago, with their files; open jobs are never forgotten."""
    with where.open() as jobs:
        purged = jobs.purge(older_than=timedelta(seconds=older_than))
    if as_json:
        write_json({"purged": purged})
    else:
        note(f"purged {purged} jobs and their files" if purged != 1 else "purged 1 job")
    return 0
