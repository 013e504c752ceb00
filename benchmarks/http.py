"""The suite ``http``: the API on one core, beside a bare route and beside the facade."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.figures import Figure, Options, ratio
from benchmarks.processes import ROOT

_GET_GOAL: Final = 0.6
_CREATE_GOAL: Final = 2.0
_LIST_GOAL: Final = 1.5
_CONNECTIONS: Final = 4
_REQUESTS: Final = 1000  # of each kind in a round, by all connections
_CREATES: Final = 30  # of each kind in a turn
_TURNS: Final = 12
_BODY: Final = b'{"type":"empty","context":{}}'
_LISTS: Final = 20
_HTTP_CREATES: Final = (
    ("create over HTTP, one connection", "create"),
    ("create over HTTP, four connections", "creates"),
)


def http(options: Options, folder: Path) -> Iterator[Figure]:
    """Measure GET, create and list, each in turns with what it is compared with."""
    with _server(folder) as (ask, asked, told):

        def created() -> float:
            return _seconds(lambda: ask(told["create"], _BODY), _CREATES)

        def by_facade() -> float:
            # one at a time, so that it too is woken for each: on a busy machine that is favoured
            each = (json.loads(ask(told["facade"])) for _ in range(_CREATES))
            return float(sum(found["seconds"] for found in each))

        kinds: dict[str, tuple[int, Callable[[], float]]] = {  # so often in a round, by turns
            "bare": (1, lambda: asked(told["bare"], _REQUESTS)),
            "get": (1, lambda: asked(told["get"], _REQUESTS)),
            "facade": (_TURNS, by_facade),
            "create": (_TURNS, created),
            "creates": (_TURNS, lambda: asked(told["create"], _CREATES, _BODY)),
            "first": (1, lambda: _seconds(lambda: ask(told["first"]), _LISTS)),
            "last": (1, lambda: _seconds(lambda: ask(told["last"]), _LISTS)),
        }
        rounds = [_round(kinds) for _ in range(1 + options.rounds)][1:]  # the first warms up
    runs = {name: [found[name] for found in rounds] for name in kinds}
    rates = {name: [_REQUESTS / each for each in runs[name]] for name in ("bare", "get")}
    yield Figure("bare route, reads a row", rates["bare"], "1/s")
    yield Figure("GET of a job", rates["get"], "1/s")
    yield ratio(
        "GET of a job, of the bare route",
        rates["get"],
        rates["bare"],
        goal=_GET_GOAL,
        at_least=True,
    )
    number = _TURNS * _CREATES
    for name, kind in (("create by the facade", "facade"), *_HTTP_CREATES):
        yield Figure(name, [1000 * each / number for each in runs[kind]], "ms")
    for name, kind in _HTTP_CREATES:
        yield ratio(f"{name}, of the facade's", runs[kind], runs["facade"], goal=_CREATE_GOAL)
    yield Figure("50 of 100,000 jobs, first page", [1000 * x / _LISTS for x in runs["first"]], "ms")
    yield Figure("50 of 100,000 jobs, last page", [1000 * x / _LISTS for x in runs["last"]], "ms")
    yield ratio("last page, of the first", runs["last"], runs["first"], goal=_LIST_GOAL)


def _round(kinds: Mapping[str, tuple[int, Callable[[], float]]]) -> Mapping[str, float]:
    """Return the seconds of each kind, done so often.

    Each turn begins with another one: SQLite tidies its log every thousand pages or so, and that
    must not always be the same one's to pay for.
    """
    found = dict.fromkeys(kinds, 0.0)
    for turn in range(_TURNS):
        here = [name for name, (times, _) in kinds.items() if turn < times]
        first = turn % len(here)
        for name in here[first:] + here[:first]:
            found[name] += kinds[name][1]()
    return found


class _Client:
    """One connection that is kept. It reads answers just well enough to cost next to nothing."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._headers = f"host: {parts.netloc}\r\nx-medusa-access-token: {token}\r\n"
        self._socket = socket.create_connection((parts.hostname, parts.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __call__(self, path: str, body: bytes | None = None) -> bytes:
        """Ask, and return the body of the answer; a POST where there is something to send."""
        method = "GET" if body is None else "POST"
        head = f"{method} {path} HTTP/1.1\r\n{self._headers}"
        if body is not None:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self._socket.sendall(f"{head}\r\n".encode() + (body or b""))
        got = self._more(b"")
        while b"\r\n\r\n" not in got:
            got = self._more(got)
        answer, _, rest = got.partition(b"\r\n\r\n")
        status, _, headers = answer.lower().partition(b"\r\n")
        if not status.startswith((b"http/1.1 200", b"http/1.1 201")):
            raise SystemExit(f"{method} {path}: {status.decode()}")
        length = int(headers.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(rest) < length:
            rest = self._more(rest)
        return rest

    def _more(self, got: bytes) -> bytes:
        found = self._socket.recv(1 << 18)
        if not found:
            raise SystemExit("the server has hung up")
        return got + found

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


Ask = Callable[..., bytes]
Asked = Callable[..., float]


@contextmanager
def _server(folder: Path) -> Iterator[tuple[Ask, Asked, Mapping[str, Any]]]:
    """Have a server on one core, and clients on the others.

    Yields one client, a function that has several ask a path so many times and returns the
    seconds, and what the server said of itself.
    """
    command = [sys.executable, "-m", "benchmarks.http_server", str(folder)]
    before = os.sched_getaffinity(0)
    with subprocess.Popen(  # noqa: S603 - our own module
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise SystemExit("the server has no pipes")
        told = json.loads(process.stdout.readline() or "{}")
        if not told:
            raise SystemExit("the server did not start")
        os.sched_setaffinity(0, before - {min(before)} or before)
        clients = [_Client(told["url"], told["token"]) for _ in range(_CONNECTIONS)]

        def asked(path: str, count: int, body: bytes | None = None) -> float:
            def ask(client: _Client) -> None:
                for _ in range(count // _CONNECTIONS):
                    client(path, body)

            return _seconds(lambda: list(threads.map(ask, clients)), 1)

        try:
            with ThreadPoolExecutor(_CONNECTIONS) as threads:
                yield clients[0], asked, told
        finally:
            for client in clients:
                client.close()
            os.sched_setaffinity(0, before)
            process.stdin.close()


def _seconds(do: Callable[[], object], times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        do()
    return time.perf_counter() - start
