"""The app: the routes, the gate before them, and what they are given."""

import logging
import secrets
from typing import Any, Final

import attrs
from litestar import HttpMethod, Litestar, Response, route
from litestar.datastructures import State
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

from batchjob.batchjobs import BatchJobs
from batchjob.errors import InvalidArgument
from batchjob.web import downloads, health, listing, openapi, previews, streams, types_, uploads
from batchjob.web import jobs as jobs_
from batchjob.web.auth import Authenticator, check_authenticator
from batchjob.web.callers import WebRequest
from batchjob.web.gate import OPEN, Gate
from batchjob.web.nudges import in_background
from batchjob.web.problems import allow, answer
from batchjob.web.rates import Rate

_log = logging.getLogger(__name__)

_ROUTES: Final = (
    *health.handlers,
    *jobs_.handlers,
    *listing.handlers,
    *types_.handlers,
    *openapi.handlers,
    *uploads.handlers,
    *downloads.handlers,
    *previews.handlers,
    *streams.handlers,
)


@route(
    sorted({path for handler in _ROUTES for path in handler.paths}),
    http_method=HttpMethod.OPTIONS,
)
async def options(request: WebRequest) -> Response[bytes]:
    """Say what an address takes; Litestar's own answer has the methods of one handler alone."""
    asked = request.scope["path_template"]
    (methods,) = (each.methods for each in request.app.routes if each.path_format == asked)
    return Response(b"", status_code=204, headers={"allow": allow(methods)})


@attrs.frozen(kw_only=True)
class WebSettings:
    """What an app may be told.

    ``max_body`` and ``max_upload`` are in bytes, ``link_seconds``, ``poll`` and ``heartbeat`` in
    seconds; ``creates_per_minute`` is how many jobs a user may make, in each process. ``secret``
    signs links and cursors: without one they end with the process.
    ``public_url`` is where clients find the app, if it is not where it is served.
    """

    max_body: int = 1 << 20
    max_upload: int = 100 << 20
    streams_per_user: int = 5
    creates_per_minute: int = attrs.field(default=600, validator=attrs.validators.ge(1))
    link_seconds: int = 900
    secret: bytes | None = attrs.field(default=None, repr=False)
    public_url: str | None = None
    cors_origins: tuple[str, ...] = ()
    poll: float = 0.5
    heartbeat: float = 15.0


class _App(Litestar):
    """Litestar, with the gate before all of it."""

    gate: Gate

    async def __call__(
        self,
        scope: "Scope | LifeSpanScope",
        receive: "Receive | LifeSpanReceive",
        send: "Send | LifeSpanSend",
    ) -> None:
        """Take a request through the gate."""
        known: Any = (scope, receive, send)
        if scope["type"] == "lifespan":
            await super().__call__(*known)
        else:
            await self.gate(*known)


def create_app(
    jobs: BatchJobs,
    *,
    authenticator: Authenticator | None,
    settings: WebSettings | None = None,
    prefix: str = "",
) -> Litestar:
    """Return the ASGI app that serves *jobs* to whom *authenticator* knows.

    Without an authenticator everything but ``/health`` is answered 401. *prefix* stands before
    every path, where a host hands requests on with their whole path. The app opens nothing and
    closes nothing: *jobs* are the host's. `InvalidSetting` for an authenticator that cannot be
    asked, `InvalidArgument` for jobs or settings that are none.
    """
    given = WebSettings() if settings is None else settings
    for name, value, kind in (("jobs", jobs, BatchJobs), ("settings", given, WebSettings)):
        if not isinstance(value, kind):
            raise InvalidArgument(name, type(value).__name__, kind.__name__)
    if given.secret is None:
        given = attrs.evolve(given, secret=secrets.token_bytes(32))
    if authenticator is None:
        _log.warning("no authenticator: every request but for /health is answered 401")
    else:
        check_authenticator(authenticator)
    app = _App(
        path=prefix or None,
        route_handlers=[options, *_ROUTES],  # it has to be there before Litestar's own
        exception_handlers={Exception: answer},
        state=State(
            {
                "jobs": jobs.with_engine(in_background),
                "settings": given,
                "prefix": prefix,
                "in_flight": set(),
                "creates": Rate(given.creates_per_minute),
            }
        ),
        logging_config=None,
        openapi_config=None,
        request_max_body_size=None,
    )
    app.gate = Gate(
        super(_App, app).__call__,
        authenticator=authenticator,
        open_paths=frozenset(prefix + path for path in OPEN),
        cors_origins=given.cors_origins,
    )
    return app
