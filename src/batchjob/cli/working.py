"""Working on a job here, shown as it goes, and what is said when it is over: ``work``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from batchjob.cli import exits
from batchjob.cli.interrupts import exit_status
from batchjob.cli.saving import Out, with_out
from batchjob.cli.saying import note, warn, write_job
from batchjob.cli.settings import Where, with_json, with_settings
from batchjob.cli.waits import waits_for
from batchjob.core.job import BatchJob
from batchjob.core.status import OPEN, Status
from batchjob.errors import BatchJobError, NoResult, StoreUnavailable

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs


@click.command()
@click.argument("job_id", metavar="ID")
@with_out
@with_json
@with_settings
def work(where: Where, job_id: str, *, out: Out | None, as_json: bool) -> int:
    """Go on with a job here, from where it stands.

    Chunks that are done are not done again. One that another worker holds is waited for. Of a
    job that is completed, --out saves the file.
    """
    with where.open_to_work() as jobs:
        job = work_on(jobs, jobs.get(job_id), where, out=out)
        return finish(jobs, job, where, out=out, as_json=as_json)


def work_on(jobs: "BatchJobs", job: BatchJob, where: Where, *, out: Out | None = None) -> BatchJob:
    """Work on *job* here with its progress on standard error, until it ends or has to wait."""
    with left_as_it_is(job, where.command("work", job.id, *_saved(out))):
        from batchjob.cli.progress import progress

        with progress(jobs, job) as shown:
            return jobs.work(job.id, watch=shown.watch)


@contextmanager
def left_as_it_is(job: BatchJob, command: str) -> Iterator[None]:
    """Say by which *command* to go on with *job*, if the block is interrupted or breaks off."""
    left = f"job {job.id} is left as it is; go on with: {command}"
    try:
        yield
    except KeyboardInterrupt as interrupt:
        note(f"interrupted; {left}")
        raise click.exceptions.Exit(exit_status(interrupt)) from None
    except Exception as error:
        if isinstance(error, StoreUnavailable) or not isinstance(error, BatchJobError):
            note(left)
        raise


def finish(
    jobs: "BatchJobs", job: BatchJob, where: Where, *, out: Out | None, as_json: bool
) -> int:
    """Save the file of *job* if that is asked for, show the job, and return the exit status."""
    size: int | None = None
    try:
        if out is not None and job.status is Status.COMPLETED:
            size = out.save(jobs, job.id)
    except NoResult:
        warn(f"job {job.id} made no file, so nothing is saved")
    except StoreUnavailable:
        note(f"try again with: {where.command('work', job.id, *_saved(out))}")
        raise
    finally:
        _show(job, as_json=as_json)
    if size is not None and out is not None:
        note(f"saved {out.given} ({size:,} bytes)")
    if job.status is Status.PRE_PROCESSED:
        say_how_to_confirm(job, where, out=out)
    elif job.status in OPEN and (why := waits_for(jobs.standing(job.id), job, where)):
        note(f"job {job.id} waits for {why}")
    return exits.of_job(job)


def say_how_to_confirm(job: BatchJob, where: Where, *, out: Out | None = None) -> None:
    """Say by which commands a job that waits to be confirmed goes on, or ends."""
    note(f"job {job.id} waits to be confirmed, and nothing has changed yet")
    note(f"to confirm it: {where.command('confirm', job.id)}")
    note(f"then go on: {where.command('work', job.id, *_saved(out))}")
    note(f"or end it: {where.command('cancel', job.id)}")


def _show(job: BatchJob, *, as_json: bool) -> None:
    if as_json:
        write_job(job)
        return
    from batchjob.cli.render import show_summary

    show_summary(job)


def _saved(out: Out | None) -> tuple[str, ...]:
    return () if out is None else ("--out", out.given)
