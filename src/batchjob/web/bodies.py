"""JSON bodies: read strictly, within a limit and a time, and all of their faults said at once."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from batchjob._typing import Json
from batchjob.converters import parse_json
from batchjob.converters.plain import step
from batchjob.errors import InvalidDocument
from batchjob.web.callers import WebRequest
from batchjob.web.problems import gathered, places, problem

_DEADLINE: Final = 30.0  # seconds that a body may take
_NAME: Final = 64  # characters of a name that are repeated
_CLOSE: Final = {"connection": "close"}  # what else comes is not read


@attrs.frozen
class Field:
    """A key that a body may have: ``words`` say what its value must be, ``fits`` tells."""

    name: str
    words: str
    fits: Callable[[object], bool]
    required: bool = attrs.field(default=True, kw_only=True)

    def fault(self, body: Mapping[str, Json]) -> tuple[str, str] | None:
        """Return what is wrong with this key of *body*: the code, and words as Medusa has them."""
        if self.name not in body:
            return (
                ("field_required", f"{self.name} must be {self.words}") if self.required else None
            )
        if self.fits(body[self.name]):
            return None
        return "invalid_value", f"{self.name} must be {self.words}"


def text(name: str, *, required: bool = True) -> Field:
    """Return a key whose value is a text."""
    return Field(name, "a string", lambda value: isinstance(value, str), required=required)


def an_object(name: str, *, required: bool = True) -> Field:
    """Return a key whose value is a JSON object."""
    return Field(name, "an object", lambda value: isinstance(value, Mapping), required=required)


def a_boolean(name: str, *, required: bool = True) -> Field:
    """Return a key whose value is true or false."""
    return Field(name, "a boolean value", lambda v: isinstance(v, bool), required=required)


async def json_body(request: WebRequest) -> Json:
    """Return the JSON value of the body; one that is empty is an empty object, as for Medusa.

    400 with one of the codes ``json_...``, 413, 415, or 408.
    """
    _check_content_type(request)
    raw = await raw_body(request)
    if not raw:
        return {}
    try:
        return parse_json(raw)
    except InvalidDocument as error:
        raise gathered("invalid_body", places(error.faults)) from None


async def json_object(request: WebRequest, *fields: Field) -> Mapping[str, Any]:
    """Return the body, an object with these fields and no others; 400 says all that is wrong."""
    body = await json_body(request)
    if not isinstance(body, Mapping):
        error = {"code": "invalid_value", "message": "the body must be an object", "pointer": ""}
        raise gathered("invalid_body", [error])
    if errors := list(_faults(body, fields)):
        raise gathered("invalid_body", errors)
    return body


async def no_body(request: WebRequest) -> None:
    """Read over a body that nobody needs, within the limit."""
    await raw_body(request)


async def raw_body(request: WebRequest) -> bytes:
    """Return the body as it is, of at most ``max_body`` bytes."""
    limit: int = request.app.state.settings.max_body
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise problem("bad_request", headers=_CLOSE)
    if int(length[:20]) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(_DEADLINE):
            return await _received(request, limit)
    except TimeoutError:
        raise problem("body_timeout", "the body took too long", headers=_CLOSE) from None


async def _received(request: WebRequest, limit: int) -> bytes:
    blocks, size = [], 0
    while True:
        message: Any = await request.receive()
        if message["type"] == "http.disconnect":
            raise problem("bad_request", "the body ended too early", headers=_CLOSE)
        blocks.append(message.get("body", b""))
        size += len(blocks[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join(blocks)


def _too_large(limit: int) -> Exception:
    return problem("body_too_large", f"the body has more than {limit} bytes", headers=_CLOSE)


def _check_content_type(request: WebRequest) -> None:
    """Refuse what is not JSON in UTF-8; a page in a browser can send nothing else unasked."""
    given = request.headers.getall("content-type", [])
    if not given and not _has_body(request):
        return
    kind, _, parameters = (given[0] if len(given) == 1 else "").partition(";")
    charset = "utf-8"
    for each in parameters.split(";"):
        name, _, value = each.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    encoding = request.headers.get("content-encoding", "identity")
    if kind.strip().lower() != "application/json" or charset != "utf-8" or encoding != "identity":
        raise problem("media_type", headers=_CLOSE)


def _has_body(request: WebRequest) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _faults(body: Mapping[str, Json], fields: tuple[Field, ...]) -> Iterator[dict[str, Json]]:
    known = {field.name for field in fields}
    for name in body:
        if name not in known:
            message = f"property {name[:_NAME]} should not exist"
            yield {"code": "field_unknown", "message": message, "pointer": step("", name)}
    for field in fields:
        if (fault := field.fault(body)) is not None:
            code, message = fault
            yield {"code": code, "message": message, "pointer": step("", field.name)}
