"""Who may: authenticators, which tell the caller of a request, or that there is none.

One is a function of the connection, sync (it is called in a thread then) or async, that returns a
`Caller`, or None for nobody. Whatever is wrong with what it was shown, the answer is the same.
"""

import logging
from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutinefunction
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

from litestar.connection import ASGIConnection

from batchjob.batchjobs import BatchJobs
from batchjob.errors import InvalidSetting
from batchjob.registry import can_take
from batchjob.web.callers import Caller, hop

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
Authenticator: TypeAlias = (
    Callable[[Connection], Caller | None] | Callable[[Connection], Awaitable[Caller | None]]
)
"""Tells who is asking; None is nobody, and is answered 401."""

_log = logging.getLogger(__name__)
_LONGEST: Final = 8192  # characters of a header that are looked at


class ApiTokens:
    """API tokens of the store, in ``x-medusa-access-token`` or as ``Authorization: Bearer``."""

    def __init__(self, jobs: BatchJobs) -> None:
        self._jobs = jobs

    async def __call__(self, connection: Connection) -> Caller | None:
        """Return the holder of the token that was sent."""
        token = await hop(self._jobs.holder, _secret(connection))
        return None if token is None else Caller(token.user_id, email=token.email)


class AllowAll:
    """Everybody is one caller; for trying things out on one machine, and nothing else.

    What comes in by an address that is not this machine's own is refused.
    """

    def __init__(self, *, i_understand: bool, user_id: str = "everybody") -> None:
        if i_understand is not True:
            raise InvalidSetting("AllowAll lets everybody in; say i_understand=True if you do")
        self._caller = Caller(user_id, role="admin")

    async def __call__(self, connection: Connection) -> Caller | None:
        """Return the one caller."""
        server = connection.scope.get("server")
        return self._caller if server is None or is_loopback(server[0]) else None


class AnyOf:
    """Asks one authenticator after the other; the first caller it is told of is it."""

    def __init__(self, *authenticators: Authenticator) -> None:
        self._authenticators = authenticators

    async def __call__(self, connection: Connection) -> Caller | None:
        """Return the first caller."""
        for each in self._authenticators:
            if (caller := await asked(each, connection)) is not None:
                return caller
        return None


async def asked(authenticator: Authenticator, connection: Connection) -> Caller | None:
    """Return who *authenticator* says it is; a sync one is asked in a thread."""
    if iscoroutinefunction(authenticator) or iscoroutinefunction(
        getattr(authenticator, "__call__", None)  # noqa: B004 - it is looked at, not called
    ):
        found: Any = authenticator(connection)
    else:
        found = await hop(authenticator, connection)
    caller = await found if isawaitable(found) else found
    if not isinstance(caller, Caller | None):
        _log.error("an authenticator returned %s, no Caller or None", type(caller).__name__)
        return None
    return caller


def check_authenticator(authenticator: object) -> None:
    """Raise `InvalidSetting` if it cannot be called with a connection."""
    if not callable(authenticator):
        found = type(authenticator).__name__
        raise InvalidSetting(f"the authenticator is of type {found}; give a function")
    if not can_take(authenticator, "a connection"):
        raise InvalidSetting(
            "the authenticator is called with a connection, and cannot be; write def"
            " authenticator(connection)"
        )


def bearer(connection: Connection) -> str:
    """Return what was sent as ``Authorization: Bearer``, or an empty text."""
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    return given.strip()[:_LONGEST] if scheme.lower() == "bearer" else ""


def is_loopback(host: str) -> bool:
    """Tell whether *host* is this machine alone; a name that is no address counts as one."""
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return True


def _secret(connection: Connection) -> str:
    """Return the token that was sent; the store is asked also where none was, as fast."""
    given = connection.headers.get("x-medusa-access-token")
    return bearer(connection) if given is None else given.strip()[:_LONGEST]
