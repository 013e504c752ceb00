"""The commands that move a job by hand: ``confirm`` and ``cancel``."""

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
    with where.open() as jobs:
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
        job = jobs.cancel(job_id)
    _show(job, as_json=as_json)
    return exits.DONE


def _show(job: BatchJob, *, as_json: bool) -> None:
    if as_json:
        write_job(job)
    else:
        write_line(f"{job.id} is {job.status}")
