"""The commands that only look: ``types``, ``list`` and ``show``."""

from collections.abc import Sequence

import attrs
import click

from batchjob.cli import exits
from batchjob.cli.saying import write_job, write_json
from batchjob.cli.settings import Where, with_json, with_settings
from batchjob.cli.waits import waits_for
from batchjob.core.job import BatchJob
from batchjob.core.standing import Standing
from batchjob.core.status import Status

LARGEST_PAGE = 100
"""How many jobs are listed at most; ``--offset`` leads to the others."""

LARGEST_OFFSET = 10_000
"""How far into the list one can go by counting."""


@click.command()
@with_json
@with_settings
def types(where: Where, *, as_json: bool) -> int:
    """Print what jobs can be made, and asked for."""
    with where.open_types() as jobs:
        found = jobs.types()
    if as_json:
        write_json(
            [{**attrs.asdict(each), "context_schema": each.context_schema} for each in found]
        )
        return exits.DONE
    from batchjob.cli.render import show_types

    show_types(found)
    return exits.DONE


@click.command("list")
@click.option("--type", "batch_types", multiple=True, metavar="TYPE", help="Only jobs of TYPE.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([str(status) for status in Status]),
    help="Only jobs of this status.",
)
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, LARGEST_PAGE), help="How many."
)
@click.option(
    "--offset",
    default=0,
    show_default=True,
    type=click.IntRange(0, LARGEST_OFFSET),
    help="How many to leave out before them.",
)
@with_json
@with_settings
def list_(
    where: Where,
    *,
    batch_types: Sequence[str],
    statuses: Sequence[str],
    limit: int,
    offset: int,
    as_json: bool,
) -> int:
    """List jobs, newest first; --type and --status may be repeated."""
    wanted = [Status(status) for status in statuses]
    "".join(batch_types).encode()  # what is no text is wrong use, and not the name of no job
    with where.open() as jobs:
        page = jobs.list(batch_types=batch_types, statuses=wanted, limit=limit, offset=offset)
    if as_json:
        from batchjob.converters.jobs import job_to_json

        found = [job_to_json(job) for job in page.jobs]
        write_json({"batch_jobs": found, "count": page.count, "offset": offset, "limit": limit})
        return exits.DONE
    from batchjob.cli.render import show_list

    show_list(page, offset=offset)
    return exits.DONE


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--changes", is_flag=True, help="What it would do or did, row by row, instead.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(min=1), help="How many changes."
)
@click.option(
    "--offset",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="How many changes to leave out before them.",
)
@with_json
@with_settings
def show(
    where: Where, job_id: str, *, changes: bool, limit: int, offset: int, as_json: bool
) -> int:
    """Print all that is known of a job, or its changes."""
    if changes:
        return _show_changes(where, job_id, limit=limit, offset=offset, as_json=as_json)
    with where.open() as jobs:
        job, events, standing = jobs.get(job_id), jobs.events(job_id), jobs.standing(job_id)
    if as_json:
        write_job(job)
        return exits.DONE
    from batchjob.cli.render import show_job

    show_job(job, events=events, rows=_standing(standing, job, where))
    return exits.DONE


def _show_changes(where: Where, job_id: str, *, limit: int, offset: int, as_json: bool) -> int:
    with where.open() as jobs:
        page = jobs.changes(job_id, limit=limit, offset=offset)
    if as_json:
        from batchjob.converters import change_to_json

        found = [change_to_json(change) for change in page.changes]
        write_json({"changes": found, "count": page.count, "offset": offset, "limit": limit})
        return exits.DONE
    from batchjob.cli.changes import show_changes

    show_changes(page)
    return exits.DONE


def _standing(standing: Standing, job: BatchJob, where: Where) -> list[tuple[str, str]]:
    """Say why *job* does not move, and what else is known of how it stands."""
    rows: list[tuple[str, str]] = []
    if standing.wait is not None:
        rows.append(("Waits for", waits_for(standing, job, where)))
    if standing.left is not None:
        rows.append(("Time left", f"about {max(1, round(standing.left))} s"))
    if standing.chunks:
        counts = ", ".join(f"{n:,} {state}" for state, n in standing.chunks.items() if n)
        rows.append(("Chunks", counts))
    if standing.retry_of is not None:
        rows.append(("Retry of", standing.retry_of))
    return rows
