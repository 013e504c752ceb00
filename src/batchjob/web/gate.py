"""The gate that every request passes first: nobody unknown gets in, whatever is asked for.

It stands before the routes, so that an address that is not there is no news for strangers. It
also gives each request an id, answers HEAD as GET, adds security headers, and keeps the log.
"""

import re
import time
from collections.abc import Iterable
from typing import Any, Final
from uuid import uuid4

from litestar.connection import ASGIConnection
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from batchjob.web.auth import Authenticator, asked
from batchjob.web.logs import REQUEST_ID, request_ended
from batchjob.web.problems import Problem, as_problem, problem

OPEN: Final = frozenset({"/health"})
"""What everybody may ask for."""

_REQUEST_ID: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
_CORS_METHODS: Final = b"GET, HEAD, POST, DELETE"
_CORS_HEADERS: Final = (
    b"Accept, Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, "
    b"X-Medusa-Access-Token, X-Request-ID"
)
_CORS_EXPOSED: Final = b"Content-Disposition, ETag, Link, Location, Retry-After, X-Request-ID"
_CORS_SECONDS: Final = b"600"

Headers = Iterable[tuple[bytes, bytes]]


class Gate:
    """An ASGI app before another one."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticator: Authenticator | None,
        open_paths: frozenset[str] = OPEN,
        cors_origins: tuple[str, ...] = (),
    ) -> None:
        self._app, self._authenticator, self._open = app, authenticator, open_paths
        self._origins = frozenset(origin.encode() for origin in cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
        known: Any = scope
        if known["type"] == "http":
            await self._let_in(known, receive, send)
        else:  # there is no route for it
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    async def _let_in(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        answering = _Answering(scope, send, self._cors(scope))
        inner: Any = dict(scope)  # a host's own scope keeps the host's own user
        inner["method"] = "GET" if scope["method"] == "HEAD" else scope["method"]
        current = REQUEST_ID.set(answering.request_id)
        started = time.perf_counter()
        try:
            if (refusal := await self._refusal(inner, answering)) is not None:
                await answering.with_problem(refusal)
            elif not answering.started:
                await self._app(inner, receive, answering)
        finally:
            took = (time.perf_counter() - started) * 1000
            status = answering.status
            request_ended(inner, method=scope["method"], status=status, took=took)
            REQUEST_ID.reset(current)

    async def _refusal(self, scope: HTTPScope, answering: "_Answering") -> Problem | None:
        """Return why the request is not let in; None where it is, or is answered already."""
        if self._is_preflight(scope):
            await answering.with_status(204)
            return None
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path in self._open:
            return None
        if self._authenticator is None:
            return problem("unauthorized")
        try:
            caller = await asked(self._authenticator, ASGIConnection(scope))
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody gets in by it
            return as_problem(error)
        if caller is None:
            return problem("unauthorized")
        scope["user"], scope["auth"] = caller, None
        return None

    def _origin(self, scope: HTTPScope) -> bytes | None:
        """Return the origin that asks, if it is one that may."""
        if not self._origins or (origin := _header(scope, b"origin")) is None:
            return None
        return origin if origin in self._origins or b"*" in self._origins else None

    def _is_preflight(self, scope: HTTPScope) -> bool:
        asks = _header(scope, b"access-control-request-method")
        return scope["method"] == "OPTIONS" and asks is not None and bool(self._origin(scope))

    def _cors(self, scope: HTTPScope) -> list[tuple[bytes, bytes]]:
        if not self._origins:
            return []
        headers = [(b"vary", b"Origin")]
        if (origin := self._origin(scope)) is None:
            return headers
        if origin in self._origins:
            headers += [(b"access-control-allow-credentials", b"true")]
        else:
            origin = b"*"
        headers += [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _CORS_EXPOSED),
        ]
        if scope["method"] == "OPTIONS":
            headers += [
                (b"access-control-allow-methods", _CORS_METHODS),
                (b"access-control-allow-headers", _CORS_HEADERS),
                (b"access-control-max-age", _CORS_SECONDS),
            ]
        return headers


class _Answering:
    """The way back: what every answer has, and what of it is logged."""

    def __init__(self, scope: HTTPScope, send: Send, headers: Headers) -> None:
        self._send, self._bare, self._ended = send, scope["method"] == "HEAD", False
        self.request_id, self.status = _request_id(scope), 0
        self._headers = [*headers, (b"x-request-id", self.request_id.encode())]
        scope.setdefault("state", {})["request_id"] = self.request_id

    @property
    def started(self) -> bool:
        """Whether something was answered."""
        return self.status != 0

    async def __call__(self, message: Message) -> None:
        """Send *message*; of an answer to HEAD the head alone."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            found = [*message["headers"], *self._headers]
            names = {name.lower() for name, _ in found}
            found += [each for each in _SECURITY if each[0] not in names]
            for name, value in found:
                if any(sign in name + value for sign in b"\r\n\0"):
                    raise ValueError(f"the header {name!r} holds a control character")
            await self._send({**message, "headers": found})
        elif self._bare:
            if not self._ended:
                self._ended = True
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self._send(message)

    async def with_problem(self, found: Problem) -> None:
        """Answer with a problem."""
        headers = [(name.encode(), value.encode()) for name, value in found.headers.items()]
        headers += [(b"content-type", b"application/json")]
        await self.with_status(found.status, headers, found.body())

    async def with_status(self, status: int, headers: Headers = (), body: bytes = b"") -> None:
        """Answer with *status*."""
        length = [] if status == 204 else [(b"content-length", str(len(body)).encode())]  # noqa: PLR2004
        await self(
            {"type": "http.response.start", "status": status, "headers": [*headers, *length]}
        )
        await self({"type": "http.response.body", "body": body, "more_body": False})


def _request_id(scope: HTTPScope) -> str:
    given = (_header(scope, b"x-request-id") or b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def _header(scope: HTTPScope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key.lower() == name), None)
