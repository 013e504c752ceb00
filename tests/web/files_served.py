"""What tests of files and streams share: an app that believes a header, and a real server."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from litestar.connection import ASGIConnection

from batchjob import BatchJob, BatchJobs
from batchjob.web import Caller, WebSettings, create_app
from support import Lines, Offering

ANNA = {"x-user": "usr_anna"}
BERT = {"x-user": "usr_bert"}


def believe(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller | None:
    """Take whoever the header names."""
    user_id = connection.headers.get("x-user")
    return Caller(user_id) if user_id else None


@contextlib.contextmanager
def opened(folder: Path, *strategies: Any) -> Iterator[BatchJobs]:
    """Open jobs in memory with files in *folder*."""
    plugins = {"here": Offering(Lines(), *strategies)}
    with BatchJobs.open("memory:", files=str(folder), plugins=plugins) as jobs:
        yield jobs


def app_of(jobs: BatchJobs, **settings: Any) -> Any:
    """Return an app that believes the header."""
    return create_app(jobs, authenticator=believe, settings=WebSettings(**settings))


@contextlib.contextmanager
def served(app: Any, **options: Any) -> Iterator[str]:
    """Serve *app* on a port of this machine's own, and yield its address."""
    given = {"lifespan": "off", "log_config": None, "timeout_graceful_shutdown": 1, **options}
    config = uvicorn.Config(app, port=0, ws="none", **given)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def client_of(jobs: BatchJobs, **settings: Any) -> Iterator[httpx.Client]:
    """Serve *jobs*, and yield a client that is anna's."""
    with (
        served(app_of(jobs, **settings)) as url,
        httpx.Client(base_url=url, headers=ANNA) as client,
    ):
        yield client


def done(jobs: BatchJobs, actor: str = "usr_anna", **context: Any) -> BatchJob:
    """Return a job that is made and worked on to its end."""
    return jobs.work(jobs.create("lines", context, actor=actor).id)


def left_in(folder: Path) -> list[Path]:
    """Return the files there, half-written ones too."""
    return [path for path in folder.rglob("*") if path.is_file()]
