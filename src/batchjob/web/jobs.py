"""Jobs: made, looked at, and moved. Everything is done as the caller, so others' are not there."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from unicodedata import category

import attrs
from litestar import Response, get, post

from batchjob.batchjobs import BatchJobs
from batchjob.converters import standing_to_json
from batchjob.core.job import BatchJob
from batchjob.core.status import target
from batchjob.errors import InvalidContext, InvalidKey, InvalidState
from batchjob.web.answers import cached_answer, job_document, json_answer
from batchjob.web.bodies import Field, a_boolean, an_object, json_object, no_body
from batchjob.web.callers import WebRequest, address, hop, job_id_of, jobs_of
from batchjob.web.problems import Problem, places, problem

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_PATH: Final = "/admin/batch-jobs"
_CANCELED: Final = target("cancel")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and not any(category(sign) == "Cc" for sign in value)


_FIELDS: Final = (
    Field("type", "a string", _is_name),
    an_object("context"),
    a_boolean("dry_run", required=False),
)


@post(_PATH)
async def create(request: WebRequest) -> Response[bytes]:
    """Make a job; the answer does not wait for its work."""
    key = _idempotency_key(request)
    body = await json_object(request, *_FIELDS)
    request.app.state.creates.take(request.user.user_id)
    with _InFlight(request, key):
        try:
            job = await hop(
                jobs_of(request).create,
                body["type"],
                body["context"],
                dry_run=body.get("dry_run", False),
                actor=request.user.user_id,
                idempotency_key=key,
            )
        except InvalidContext as error:
            errors = places(error.faults, below="/context")
            raise problem(error.code, str(error), errors=errors) from None
        except InvalidKey as error:  # the context named a file that cannot be one
            raise Problem(422, error.code, str(error)) from None
    return _made(request, job)


@get(_PATH + "/{job_id:str}")
async def retrieve(request: WebRequest) -> Response[bytes]:
    """Show a job as it stands."""
    job = await hop(jobs_of(request).get, job_id_of(request), actor=request.user.user_id)
    return cached_answer(request, {"batch_job": job_document(job)})


@get(_PATH + "/{job_id:str}/state")
async def state(request: WebRequest) -> Response[bytes]:
    """Show what a job waits for, and what is left of it."""
    found = await hop(_state, request)
    return json_answer({"state": found})


@post(_PATH + "/{job_id:str}/confirm", status_code=200)
async def confirm(request: WebRequest) -> Response[bytes]:
    """Confirm a job that waits for it."""
    return await _moved(request, jobs_of(request).confirm)


@post(_PATH + "/{job_id:str}/cancel", status_code=200)
async def cancel(request: WebRequest) -> Response[bytes]:
    """Cancel a job that has not ended; one that is canceled is left as it is."""
    return await _moved(request, partial(_canceled, jobs_of(request)))


@post(_PATH + "/{job_id:str}/pause", status_code=200)
async def pause(request: WebRequest) -> Response[bytes]:
    """Let no chunk of a job begin until it is resumed."""
    return await _moved(request, jobs_of(request).pause)


@post(_PATH + "/{job_id:str}/resume", status_code=200)
async def resume(request: WebRequest) -> Response[bytes]:
    """Let a paused job go on."""
    return await _moved(request, jobs_of(request).resume)


@post(_PATH + "/{job_id:str}/retry")
async def retry(request: WebRequest) -> Response[bytes]:
    """Make a new job that tries the work of a failed one again."""
    await no_body(request)
    request.app.state.creates.take(request.user.user_id)
    return _made(
        request, await hop(jobs_of(request).retry, job_id_of(request), actor=request.user.user_id)
    )


async def _moved(request: WebRequest, verb: Callable[..., BatchJob]) -> Response[bytes]:
    await no_body(request)
    job = await hop(verb, job_id_of(request), actor=request.user.user_id)
    return json_answer({"batch_job": job_document(job)})


def _canceled(jobs: BatchJobs, job_id: str, *, actor: str) -> BatchJob:
    try:
        return jobs.cancel(job_id, actor=actor)
    except InvalidState as error:
        if error.status != _CANCELED:
            raise
        return jobs.get(job_id, actor=actor)


def _made(request: WebRequest, job: BatchJob) -> Response[bytes]:
    request.scope["state"]["job_id"] = job.id  # for the log
    headers = {"location": address(request, f"{_PATH}/{job.id}")}
    return json_answer({"batch_job": job_document(job)}, status=201, headers=headers)


def _state(request: WebRequest) -> dict[str, Any]:
    job_id = job_id_of(request)
    jobs, actor = jobs_of(request), request.user.user_id
    standing = jobs.standing(job_id, actor=actor)
    job = jobs.get(job_id, actor=actor)
    outcomes = None if job.result is None else job.result.outcomes
    return {
        "id": job.id,
        "status": job.status.value,
        **standing_to_json(standing),
        "outcomes": None if outcomes is None else attrs.asdict(outcomes),
    }


def _idempotency_key(request: WebRequest) -> str | None:
    given = request.headers.getall("idempotency-key", [])
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        words = "Idempotency-Key must be 1 to 255 visible ASCII characters"
        raise problem("idempotency_key", words)
    return given[0]


class _InFlight:
    """Keeps a second request with the same key off while the first one is answered."""

    def __init__(self, request: WebRequest, key: str | None) -> None:
        self._all: set[tuple[str, str]] = request.app.state.in_flight
        self._mine = None if key is None else (request.user.user_id, key)

    def __enter__(self) -> None:
        if self._mine is None:
            return
        if self._mine in self._all:
            self._mine = None
            words = "a request with this Idempotency-Key is being answered; ask again"
            raise problem("request_in_flight", words, headers={"retry-after": "1"})
        self._all.add(self._mine)

    def __exit__(self, *_: object) -> None:
        if self._mine is not None:
            self._all.discard(self._mine)


handlers = (create, retrieve, state, confirm, cancel, pause, resume, retry)
