"""What a new job is asked for: ``--context`` and ``--file``, read and checked as JSON."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from batchjob._typing import Json
from batchjob.cli.settings import Command
from batchjob.core.job import BatchJob
from batchjob.errors import Fault, InvalidContext, InvalidDocument

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs

FILE_KEY = "fileKey"
"""Where a context names the file that it is about (Medusa v1's word)."""


def with_request(command: Command) -> Command:
    """Give *command* what says which job to make: TYPE, context, file, dry run."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Plan only, and wait to be confirmed."),
        click.option("--file", metavar="PATH", help="Upload this file for the job to read."),
        click.option(
            "--context",
            metavar="JSON|@FILE",
            help="What the job is asked for; @FILE reads a file, @- standard input.",
        ),
        click.argument("batch_type", metavar="TYPE"),
    ):
        command = option(command)
    return command


def read_context(text: str | None) -> dict[str, Json]:
    """Return the object that ``--context`` holds or names; `InvalidContext` if it is none."""
    from batchjob.converters import parse_json
    from batchjob.converters.plain import say

    if text is None:
        return {}
    try:
        value = parse_json(_read(text[1:]) if text.startswith("@") else text)
    except InvalidDocument as error:
        raise InvalidContext(error.faults) from None
    if not isinstance(value, Mapping):
        raise InvalidContext([Fault("", f"expected an object, found {say(value)}")])
    return dict(value)


def make_job(
    jobs: "BatchJobs",
    batch_type: str,
    context: dict[str, Json],
    *,
    file: str | None,
    dry_run: bool,
) -> BatchJob:
    """Upload *file* if there is one, and make the job; raises as `BatchJobs.create` does."""
    jobs.plugins.registry.resolve(batch_type)  # nothing is uploaded for a type that is not there
    if file is not None:
        if FILE_KEY in context:
            raise click.UsageError(f"--file and {FILE_KEY} in the context: give one of them")
        with _opened(file) as opened:
            context = {**context, FILE_KEY: jobs.upload(opened, Path(file).name).key}
    try:
        return jobs.create(batch_type, context, dry_run=dry_run)
    except InvalidContext as error:
        raise InvalidContext(list(map(_with_option, error.faults))) from error


def _with_option(fault: Fault) -> Fault:
    """Return *fault* with the option that would have been right, if a file is missing."""
    if (fault.pointer, fault.code) != (f"/{FILE_KEY}", "field_required"):
        return fault
    return fault._replace(message=f"{fault.message}; give the file by --file")


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    with _opened(name, option="--context") as file:
        return file.read()


def _opened(name: str, *, option: str = "--file") -> BinaryIO:
    path = Path(name)
    try:
        if path.is_dir():
            raise click.BadParameter(f"{path.name!r} is a folder", param_hint=option)
        return path.open("rb")
    except (OSError, ValueError) as error:
        why = os.strerror(getattr(error, "errno", 0) or 0).lower()
        raise click.BadParameter(f"cannot read {path.name!r}: {why}", param_hint=option) from None
