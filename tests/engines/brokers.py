"""Brokers for tests of the engine ``celery``: the real ones, and a way to lose what they hold."""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Self
from urllib.parse import urlsplit

import attrs
import celery  # type: ignore[import-untyped]  # it has no types
import pytest

REDIS: Final = os.environ.get(
    "BATCHJOB_TEST_REDIS", f"redis://127.0.0.1:6379/{8 + os.getpid() % 8}"
)
RABBITMQ: Final = os.environ.get("BATCHJOB_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")


class Proxy:
    """Passes bytes on to a server, until it is cut: then nobody answers at its port.

    While it is ``mute`` bytes are lost. ``accepted`` counts connections.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server, self._listener = (host, port), _bound(0)
        self.mute, self.accepted = False, 0
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self.mend()

    def mend(self) -> None:
        """Listen, again."""
        if self._listener.fileno() < 0:
            self._listener = _bound(self.port)
        self._listener.listen()
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def cut(self) -> None:
        """End all connections, and refuse new ones."""
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                self.accepted += 1
                far = socket.create_connection(self._server)
                self._open |= {near, far}
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(1 << 16):
                if not self.mute:
                    target.sendall(block)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


@attrs.frozen(kw_only=True)
class Broker:
    """A broker behind a proxy, and a queue of the test's own in it."""

    url: str
    queue: str
    proxy: Proxy
    app: Any

    def lose(self) -> None:
        """Lose all messages that wait."""
        with self.app.connection_for_write() as connection:
            channel = connection.default_channel
            if self.app.conf.broker_url.startswith("redis"):
                channel.client.flushdb()
            else:
                channel.queue_purge(queue=self.queue)

    def take(self) -> Any:
        """Return the next message that waits, or None."""
        with self.app.connection_for_write() as connection:
            message = connection.default_channel.basic_get(self.queue, no_ack=True)
            return message and connection.default_channel.message_to_python(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.proxy.cut()
        with self.app.connection_for_write() as connection:
            channel = connection.default_channel
            if self.app.conf.broker_url.startswith("redis"):
                channel.client.flushdb()
            else:
                channel.queue_delete(self.queue)
                channel.exchange_delete(self.queue)


@contextmanager
def broker(url: str) -> Iterator[Broker]:
    """Make a queue of a name of its own, and delete it in the end; skip if no broker answers."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 0
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError:
        pytest.skip(f"the broker {parts.scheme} does not answer at {host}:{port}")
    proxy = Proxy(host, port)
    through = url.replace(f"{host}:{port}", f"127.0.0.1:{proxy.port}")
    queue = f"batchjob_test_{secrets.token_hex(4)}"
    app = celery.Celery("tests", broker=url, set_as_current=False)
    with Broker(url=through, queue=queue, proxy=proxy, app=app) as made:
        yield made
