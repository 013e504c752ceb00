"""Exit statuses, and which of them each error leads to."""

import os
from typing import Final

import click

from batchjob.cli.saying import complain, without_paths
from batchjob.core.job import BatchJob
from batchjob.core.results import Result
from batchjob.core.status import Status
from batchjob.errors import BatchJobError, MissingExtra, StorageFull, StoreUnavailable

DONE: Final = 0
"""Completed without a failed row, or left waiting on purpose."""

NOT_DONE: Final = 1
"""The job failed, was canceled, or completed with failed rows."""

USAGE: Final = 2
"""Wrong use, or a refused context."""

UNREACHABLE: Final = 3
"""Store, files or catalogue are out of reach."""

BUG: Final = 70
"""An error that nobody foresaw (``EX_SOFTWARE`` of ``sysexits.h``)."""

INTERRUPTED: Final = 130
"""Ctrl-C."""

PIPE_CLOSED: Final = 141
"""Who read our output has gone: what a shell says of a program that the signal PIPE ended."""

_HINT: Final = "run it again with BATCHJOB_DEBUG=1 for the traceback"


_OUT_OF_REACH: Final = {"catalog_unavailable", StoreUnavailable.code, StorageFull.code}


def of_job(job: BatchJob) -> int:
    """Return the exit status of a command that worked on *job*.

    A job that failed because something was out of reach counts as that.
    """
    result = job.result or Result()
    if job.status is Status.FAILED and _OUT_OF_REACH & {error.code for error in result.errors}:
        return UNREACHABLE
    if job.status in (Status.FAILED, Status.CANCELED):
        return NOT_DONE
    return NOT_DONE if result.outcomes is not None and result.outcomes.failed else DONE


def debugging() -> bool:
    """Tell whether tracebacks are wanted: ``BATCHJOB_DEBUG`` is set, and not to 0."""
    return os.environ.get("BATCHJOB_DEBUG", "0") not in ("", "0")


def of_error(error: Exception) -> int:
    """Say *error* in one line on standard error, and return its exit status."""
    if debugging():
        _show_traceback(error)
    if isinstance(error, ModuleNotFoundError) and error.name == "rich":
        error = MissingExtra("the command line", "cli")
    if isinstance(error, BatchJobError):
        complain(str(error))
        return UNREACHABLE if isinstance(error, StoreUnavailable) else USAGE
    if isinstance(error, click.ClickException):
        complain(_usage(error))
        return USAGE
    if isinstance(error, UnicodeEncodeError):
        complain("an argument is no text in UTF-8")
        return USAGE
    if isinstance(error, OSError) and error.errno:
        complain(f"the system refuses: {os.strerror(error.errno).lower()}; {_HINT}")
        return UNREACHABLE
    complain(f"{_class(error)}{_where(error)}: this is a bug, in batchjob or in a plugin; {_HINT}")
    return BUG


def _where(error: Exception) -> str:
    """Return the function that has raised *error*, so that it is seen whose it is."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" in {trace.tb_frame.f_globals.get('__name__')}.{trace.tb_frame.f_code.co_qualname}"


def _usage(error: click.ClickException) -> str:
    """Return what click says, and where to read more."""
    said = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return said if context is None else f"{said}; see {context.command_path} --help"


def _class(error: Exception) -> str:
    kind = type(error)
    home = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return without_paths(f"unexpected {home}{kind.__qualname__}")


def _show_traceback(error: Exception) -> None:
    import sys
    import traceback

    traceback.print_exception(error, file=sys.stderr)
