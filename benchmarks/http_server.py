"""A server on one core, for the suite ``http``: the API, and beside it what it is compared with.

    python -m benchmarks.http_server FOLDER

It says on one line where it is and what to ask for, as JSON, and ends with its input.
"""

import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from litestar import Litestar, Request, Response, get

from batchjob import BatchJobs
from batchjob.core.ids import job_id
from batchjob.core.job import BatchJob, Terms
from batchjob.core.status import Status
from batchjob.core.times import to_epoch_ms
from batchjob.stores import rows, tables
from batchjob.stores.database import Database, parsed
from batchjob.web import ApiTokens, WebSettings, create_app, cursors
from batchjob.web.callers import hop
from batchjob.web.serving import AppServer, bind, url_of
from benchmarks.empty_jobs import Plugin

JOBS: Final = 100_000
PAGE: Final = 50
_BARE: Final = "/bare"
_USER: Final = "usr_bench"
_SECRET: Final = b"a secret that signs cursors"
_ROWS: Final = 5000  # of one insert
_PATH: Final = "/admin/batch-jobs"


def serve(folder: Path) -> None:
    """Serve until standard input ends."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    store = f"sqlite:///{folder / 'http.db'}"
    with BatchJobs.open(store, files=str(folder / "files"), plugins={"bench": Plugin()}) as jobs:
        database = Database(parsed(store), lease=jobs.settings.lease)
        _fill(database, jobs)
        _, token = jobs.create_token(_USER)
        job = jobs.work(jobs.create("empty", actor=_USER).id)
        last = jobs.list(order="created_at", offset=PAGE, limit=1, actor=_USER).jobs[0]
        cursor = cursors.cursor_after(last, "-created_at", _USER, secret=_SECRET)
        listener = bind("127.0.0.1", 0)
        server = AppServer(_app(jobs, database), listener)
        server.start()
        told = {
            "url": url_of(listener),
            "token": token,
            "get": f"{_PATH}/{job.id}",
            "bare": f"{_BARE}/jobs/{job.id}",
            "create": _PATH,
            "facade": f"{_BARE}/created",
            "first": f"{_PATH}?limit={PAGE}",
            "last": f"{_PATH}?limit={PAGE}&cursor={cursor}",
        }
        print(json.dumps(told), flush=True)
        sys.stdin.read()
        server.stop()
        server.join()
        database.close()


def _app(jobs: BatchJobs, database: Database) -> Any:
    """Return the API, and the bare app beside it."""
    settings = WebSettings(secret=_SECRET, creates_per_minute=1_000_000)
    api = create_app(jobs, authenticator=ApiTokens(jobs), settings=settings)
    bare = _bare(jobs, database)

    async def either(scope: Any, receive: Any, send: Any) -> None:
        below = scope.get("path", "").startswith(_BARE)
        await (bare if below else api)(scope, receive, send)

    return either


def _bare(jobs: BatchJobs, database: Database) -> Litestar:
    """Return what one would write by hand: a token looked up, a row read, each in a thread."""

    @get("/jobs/{key:str}")
    async def row(request: Request[Any, Any, Any], key: str) -> Response[Any]:
        if await hop(jobs.holder, request.headers.get("x-medusa-access-token", "")) is None:
            return Response({}, status_code=401)
        found = await hop(read, key)
        return Response({} if found is None else dict(found))

    def read(key: str) -> sa.RowMapping | None:
        wanted = sa.select(tables.job).where(tables.job.c.id == key)
        with database.read() as connection:
            return connection.execute(wanted).mappings().first()

    @get("/created")
    async def created() -> Response[Any]:
        def create() -> float:
            start = time.perf_counter()
            jobs.create("empty", {}, actor=_USER)
            return time.perf_counter() - start

        return Response({"seconds": await hop(create)})

    return Litestar([row, created], path=_BARE, logging_config=None, openapi_config=None)


def _fill(database: Database, jobs: BatchJobs) -> None:
    """Make jobs that were canceled, a second apart, the last one some minutes ago."""
    start = jobs.clock.now() - timedelta(seconds=JOBS + 600)
    for first in range(0, JOBS, _ROWS):
        made = [_row(start + timedelta(seconds=n)) for n in range(first, first + _ROWS)]
        with database.write() as connection:
            connection.execute(sa.insert(tables.job), made)
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")


def _row(at: Any) -> dict[str, Any]:
    job = BatchJob(
        id=job_id(to_epoch_ms(at), 7),
        batch_type="empty",
        status=Status.CANCELED,
        created_by=_USER,
        created_at=at,
        updated_at=at,
        canceled_at=at,
    )
    terms = Terms(context_version=1)
    return rows.of_job(job, terms) | {"ended_at": at, "tidied_at": at}


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
