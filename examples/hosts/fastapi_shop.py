"""A FastAPI service whose users ask for bulk jobs.

uvicorn fastapi_shop:app

It has a route of its own that makes a job, serves batchjob's API below /jobs, and works on the jobs
in a thread beside it. Who asks is the user of the service's own login, which is a header here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from letters import opened
from starlette.concurrency import run_in_threadpool

from batchjob import job_to_json
from batchjob.web import Caller, Connection, create_app

jobs = opened()


def user_of(request: Request) -> str:
    """Return who is logged in: a service of yours looks at its session."""
    user = request.headers.get("x-shop-user")
    if not user:
        raise HTTPException(status_code=401)
    return user


async def caller(connection: Connection) -> Caller | None:
    """Tell batchjob's API the same."""
    user = connection.headers.get("x-shop-user")
    return Caller(user) if user else None


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Work on jobs while the service runs."""
    pool = jobs.pool(threads=1)
    pool.start()
    yield
    pool.drain()
    await run_in_threadpool(pool.join)
    jobs.close()


app = FastAPI(lifespan=lifespan)
api: Any = create_app(jobs, authenticator=caller)
app.mount("/jobs", api)


@app.post("/letters", status_code=202)
async def write_letters(names: list[str], user: Annotated[str, Depends(user_of)]) -> Any:
    """Have letters written, by a job of the user's."""
    job = await run_in_threadpool(jobs.create, "letters", {"names": names}, actor=user)
    return {"batch_job": job_to_json(job), "url": f"/jobs/admin/batch-jobs/{job.id}"}
