"""JSON answers: a job in the form of the API's page, and answers that need not be sent twice."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import attrs
from litestar import Response

from batchjob._typing import Json
from batchjob.converters.jobs import job_to_json
from batchjob.core.job import BatchJob
from batchjob.web.callers import Caller, WebRequest

LISTED_ERRORS: Final = 10
"""How many errors of each job a list shows."""

_AGAIN: Final = "private, no-cache"  # may be kept, and has to be asked for


def job_document(job: BatchJob, *, errors: int | None = None) -> dict[str, Any]:
    """Return *job* with the page's keys and no others; of its errors the first *errors*.

    How rows ended, which is not on the page, is at ``/state``.
    """
    result = job.result
    if result is not None:
        kept = tuple(attrs.evolve(error, params={}) for error in result.errors[:errors])
        job = attrs.evolve(job, result=attrs.evolve(result, errors=kept, outcomes=None))
    return job_to_json(job)


def user_document(caller: Caller | None) -> dict[str, Json] | None:
    """Return *caller* as the page's ``created_by_user``; what nobody has told is null."""
    if caller is None:
        return None
    return {
        "id": caller.user_id,
        "email": caller.email,
        "first_name": caller.first_name,
        "last_name": caller.last_name,
        "api_token": None,
        "created_at": None,
        "updated_at": None,
        "deleted_at": None,
        "role": caller.role,
        "metadata": {},
    }


def json_answer(
    value: Json, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """Return an answer with *value* as its body."""
    return Response(
        _bytes(value), status_code=status, media_type="application/json", headers=headers
    )


def cached_answer(
    request: WebRequest, value: Json, *, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """Return an answer with an ``ETag``, or 304 if the client has this one (RFC 9110, 13.1.2)."""
    body = _bytes(value)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    more = {**(headers or {}), "etag": etag, "cache-control": _AGAIN}
    known = request.headers.get("if-none-match", "")
    tags = [each.strip().removeprefix("W/") for each in known.split(",")]
    if known.strip() == "*" or etag in tags:
        return Response(b"", status_code=304, headers=more)
    return Response(body, media_type="application/json", headers=more)


def _bytes(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
