"""Serving an app with uvicorn: in a thread, so that the main thread is there for signals."""

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from batchjob.web.auth import is_loopback

_GRACE: Final = 5  # seconds that answers have to end
_HEAD: Final = 15.0  # seconds that the head of a request may take


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens at the first address of *host*; OSError if it cannot be."""
    found = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
    )
    family, kind, protocol, _, place = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def listens_here_alone(listener: socket.socket) -> bool:
    """Tell whether *listener* can be reached from this machine alone."""
    return is_loopback(listener.getsockname()[0])


def url_of(listener: socket.socket) -> str:
    """Return the address of *listener* as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def hasty(seconds: float) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, with *seconds* for the head of each request.

    uvicorn itself waits for ever for a head that was begun (slowloris). Bodies have a deadline of
    their own, and connections at rest one of uvicorn's.
    """

    class Hasty(HttpToolsProtocol):
        """Hangs up on who does not come to the end of a head."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._timer = self.loop.call_later(seconds, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._rest()
            elif self._timer is None:
                self._timer = self.loop.call_later(seconds, self.transport.close)

        def connection_lost(self, exc: Exception | None) -> None:
            self._rest()
            super().connection_lost(exc)

        def _rest(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Hasty


class AppServer:
    """Serves *app* at *listener* from `start` to `join`; *ended* is called when it has ended.

    The head of a request may take *head* seconds.
    """

    def __init__(
        self,
        app: Any,
        listener: socket.socket,
        *,
        ended: Callable[[], object] = lambda: None,
        head: float = _HEAD,
    ) -> None:
        self._listener, self._ended = listener, ended
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=hasty(head),
                log_config=None,  # the host's logging is the host's
                access_log=False,  # addresses may hold the secret of a link; the app keeps a log
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=_GRACE,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="batchjob-http", daemon=True)

    def start(self) -> None:
        """Start; returns at once, connections wait until it listens."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests; returns at once."""
        self._server.should_exit = True

    def join(self) -> None:
        """Wait for the last answers, some seconds at most."""
        self._thread.join(_GRACE + 2.0)

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        finally:
            self._ended()
