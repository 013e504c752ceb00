"""The commands that give files: ``template`` to fill in, and ``errors`` to mend."""

import shutil
import sys
from collections.abc import Callable
from typing import BinaryIO

import click

from batchjob.cli import exits
from batchjob.cli.saving import Out, with_out
from batchjob.cli.saying import note
from batchjob.cli.settings import Where, with_settings


@click.command()
@click.argument("batch_type", metavar="TYPE")
@with_out
@with_settings
def template(where: Where, batch_type: str, *, out: Out | None) -> int:
    """Print a file to fill in and give to a job of TYPE, or save it by --out."""
    with where.open_types() as jobs:
        found = jobs.template(batch_type)
    return _give(lambda file: file.write(found.encode()), out)


@click.command()
@click.argument("job_id", metavar="ID")
@with_out
@with_settings
def errors(where: Where, job_id: str, *, out: Out | None) -> int:
    """Print the error report of a job, or save it by --out.

    It has the rows as they were given, and what is wrong with them in a last column. Mended, it can
    be given to a new job.
    """
    with where.open() as jobs, jobs.open_errors(job_id) as report:
        return _give(lambda file: shutil.copyfileobj(report, file), out)


def _give(write: Callable[[BinaryIO], object], out: Out | None) -> int:
    if out is None:
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return exits.DONE
    with out.written() as file:
        write(file)
    note(f"saved {out.given}")
    return exits.DONE
