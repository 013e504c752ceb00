"""Bodies sent in blocks to clients that may be slow, silent or gone; what is sent is elsewhere."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any, ClassVar

from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send


class Sending(ASGIResponse):
    """A body made of blocks, of which one is made when the one before it is sent.

    A client that takes nothing for *patience* seconds is dropped, and one that went away ends the
    sending at once. *done* is awaited at the end, however it came.
    """

    __slots__ = ("_blocks", "_done", "_patience")
    _should_set_content_length: ClassVar[bool] = False

    def __init__(
        self,
        blocks: AsyncGenerator[bytes, None],
        *,
        patience: float,
        done: Callable[[], Awaitable[object]],
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self._blocks, self._patience, self._done = blocks, patience, done

    async def start_response(self, send: Send) -> None:
        """Send status and headers."""
        try:
            await super().start_response(send)
        except BaseException:
            await self._done()
            raise

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send the blocks until they end, or nobody takes them."""
        sending = asyncio.ensure_future(self._send(send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished = sending.done()
            for task in (sending, gone):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
            await self._blocks.aclose()
            await self._done()
        if finished:
            sending.result()  # what went wrong is the server's to log

    async def _send(self, send: Send) -> None:
        async for block in self._blocks:
            try:
                async with asyncio.timeout(self._patience):  # `wait_for` may lose a cancel
                    await send({"type": "http.response.body", "body": block, "more_body": True})
            except TimeoutError:
                return  # without the end of the body: the server cuts the connection
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
