"""The commands that make a job: ``run`` works on it here, ``create`` leaves it to others."""

import sys

import click

from batchjob.cli import exits
from batchjob.cli.contexts import make_job, read_context, with_request
from batchjob.cli.saving import Out, with_out
from batchjob.cli.saying import note, write_job, write_line
from batchjob.cli.settings import Where, with_json, with_settings
from batchjob.cli.working import finish, left_as_it_is, say_how_to_confirm, work_on
from batchjob.core.job import BatchJob
from batchjob.core.status import Status


@click.command()
@with_request
@with_out
@click.option("--yes", is_flag=True, help="Confirm a dry run without asking.")
@with_json
@with_settings
def run(
    where: Where,
    batch_type: str,
    *,
    context: str | None,
    file: str | None,
    dry_run: bool,
    yes: bool,
    out: Out | None,
    as_json: bool,
) -> int:
    """Make a job of TYPE and work on it here.

    With --dry-run the job is planned, shows what it would do, and asks; without a terminal
    nothing is asked, and the job is left waiting to be confirmed.
    """
    asked = read_context(context)
    with where.open_to_work() as jobs:
        job = make_job(jobs, batch_type, asked, file=file, dry_run=dry_run)
        job = work_on(jobs, job, where, out=out)
        if job.status is Status.PRE_PROCESSED and _is_confirmed(job, where, yes=yes, err=as_json):
            job = work_on(jobs, jobs.confirm(job.id), where, out=out)
        return finish(jobs, job, where, out=out, as_json=as_json)


@click.command()
@with_request
@with_json
@with_settings
def create(
    where: Where,
    batch_type: str,
    *,
    context: str | None,
    file: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Make a job of TYPE for others to work on.

    Its id is printed, and nothing else on standard output.
    """
    asked = read_context(context)
    with where.open_without() as jobs:
        job = make_job(jobs, batch_type, asked, file=file, dry_run=dry_run)
    if as_json:
        write_job(job)
    else:
        write_line(job.id)
    if job.status is Status.CREATED:
        note(f"made a {batch_type} job; to work on it here: {where.command('work', job.id)}")
    elif job.status is Status.PRE_PROCESSED:
        say_how_to_confirm(job, where)
    return exits.of_job(job)


def _is_confirmed(job: BatchJob, where: Where, *, yes: bool, err: bool) -> bool:
    """Show what *job* would do and return whether to do it; without a terminal nobody is asked."""
    if not (yes or _can_ask()):
        return False
    from batchjob.cli.render import show_preview

    show_preview(job, err=err)
    if yes:
        return True
    with left_as_it_is(job, where.command("confirm", job.id)):
        return _ask("Do it? [y/N] ")


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _ask(question: str) -> bool:
    """Return whether the answer is yes; asks on standard error, as standard output is data."""
    while True:
        sys.stderr.write(question)
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if answer.strip().lower() in ("y", "yes"):
            return True
        if answer.strip().lower() in ("", "n", "no"):
            if not answer.endswith("\n"):
                sys.stderr.write("\n")
            return False
        sys.stderr.write("Please answer y or n.\n")
