"""Every error of the API: one table of codes, and the JSON that each becomes.

What a client did wrong is said in full; what went wrong here is said by its code alone, and
logged: no path, SQL or secret leaves.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException

from batchjob._typing import Json
from batchjob.core.ids import is_job_id
from batchjob.errors import (
    BatchJobError,
    Fault,
    InvalidDocument,
    StoreUnavailable,
    UnknownBatchType,
    UnknownJob,
    nearest,
)

_log = logging.getLogger(__name__)

SHOWN: Final = 100
"""How many places one answer names, at most."""

CODES: Final[Mapping[str, tuple[str, int]]] = {
    # what was sent cannot be read
    "bad_request": ("invalid_data", 400),
    "invalid_body": ("invalid_data", 400),
    "field_unknown": ("invalid_data", 400),
    "field_required": ("invalid_data", 400),
    "invalid_value": ("invalid_data", 400),
    "json_syntax": ("invalid_data", 400),
    "json_text": ("invalid_data", 400),
    "json_number": ("invalid_data", 400),
    "json_depth": ("invalid_data", 400),
    "json_duplicate_key": ("invalid_data", 400),
    "invalid_query": ("invalid_data", 400),
    "query_unknown": ("invalid_data", 400),
    "query_text": ("invalid_data", 400),
    "query_value": ("invalid_data", 400),
    "query_range": ("invalid_data", 400),
    "query_order": ("invalid_data", 400),
    "query_date": ("invalid_data", 400),
    "query_cursor": ("invalid_data", 400),
    "idempotency_key": ("invalid_data", 400),
    "file_key": ("invalid_data", 400),
    "invalid_document": ("invalid_data", 400),
    "invalid_time": ("invalid_data", 400),
    # who is asking
    "unauthorized": ("unauthorized", 401),
    "forbidden": ("not_allowed", 403),
    "link_invalid": ("not_allowed", 403),
    # what is not there
    "unknown_route": ("not_found", 404),
    "unknown_job": ("not_found", 404),
    "unknown_type": ("not_found", 404),
    "unknown_file": ("not_found", 404),
    "unknown_token": ("not_found", 404),
    "no_result": ("not_found", 404),
    "no_report": ("not_found", 404),
    "no_preview": ("not_found", 404),
    "no_template": ("not_found", 404),
    # what cannot be done with it
    "method_not_allowed": ("not_allowed", 405),
    "body_timeout": ("invalid_data", 408),
    "invalid_state": ("not_allowed", 409),
    "duplicate_job": ("conflict", 409),
    "file_in_use": ("not_allowed", 409),
    "request_in_flight": ("conflict", 409),
    "body_too_large": ("invalid_data", 413),
    "media_type": ("invalid_data", 415),
    "range_unsatisfiable": ("invalid_data", 416),
    "invalid_context": ("invalid_data", 422),
    "context_version": ("invalid_data", 422),
    "idempotency_conflict": ("duplicate_error", 422),
    "refused": ("not_allowed", 422),
    "too_many_requests": ("not_allowed", 429),
    "too_many_streams": ("not_allowed", 429),
    # what is wrong here
    "ambiguous_type": ("unexpected_state", 503),
    "catalog_unavailable": ("database_error", 503),
    "storage_full": ("database_error", 503),
    "store_unavailable": ("database_error", 503),
    "store_too_new": ("database_error", 503),
    "unknown_error": ("unknown_error", 500),
}
"""Each code, with Medusa's name for its kind and its status; other codes are faults of ours."""

_BY_STATUS: Final = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "unknown_route",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "media_type",
    429: "too_many_requests",
}
_WORDS: Final = {
    "bad_request": "the request cannot be read",
    "unauthorized": "Unauthorized",
    "forbidden": "this is not allowed",
    "unknown_route": "there is nothing at this address",
    "method_not_allowed": "this address does not take this method; the header Allow has those",
    "body_too_large": "the body is too large",
    "media_type": "the content type must be application/json",
    "too_many_requests": "these are too many requests; wait a while",
    "ambiguous_type": "two plugins claim this batch type, so that it cannot be used for now",
    "catalog_unavailable": "the catalogue is out of reach; try again later",
    "storage_full": "there is no room left for this; try again later",
    "store_unavailable": "the store is out of reach; try again later",
    "store_too_new": "the store is of a newer version; try again later",
    "unknown_error": "An unknown error occurred.",
}
_RETRY_AFTER: Final = "2"  # seconds


class Problem(Exception):
    """An error that a handler answers with: the status, the code, and words for the client.

    *errors* are JSON objects with ``code``, ``message`` and the place: ``pointer`` in a body,
    ``parameter`` in a query.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        errors: Sequence[Mapping[str, Json]] = (),
        headers: Mapping[str, str] = {},
    ) -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message = status, code, message
        self.errors, self.headers = tuple(errors), dict(headers)

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.message}"

    def document(self) -> dict[str, Json]:
        """Return the JSON object that clients are sent."""
        kind = CODES.get(self.code, CODES["unknown_error"])[0]
        return {
            "code": self.code,
            "type": kind,
            "message": self.message,
            "errors": [dict(error) for error in self.errors[:SHOWN]],
        }

    def body(self) -> bytes:
        """Return the JSON text that clients are sent, in ASCII: it may quote half a character."""
        return json.dumps(self.document()).encode()


def problem(code: str, message: str | None = None, **more: Any) -> Problem:
    """Return the problem of *code*, with the status that the table gives it."""
    headers: dict[str, str] = dict(more.pop("headers", {}))
    status = CODES[code][1]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("retry-after", _RETRY_AFTER)
    if status == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("www-authenticate", "Bearer")
    return Problem(status, code, message or _WORDS[code], headers=headers, **more)


def gathered(code: str, errors: Iterable[Mapping[str, Json]]) -> Problem:
    """Return one problem for *errors*; its code is *code*, unless they all have one of their own.

    Its message is all of theirs, as Medusa's are.
    """
    found = tuple(errors)
    codes = {str(error["code"]) for error in found}
    shared = codes.pop() if len(codes) == 1 else code
    words = ", ".join(str(error["message"]) for error in found[:SHOWN])
    return problem(shared if shared in CODES else code, words, errors=found)


def places(faults: Iterable[Fault], *, below: str = "") -> list[dict[str, Json]]:
    """Return *faults* as entries of ``errors``, with pointers into the body."""
    return [
        {"code": fault.code, "message": fault.message, "pointer": below + fault.pointer}
        for fault in faults
    ]


def as_problem(error: Exception) -> Problem:
    """Return what *error* is to a client; what is nobody's fault but ours is logged."""
    match error:
        case Problem():
            found = error
        case UnknownJob():
            found = problem("unknown_job", _no_job(error.job_id))
        case UnknownBatchType():
            found = problem("unknown_type", _no_type(error.name, error.known))
        case InvalidDocument():
            words = "; ".join(map(str, error.faults[:SHOWN]))
            found = problem(error.code, words, errors=places(error.faults))
        case BatchJobError() if error.code in CODES:
            found = problem(error.code, None if error.code in _WORDS else str(error))
        case StoreUnavailable():  # of some plugin's own
            found = problem("store_unavailable")
        case HTTPException():
            found = _of_litestar(error)
        case _:
            found = problem("unknown_error")
    if found.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("could not answer a request: %s", found.code, exc_info=error)
    return found


def answer(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer with what *error* is: the one exception handler of the app."""
    found = as_problem(error)
    return Response(
        found.body(),
        status_code=found.status,
        media_type="application/json",
        headers=found.headers,
    )


def allow(methods: Iterable[str]) -> str:
    """Return *methods* as the header ``Allow``; who takes GET takes HEAD."""
    known = set(methods)
    return ", ".join(sorted(known | {"HEAD"} if "GET" in known else known))


def _of_litestar(error: HTTPException) -> Problem:
    code = _BY_STATUS.get(error.status_code)
    if code is None:
        code = "bad_request" if 400 <= error.status_code < 500 else "unknown_error"  # noqa: PLR2004
    found = problem(code)
    allowed = (error.headers or {}).get("allow")
    if allowed is not None:
        found.headers["allow"] = allow(name.strip() for name in allowed.split(","))
    return found


def _no_job(job_id: str) -> str:
    named = f" with id {job_id}" if is_job_id(job_id) else ""
    return f"Batch job{named} was not found"


def _no_type(name: str, known: Sequence[str]) -> str:
    """Say that there is no such type; what nobody would call one is not repeated."""
    plain = len(name) <= _NAME and all(c in _NAME_SIGNS for c in name)
    said = f"Unable to find a BatchJob strategy with the type {name if plain else ''}".rstrip()
    guess = nearest(name[:_NAME], known)
    hint = f"; did you mean {guess}?" if guess else ""
    return f"{said}; known: {', '.join(known) or 'none'}{hint}"


_NAME: Final = 64
_NAME_SIGNS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
