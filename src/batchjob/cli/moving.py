"""The commands that move a job by hand: confirm, cancel, pause, resume, retry."""

import click

from batchjob.cli import exits
from batchjob.cli.saying import note, write_job, write_line
from batchjob.cli.settings import Where, with_json, with_settings
from batchjob.core.job import BatchJob
from batchjob.core.status import Status


@click.command()
@click.argument("job_id", metavar="ID")
@with_json
@with_settings
def confirm(where: Where, job_id: str, *, as_json: bool) -> int:
    """Confirm a job that waits for it."""
    with where.open_without() as jobs:
        job = jobs.confirm(job_id)
    _show(job, as_json=as_json)
    if job.status is Status.CONFIRMED:
        note(f"to work on it here: {where.command('work', job.id)}")
    return exits.of_job(job)


@click.command()
@click.argument("job_id", metavar="ID")
@with_json
@with_settings
def cancel(where: Where, job_id: str, *, as_json: bool) -> int:
    """Cancel a job that has not ended, at once."""
    with where.open() as jobs:
        _show(jobs.cancel(job_id), as_json=as_json)
    return exits.DONE


@click.command()
@click.argument("job_id", metavar="ID")
@with_json
@with_settings
def pause(where: Where, job_id: str, *, as_json: bool) -> int:
    """Let no further chunk of a job begin until it is resumed."""
    with where.open() as jobs:
        _show(jobs.pause(job_id), as_json=as_json, what="paused")
    note(f"to let it go on: {where.command('resume', job_id)}")
    return exits.DONE


@click.command()
@click.argument("job_id", metavar="ID")
@with_json
@with_settings
def resume(where: Where, job_id: str, *, as_json: bool) -> int:
    """Let a paused job go on where it was."""
    with where.open_without() as jobs:
        job = jobs.resume(job_id)
    _show(job, as_json=as_json, what="resumed")
    note(f"to work on it here: {where.command('work', job.id)}")
    return exits.DONE


@click.command()
@click.argument("job_id", metavar="ID")
@with_json
@with_settings
def retry(where: Where, job_id: str, *, as_json: bool) -> int:
    """Make a new job that tries the work of a failed one again."""
    with where.open_without() as jobs:
        job = jobs.retry(job_id)
    if as_json:
        write_job(job)
    else:
        write_line(job.id)
    note(f"to work on it here: {where.command('work', job.id)}")
    return exits.DONE


def _show(job: BatchJob, *, as_json: bool, what: str | None = None) -> None:
    if as_json:
        write_job(job)
    else:
        write_line(f"{job.id} is {what or job.status}")
