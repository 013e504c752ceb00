"""The suite ``auth``: how long it takes to find out who a token lets in, good or bad.

A client must not learn from the time what was wrong with its token (or that nothing was).
"""

import asyncio
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import jwt
from litestar.connection import ASGIConnection

from batchjob import BatchJobs
from batchjob.web import ApiTokens
from batchjob.web.auth import asked
from batchjob.web.jwt import Jwt
from benchmarks.figures import Figure, Options

_ASKED: Final = 10_000  # of each kind, in turns
_GOAL: Final = 0.05
_KEY: Final = "k" * 32


def auth(options: Options, folder: Path) -> Iterator[Figure]:
    """Compare the medians of good tokens with those of forged ones, by authenticator."""
    with BatchJobs.open(f"sqlite:///{folder / 'auth.db'}", files=str(folder)) as jobs:
        _, secret = jobs.create_token("usr_bench")
        token, revoked = jobs.create_token("usr_bench")
        jobs.revoke_token(token.id)
        forged = "bj_" + secrets.token_urlsafe(32)
        api = {"good": secret, "forged": forged, "revoked": revoked}
        yield from _figures("API token", ApiTokens(jobs), api, goal=_GOAL)
    claims = {"sub": "usr_bench", "exp": time.time() + 3600}
    good = jwt.encode(claims, _KEY, "HS256")
    signed = {"good": good, "forged": good[:-8] + "A" * 8}
    yield from _figures("JWT", Jwt(_KEY, algorithms=["HS256"]), signed)


def _figures(
    name: str, authenticator: Any, tokens: Mapping[str, str], *, goal: float | None = None
) -> Iterator[Figure]:
    times = asyncio.run(_times(lambda token: asked(authenticator, _connection(token)), tokens))
    medians = {kind: statistics.median(found) for kind, found in times.items()}
    for kind, found in medians.items():
        yield Figure(f"{name}, {kind}", [1000 * found], "ms")
    for kind in list(tokens)[1:]:
        apart = abs(medians[kind] / medians["good"] - 1)
        yield Figure(f"{name}, {kind} against good, apart by", [apart], "x", goal)


async def _times(
    ask: Callable[[str], Awaitable[object]], tokens: Mapping[str, str]
) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = {kind: [] for kind in tokens}
    for _ in range(_ASKED):
        for kind, token in tokens.items():
            start = time.perf_counter()
            await ask(token)
            found[kind].append(time.perf_counter() - start)
    return found


def _connection(token: str) -> ASGIConnection[Any, Any, Any, Any]:
    headers = [(b"authorization", f"Bearer {token}".encode())]
    scope: Any = {"type": "http", "headers": headers, "path": "/", "query_string": b""}
    return ASGIConnection(scope)
