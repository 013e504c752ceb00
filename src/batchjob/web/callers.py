"""Who is asking, and the few things that every handler needs of its request."""

import asyncio
from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar

import attrs
from litestar import Request
from litestar.datastructures import State

from batchjob.batchjobs import BatchJobs
from batchjob.errors import InvalidArgument

P = ParamSpec("P")
T = TypeVar("T")


def _named(caller: object, field: object, user_id: Any) -> None:
    if not isinstance(user_id, str) or not user_id:
        found = repr(user_id) if user_id in ("", None) else type(user_id).__name__
        raise InvalidArgument("user_id", found, "a text such as 'user_7'")


@attrs.frozen
class Caller:
    """A user, as the authenticator knows them; jobs keep ``user_id`` alone.

    `InvalidArgument` if that is empty, or no text.
    """

    user_id: str = attrs.field(validator=_named)
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
