"""Uploads: files streamed from the request into the file store, and what their owner does to them.

Format: RFC 7578. Of a request no more than a block is in memory, and between two blocks it holds
no thread: a slow client costs its connection alone.
"""

import asyncio
import unicodedata
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager
from typing import Final, ParamSpec, TypeVar
from urllib.parse import urlsplit

from litestar import Response, delete, post
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from batchjob._typing import Json
from batchjob.batchjobs import BatchJobs
from batchjob.batchjobs.files import Sink
from batchjob.core.files import StoredFile
from batchjob.web.bodies import json_object, text
from batchjob.web.callers import WebRequest, hop, jobs_of
from batchjob.web.links import link
from batchjob.web.problems import Problem, problem

_P = ParamSpec("_P")
_T = TypeVar("_T")

_FIELD: Final = "files"
_FILES: Final = 100  # in one request
_HEADER: Final = 32 << 10  # bytes of one header of a part: a name of 5,000 characters is fine
_AROUND: Final = 1 << 20  # bytes that are not in files: boundaries and headers
_BLOCK: Final = 256 << 10  # bytes that are written at once
_SILENCE: Final = 30.0  # seconds without a byte
_SLOWEST: Final = 1024  # bytes a second, from the beginning on
_CLOSE: Final = {"connection": "close"}  # the rest of the body is not read


@post("/admin/uploads", status_code=200, name="batchjob_uploads")
async def upload(request: WebRequest) -> Response[dict[str, Json]]:
    """Keep the files of the request's field `files`: all of them, or none."""
    return await _uploaded(request)


@post("/admin/uploads/protected", status_code=200, name="batchjob_protected_uploads")
async def upload_protected(request: WebRequest) -> Response[dict[str, Json]]:
    """Do the same: every upload is protected."""
    return await _uploaded(request)


@delete("/admin/uploads", status_code=200, name="batchjob_delete_upload")
async def delete_upload(request: WebRequest) -> Response[dict[str, Json]]:
    """Delete a file that the caller uploaded."""
    key = await _file_key(request)
    await hop(jobs_of(request).delete_file, key, actor=request.user.user_id)
    return Response({"id": key, "object": "file", "deleted": True})


@post("/admin/uploads/download-url", status_code=200, name="batchjob_download_url")
async def download_url(request: WebRequest) -> Response[dict[str, Json]]:
    """Return a link to a file of the caller's, good for some minutes."""
    key = await _file_key(request)
    await hop(jobs_of(request).file, key, actor=request.user.user_id)
    return Response({"download_url": link(request, key)})


async def _uploaded(request: WebRequest) -> Response[dict[str, Json]]:
    stored = await _received(request)
    found: list[Json] = [{"url": link(request, file.key), "key": file.key} for file in stored]
    return Response({"uploads": found})


async def _received(request: WebRequest) -> list[StoredFile]:
    limit: int = request.app.state.settings.max_upload
    _check_origin(request)
    parser = _parser(request)
    if (request.content_length or 0) > limit + _AROUND:
        raise _too_large(limit)
    receiver = _Receiver(jobs_of(request), request.user.user_id, limit)
    try:
        async with aclosing(_body(request, limit)) as body:
            with _worded():
                async for data in body:
                    for event in parser.parse(data):
                        await receiver.take(event)
                parser.close()
    except BaseException as error:
        await receiver.forget(error)
        raise
    return receiver.stored


class _Receiver:
    """Writes the files of one request as they come in."""

    def __init__(self, jobs: BatchJobs, actor: str, limit: int) -> None:
        self._jobs, self._actor, self._limit = jobs, actor, limit
        self._left, self._block = limit, bytearray()
        self._open: tuple[AbstractContextManager[Sink], Sink] | None = None
        self.stored: list[StoredFile] = []

    async def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        """Take the beginning of a file, some of it, or its end (None)."""
        if isinstance(event, MultipartSegment):
            await _whole(self._begin, self._jobs.writing(_name(event), actor=self._actor))
        elif event is None:
            await _whole(self._end)
        else:
            self._left -= len(event)
            if self._left < 0:
                raise _too_large(self._limit)
            self._block += event
            if len(self._block) >= _BLOCK:
                await _whole(self._write)

    async def forget(self, error: BaseException) -> None:
        """Leave nothing behind."""
        await _whole(self._undo, error)

    def _begin(self, writing: AbstractContextManager[Sink]) -> None:
        self._open = writing, writing.__enter__()

    def _write(self) -> None:
        if self._open is not None:
            self._open[1].write(bytes(self._block))
        self._block.clear()

    def _end(self) -> None:
        self._write()
        if self._open is not None:
            (writing, sink), self._open = self._open, None
            writing.__exit__(None, None, None)
            self.stored.append(sink.stored)

    def _undo(self, error: BaseException) -> None:
        if self._open is not None:
            self._open[0].__exit__(type(error), error, None)
        for file in self.stored:
            self._jobs.delete_file(file.key, actor=self._actor)


async def _whole(func: Callable[_P, _T], *args: _P.args, **options: _P.kwargs) -> _T:
    """Call *func* in a thread, and wait for its end even if the request is given up meanwhile."""
    calling = asyncio.ensure_future(hop(func, *args, **options))
    try:
        return await asyncio.shield(calling)
    except asyncio.CancelledError:
        await asyncio.wait([calling])
        raise


async def _body(request: WebRequest, limit: int) -> AsyncGenerator[bytes, None]:
    """Yield the body as it comes; a client that is too slow, too long or gone is a `Problem`."""
    now = asyncio.get_running_loop().time
    begun, count, more = now(), 0, True
    while more:
        slowest = begun + _SILENCE + count / _SLOWEST
        try:
            async with asyncio.timeout(min(_SILENCE, slowest - now())):
                message = await request.receive()
        except TimeoutError:
            raise problem("body_timeout", "the body came too slowly", headers=_CLOSE) from None
        if message["type"] != "http.request":
            raise problem("bad_request", "the client went away before the body's end")
        block = message.get("body", b"")
        count += len(block)
        if count > limit + _AROUND:
            raise _too_large(limit)
        if block:
            yield block
        more = message.get("more_body", False)


def _parser(request: WebRequest) -> PushMultipartParser:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data":
        raise problem("media_type", "the content type must be multipart/form-data", headers=_CLOSE)
    with _worded():
        boundary = options.get("boundary", "")
        return PushMultipartParser(boundary, max_segment_count=_FILES, max_header_size=_HEADER)


def _name(part: MultipartSegment) -> str:
    """Return what a file is called; a `Problem` if the part is no file of the field."""
    if part.name != _FIELD:
        raise _wrong(f"the files go into the field {_FIELD}, and there is no other one")
    if not part.filename:
        raise _wrong(f"a part of the field {_FIELD} has no filename")
    if any(unicodedata.category(char) == "Cc" for char in part.filename):
        raise _wrong("a filename holds a control character")
    return str(part.filename)


@contextmanager
def _worded() -> Iterator[None]:
    """Turn the parser's errors into problems."""
    try:
        yield
    except ParserLimitReached:
        message = f"{_FILES} files are the most in one request, and {_HEADER} bytes of a header"
        raise problem("body_too_large", message, headers=_CLOSE) from None
    except MultipartError as error:
        raise _wrong(f"the body is not multipart/form-data: {error.args[0]}") from None


def _wrong(message: str) -> Problem:
    return problem("invalid_body", message, headers=_CLOSE)


def _too_large(limit: int) -> Problem:
    message = f"the files of one request have {limit} bytes at most"
    return problem("body_too_large", message, headers=_CLOSE)


def _check_origin(request: WebRequest) -> None:
    """Refuse what a foreign page sends with the user's cookies: forms need nobody's leave."""
    origin, settings = request.headers.get("origin"), request.app.state.settings
    if origin is None or "cookie" not in request.headers or origin in settings.cors_origins:
        return
    own = (urlsplit(str(url)) for url in (settings.public_url, request.base_url) if url)
    if origin not in {f"{url.scheme}://{url.netloc}" for url in own}:
        raise problem("forbidden", "the request comes from a page of another site", headers=_CLOSE)


async def _file_key(request: WebRequest) -> str:
    body = await json_object(request, text("file_key"))
    return str(body["file_key"])


handlers = (upload, upload_protected, delete_upload, download_url)
