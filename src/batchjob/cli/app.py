"""The program: its commands, and the one place where their errors become exit statuses."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from batchjob.cli import exits
from batchjob.cli.demo import demo
from batchjob.cli.files import errors, template
from batchjob.cli.interrupts import exit_status, interruptible
from batchjob.cli.looking import list_, show, types
from batchjob.cli.making import create, run
from batchjob.cli.moving import cancel, confirm, pause, resume, retry
from batchjob.cli.new_plugin import new_plugin
from batchjob.cli.saying import listen_to_logs, note
from batchjob.cli.serve import serve
from batchjob.cli.serving import worker
from batchjob.cli.tokens import token
from batchjob.cli.upkeep import db, purge
from batchjob.cli.working import work


class Program(click.Group):
    """A group of commands that return exit statuses and raise what went wrong."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a new user meets them."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it raises leads to one line and an exit status."""
        try:
            with interruptible():
                status = super().invoke(ctx)
                sys.stdout.flush()
        except BrokenPipeError:
            _let_go_of_output()
            return exits.PIPE_CLOSED
        except (click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001 - there is no traceback for users
            _let_go_of_output()
            return exits.of_error(error)
        return status

    def main(  # type: ignore[override]  # the other arguments are click's own matter
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run the program on *args* (default: the command line), and exit."""
        _be_lenient()
        listen_to_logs(tracebacks=exits.debugging())
        extra["standalone_mode"] = False
        try:
            status = super().main(args, prog_name or "batchjob", **extra)
        except click.Abort as abort:
            note("interrupted")
            status = exit_status(abort.__cause__)
        except click.ClickException as error:
            status = exits.of_error(error)
        sys.exit(status)


@click.group(
    "batchjob",
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="batchjob", message="%(prog)s %(version)s")
@click.pass_context
def program(context: click.Context) -> None:
    """Bulk jobs: planned, previewed, confirmed, worked on in chunks, and never lost.

    New here? Try: batchjob demo
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    demo,
    types,
    template,
    run,
    create,
    work,
    list_,
    show,
    errors,
    confirm,
    cancel,
    pause,
    resume,
    retry,
    worker,
    serve,
    token,
    purge,
    db,
    new_plugin,
):
    program.add_command(_command)


def _be_lenient() -> None:
    """Bear with what is around us where Python would give up.

    That is a stream that is closed, and a sign that the terminal's encoding does not have.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r" if name == "stdin" else "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _let_go_of_output() -> None:
    """Drop output that cannot be written: Python would complain of it once more at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
