"""Who is asking, and the few things that every handler needs of its request."""

import asyncio
from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar

import attrs
from litestar import Request
from litestar.datastructures import State

from batchjob.batchjobs import BatchJobs

P = ParamSpec("P")
T = TypeVar("T")


@attrs.frozen
class Caller:
    """A user, as the authenticator knows them; jobs keep ``user_id`` alone."""

    user_id: str = attrs.field(validator=attrs.validators.min_len(1))
    email: str | None = attrs.field(default=None, kw_only=True)
    first_name: str | None = attrs.field(default=None, kw_only=True)
    last_name: str | None = attrs.field(default=None, kw_only=True)
    role: str = attrs.field(default="member", kw_only=True)


WebRequest: TypeAlias = Request[Caller, Any, State]
"""What handlers are given; ``request.user`` is the `Caller`."""


async def hop(func: Callable[P, T], /, *args: P.args, **options: P.kwargs) -> T:
    """Call *func* in a thread: the facade is sync, and the event loop must not wait for it."""
    return await asyncio.to_thread(func, *args, **options)


def jobs_of(request: WebRequest) -> BatchJobs:
    """Return the jobs that the app serves."""
    jobs: BatchJobs = request.app.state.jobs
    return jobs


def job_id_of(request: WebRequest) -> str:
    """Return the id in the path, whatever it looks like."""
    return str(request.path_params["job_id"])


def address(request: WebRequest, path: str) -> str:
    """Return where *path* of this app is: absolute where the public URL is known."""
    state = request.app.state
    root = state.settings.public_url
    if root is None:
        root = str(request.scope.get("root_path", ""))
    return f"{root.rstrip('/')}{state.prefix}{path}"
