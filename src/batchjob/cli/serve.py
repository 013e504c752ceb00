"""Serving the HTTP API until somebody says to end: ``serve``."""

import os
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from batchjob.abc import GRACE, Engine
from batchjob.cli import exits
from batchjob.cli.saying import warn
from batchjob.cli.serving import ENGINES_HERE, Stopping, leave, say, with_concurrency
from batchjob.cli.settings import Where, masked, with_settings
from batchjob.errors import InvalidSetting, MissingExtra

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs
    from batchjob.worker import WorkerPool

_SECRET: Final = 32  # characters, at least


@click.command()
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen; 0.0.0.0 is everywhere.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9000,
    show_default=True,
    help="And at which port; 0 for any that is free.",
)
@click.option("--no-work", is_flag=True, help="Leave the work on jobs to workers.")
@with_concurrency
@click.option(
    "--allow-all", is_flag=True, help="Let everybody in, without a token; on this machine alone."
)
@click.option(
    "--public-url",
    metavar="URL",
    help="Where clients find it, if not where it listens; for links.",
)
@click.option(
    "--cors-origin",
    "cors_origins",
    metavar="ORIGIN",
    multiple=True,
    help="An origin whose pages may ask from browsers; may be repeated.",
)
@with_settings
def serve(
    where: Where,
    *,
    host: str,
    port: int,
    no_work: bool,
    concurrency: int,
    allow_all: bool,
    public_url: str | None,
    cors_origins: Sequence[str],
) -> int:
    """Serve the HTTP API, and work on the jobs it is given, until it is told to end.

    Who shows a token of the store is let in: batchjob token create --user ID makes one. Signals
    end it as they end a worker.
    """
    try:
        from batchjob.web.serving import AppServer, bind, listens_here_alone, url_of
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "batchjob":
            raise
        raise MissingExtra("the command serve", "http") from None
    with where.open_without(*ENGINES_HERE) as jobs, _listening(bind, host, port) as listener:
        if allow_all and not listens_here_alone(listener):
            raise InvalidSetting(
                f"--allow-all lets everybody in, and {host} can be reached from other machines; "
                "listen at 127.0.0.1, or leave it out and make tokens"
            )
        pool = None if no_work else jobs.pool(threads=concurrency)
        app = _app(jobs, pool, allow_all, public_url, cors_origins)
        with Stopping(stdin=None) as stopping:
            server = AppServer(app, listener, ended=stopping.stop)
            server.start()
            _say_who_may(jobs, allow_all=allow_all)
            say(f"serves the jobs of {masked(jobs.settings.store)} at {url_of(listener)}")
            done = _until_the_end(stopping, server, pool)
        if not done:
            leave()
    return exits.DONE


def _until_the_end(stopping: Stopping, server: Any, pool: "WorkerPool | None") -> bool:
    if pool is not None:
        pool.start()
    stopping.wait(lambda: None)
    server.stop()
    if pool is not None:
        pool.drain()
    say(f"ending; chunks that are being done have {GRACE:g} s")

    def end() -> bool:
        server.join()
        return pool is None or pool.join()

    return stopping.meanwhile(end)


def _listening(bind: Any, host: str, port: int) -> socket.socket:
    try:
        listener: socket.socket = bind(host, port)
    except OSError as error:
        reason = (error.strerror or "it is no address").lower()
        raise InvalidSetting(f"cannot listen at {host}, port {port}: {reason}") from None
    return listener


def _app(
    jobs: "BatchJobs",
    pool: "WorkerPool | None",
    allow_all: bool,  # noqa: FBT001 - private
    public_url: str | None,
    cors_origins: Sequence[str],
) -> Any:
    from batchjob.web import AllowAll, ApiTokens, WebSettings, create_app

    secret = os.environ.get("BATCHJOB_SECRET")
    if secret is not None and len(secret) < _SECRET:
        raise InvalidSetting(f"BATCHJOB_SECRET is too short: give {_SECRET} characters or more")
    settings = WebSettings(
        secret=None if secret is None else secret.encode(),
        public_url=public_url,
        cors_origins=tuple(cors_origins),
    )
    authenticator = AllowAll(i_understand=True) if allow_all else ApiTokens(jobs)
    served = jobs if pool is None else jobs.with_engine(lambda engine: engine or _PoolEngine(pool))
    return create_app(served, authenticator=authenticator, settings=settings)


def _say_who_may(jobs: "BatchJobs", *, allow_all: bool) -> None:
    if allow_all:
        warn("everybody who reaches this address may do everything")
    elif not jobs.tokens():
        say("nobody can come in yet; make a token: batchjob token create --user ID")


class _PoolEngine(Engine):
    """Has the workers of this process look for chunks at once."""

    def __init__(self, pool: "WorkerPool") -> None:
        self._pool = pool

    def nudge(self, job_id: str) -> None:
        """Wake them."""
        self._pool.nudge()
