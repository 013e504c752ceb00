"""The OpenAPI 3.1 document of the app, made of the tables that the app itself reads.

Bodies and queries are read by hand, so it is written by hand; tests hold it against the routes
and a fuzzer against the answers.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from litestar import Response, get

from batchjob._typing import Json
from batchjob.abc import ORDERS, TIMES
from batchjob.batchjobs import BatchType
from batchjob.core.status import Status
from batchjob.web.answers import cached_answer
from batchjob.web.callers import WebRequest, address, hop, jobs_of
from batchjob.web.problems import CODES
from batchjob.web.queries import BOUNDS, DEEPEST, KEYS, MAX_LIMIT, MAX_OFFSET, NULLABLE, RELATIONS
from batchjob.web.schemas import JOB_ID, TEXT, Schema, an_array, ref, schemas

_JOBS: Final = "/admin/batch-jobs"
_JSON: Final = "application/json"
_ALWAYS: Final = (400, 401, 403, 500, 503)
_BODY: Final = (408, 413, 415)
_RETRY_LATER: Final = {429, 503, 409}
_INTRO: Final = (
    "Bulk jobs: planned, previewed, confirmed, worked on in chunks. Every error is JSON: `code`, "
    "`type`, `message`, and `errors` with the place of each. GET is answered to HEAD, too."
)
_PLAIN: Final = r"^[^\u0000-\u001f\u007f-\u009f]*$"  # no control characters
_FIELD: Final = rf"(?:[+ -]?(?:{'|'.join(KEYS)})|\*(?:{'|'.join(RELATIONS)}))?"
_RELATION: Final = rf"(?:{'|'.join(RELATIONS)})?"
_WHEN: Final[Schema] = {
    "anyOf": [
        {"type": "string", "format": "date-time", "pattern": "^(?!0000)"},
        {"type": "string", "format": "date", "pattern": "^(?!0000)"},
        {"type": "integer", "minimum": 0, "maximum": 9_999_999_999},
    ],
    "description": "A time with its zone, a day in UTC, or seconds since 1970.",
}
_ETAG: Final = ("ETag", "Names this state of it, for `If-None-Match`.")
_IF_NONE_MATCH: Final = ("If-None-Match", "ETags that the client has; `304` if it is one.", TEXT)
_RANGE: Final = ("Range", "One range of bytes.", {"type": "string", "examples": ["bytes=0-99"]})
_IF_RANGE: Final = ("If-Range", "The range counts if the file still has this ETag.", TEXT)
_LOCATION: Final = ("Location", "Where the job is.")


def document(types: Iterable[BatchType], *, server: str = "/") -> dict[str, Json]:
    """Return the OpenAPI document of an app at *server* that makes jobs of *types*."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "batchjob", "version": version("batchjob"), "description": _INTRO},
        "servers": [{"url": server}],
        "security": [{"accessToken": []}, {"bearer": []}],
        "paths": {path: _path(methods) for path, methods in _paths().items()},
        "components": {
            "schemas": dict(schemas(types)),
            "responses": {f"Problem{status}": _problem(status) for status in _statuses()},
            "securitySchemes": {
                "accessToken": {"type": "apiKey", "in": "header", "name": "x-medusa-access-token"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


@get("/openapi.json")
async def openapi(request: WebRequest) -> Response[bytes]:
    """Show the OpenAPI document."""
    types = await hop(jobs_of(request).types)
    return cached_answer(request, document(types, server=address(request, "") or "/"))


def _path(methods: Mapping[str, dict[str, Any]]) -> dict[str, Json]:
    return dict(methods)


def _paths() -> dict[str, dict[str, dict[str, Any]]]:
    job = f"{_JOBS}/{{id}}"
    moves = {
        f"{job}/{verb}": {"post": _move(verb, words)}
        for verb, words in (
            ("confirm", "Confirm a job that waits for it"),
            ("cancel", "Cancel a job that has not ended; one that is canceled is left as it is"),
            ("pause", "Let no chunk of a job begin until it is resumed"),
            ("resume", "Let a paused job go on"),
        )
    }
    return {
        "/health": {"get": _health()},
        "/openapi.json": {
            "get": _operation(
                "openapi",
                "Show this document",
                {200: _json({"type": "object"}, headers=[_ETAG]), 304: _nothing("Not modified")},
                headers=[_IF_NONE_MATCH],
            )
        },
        "/admin/batch-types": {
            "get": _operation(
                "list_batch_types",
                "Show the types of jobs, with the JSON Schema of each context",
                {200: _json("BatchTypesAnswer", headers=[_ETAG]), 304: _nothing("Not modified")},
                headers=[_IF_NONE_MATCH],
            )
        },
        "/admin/batch-types/{batch_type}/template": {
            "get": _operation(
                "download_template",
                "Download a file to fill in for jobs of a type",
                {200: {"description": "The file", "content": {"text/csv": {}}}},
                errors=[404],
                parameters=[_in_path("batch_type", "A batch type.", TEXT)],
            )
        },
        _JOBS: {"post": _create(), "get": _list()},
        job: {
            "get": _operation(
                "retrieve_batch_job",
                "Show a job as it stands",
                {200: _json("BatchJobAnswer", headers=[_ETAG]), 304: _nothing("Not modified")},
                errors=[404],
                parameters=[_ID],
                headers=[_IF_NONE_MATCH],
            )
        },
        f"{job}/state": {
            "get": _operation(
                "retrieve_batch_job_state",
                "Show what a job waits for, and what is left of it",
                {200: _json("StateAnswer")},
                errors=[404],
                parameters=[_ID],
            )
        },
        **moves,
        f"{job}/retry": {
            "post": _operation(
                "retry_batch_job",
                "Make a new job that tries the work of a failed one again",
                {201: _json("BatchJobAnswer", headers=[_LOCATION], links=_links())},
                errors=[404, 408, 409, 413, 422, 429],
                parameters=[_ID],
            )
        },
        f"{job}/result": {"get": _result()},
        f"{job}/errors": {
            "get": _file(
                "download_error_report",
                "Download the rows of a job's file as they were given, with what is wrong",
                [_ID],
            )
        },
        f"{job}/changes": {
            "get": _operation(
                "list_changes",
                "Show what a job would do with the rows of its file",
                {200: _json("ChangesAnswer")},
                errors=[404],
                parameters=[
                    _ID,
                    _in_query("limit", "How many at most.", _whole(1, MAX_LIMIT, MAX_LIMIT)),
                    _in_query("offset", "How many to leave out.", _whole(0, DEEPEST, 0)),
                ],
            )
        },
        f"{job}/events": {"get": _events()},
        "/admin/uploads": {"post": _upload("upload_files"), "delete": _delete_upload()},
        "/admin/uploads/protected": {"post": _upload("upload_protected_files")},
        "/admin/uploads/download-url": {
            "post": _operation(
                "create_download_url",
                "Make a link to a file of the caller's, good for some minutes",
                {200: _json("DownloadUrlAnswer")},
                errors=[404, *_BODY],
                body=_body("FileKey"),
            )
        },
        "/files/{token}": {
            "get": _file(
                "download_file",
                "Download the file that a link names",
                [_in_path("token", "What a download link ends with.", TEXT)],
            )
        },
    }


def _health() -> dict[str, Any]:
    text = {"description": "It answers", "content": {"text/plain": {"schema": {"const": "OK"}}}}
    return {
        "operationId": "health",
        "summary": "Whether the process answers",
        "security": [],
        "responses": {"200": text, "500": ref("Problem500", "responses")},
    }


def _create() -> dict[str, Any]:
    key = {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"}
    return _operation(
        "create_batch_job",
        "Make a job; the answer does not wait for its work",
        {201: _json("BatchJobAnswer", headers=[_LOCATION], links=_links())},
        errors=[404, 409, 422, 429, *_BODY],
        headers=[("Idempotency-Key", "Names the request: sent again it makes no second job.", key)],
        body=_body("CreateBatchJob"),
    )


def _list() -> dict[str, Any]:
    text, status = {**TEXT, "pattern": _PLAIN}, {"enum": [status.value for status in Status]}
    times = [
        _in_query(f"{name}[{bound}]", f"`{name}` is {words} this time.", _WHEN)
        for name in TIMES
        for bound, words in BOUNDS.items()
    ]
    return _operation(
        "list_batch_jobs",
        "List the caller's jobs",
        {
            200: _json(
                "BatchJobsAnswer", headers=[_ETAG, ("Link", "The next page, as `rel=next`.")]
            ),
            304: _nothing("Not modified"),
        },
        headers=[_IF_NONE_MATCH],
        parameters=[
            _in_query("type[]", "Jobs of these types.", an_array(text)),
            _in_query("id[]", "Jobs with these ids.", an_array(text)),
            _in_query("status[]", "Jobs with these statuses.", an_array(status)),
            *times,
            *(
                _in_query(name, f"`null`: jobs without `{name}`.", {"const": "null"})
                for name in NULLABLE
            ),
            _in_query("order", "What they are ordered by.", {"enum": list(ORDERS)}),
            _in_query("limit", "How many at most.", _whole(1, MAX_LIMIT, 10)),
            _in_query("offset", "How many to leave out.", _whole(0, MAX_OFFSET, 0)),
            _in_query("cursor", "Empty, or the `next_cursor` of the page before.", TEXT),
            _in_query(
                "fields",
                "Keys to show, with commas; with `+` or `-` more or less of them.",
                {"type": "string", "pattern": f"^{_FIELD}(?:,{_FIELD})*$"},
            ),
            _in_query(
                "expand",
                "What to add of others.",
                {"type": "string", "pattern": f"^{_RELATION}(?:,{_RELATION})*$"},
            ),
        ],
    )


def _move(verb: str, words: str) -> dict[str, Any]:
    return _operation(
        f"{verb}_batch_job",
        words,
        {200: _json("BatchJobAnswer")},
        errors=[404, 408, 409, 413],
        parameters=[_ID],
    )


def _result() -> dict[str, Any]:
    return _file("download_batch_job_result", "Download the file of a completed job", [_ID])


def _file(name: str, words: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {"text/csv": {}, "application/octet-stream": {}}
    headers = _headers([_ETAG, ("Content-Disposition", "What to save it as.")])
    ranged = _headers([_ETAG, ("Content-Range", "Which bytes these are.")])
    return _operation(
        name,
        words,
        {
            200: {"description": "The file", "headers": headers, "content": content},
            206: {"description": "Some of the file", "headers": ranged, "content": content},
        },
        errors=[404, 416],
        parameters=parameters,
        headers=[_RANGE, _IF_RANGE],
    )


def _events() -> dict[str, Any]:
    number = {"type": "string", "pattern": "^[0-9]{0,18}$"}
    return _operation(
        "watch_batch_job",
        "Stream a job's transitions and progress as server-sent events",
        {
            200: {"description": "Events until the job ends", "content": {"text/event-stream": {}}},
            204: _nothing("There is nothing more to come"),
        },
        errors=[404, 429],
        parameters=[_ID],
        headers=[("Last-Event-ID", "Goes on behind this event.", number)],
    )


def _upload(name: str) -> dict[str, Any]:
    return _operation(
        name,
        "Keep files: all of them, or none",
        {200: _json("UploadsAnswer", links=_file_links())},
        errors=[*_BODY],
        body=_body("Files", "multipart/form-data"),
    )


def _delete_upload() -> dict[str, Any]:
    return _operation(
        "delete_upload",
        "Delete a file that the caller uploaded",
        {200: _json("DeletedAnswer")},
        errors=[404, *_BODY],
        body=_body("UploadKey"),
    )


def _operation(
    name: str,
    summary: str,
    answers: Mapping[int, Mapping[str, Any]],
    *,
    errors: Iterable[int] = (),
    parameters: Iterable[Mapping[str, Any]] = (),
    headers: Iterable[tuple[str, str, Mapping[str, Any]]] = (),
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    problems = {status: ref(f"Problem{status}", "responses") for status in (*_ALWAYS, *errors)}
    named = [
        {"name": header, "in": "header", "description": words, "schema": dict(schema)}
        for header, words, schema in headers
    ]
    return {
        "operationId": name,
        "summary": summary,
        **({"parameters": [*parameters, *named]} if parameters or named else {}),
        **({"requestBody": dict(body)} if body else {}),
        "responses": {
            str(status): dict(answer) for status, answer in sorted({**answers, **problems}.items())
        },
    }


def _in_path(name: str, words: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": words, "schema": schema}


def _in_query(name: str, words: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": words, "schema": schema}


def _whole(least: int, most: int, default: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default}


def _body(schema: str, kind: str = _JSON) -> dict[str, Any]:
    return {"required": True, "content": {kind: {"schema": ref(schema)}}}


def _json(
    schema: str | Schema,
    *,
    headers: Iterable[tuple[str, str]] = (),
    links: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    shown = ref(schema) if isinstance(schema, str) else schema
    return {
        "description": "It is done",
        **({"headers": _headers(headers)} if headers else {}),
        "content": {_JSON: {"schema": shown}},
        **({"links": dict(links)} if links else {}),
    }


def _nothing(words: str) -> dict[str, Any]:
    return {"description": words}


def _headers(named: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {name: {"description": words, "schema": TEXT} for name, words in named}


def _links() -> dict[str, Any]:
    given = {"id": "$response.body#/batch_job/id"}
    return {
        name: {"operationId": name, "parameters": given}
        for name in (
            "retrieve_batch_job", "retrieve_batch_job_state", "confirm_batch_job",
            "cancel_batch_job", "pause_batch_job", "resume_batch_job", "retry_batch_job",
            "download_batch_job_result", "download_error_report", "list_changes",
        )
    }  # fmt: skip


def _file_links() -> dict[str, Any]:
    given = {"file_key": "$response.body#/uploads/0/key"}
    return {
        name: {"operationId": name, "requestBody": given}
        for name in ("create_download_url", "delete_upload")
    }


def _statuses() -> list[int]:
    return sorted({status for _, status in CODES.values()})


def _problem(status: int) -> dict[str, Any]:
    codes = ", ".join(f"`{code}`" for code, (_, each) in CODES.items() if each == status)
    return {
        "description": f"{HTTPStatus(status).phrase}: {codes}",
        **({"headers": _headers([_RETRY_AFTER])} if status in _RETRY_LATER else {}),
        "content": {_JSON: {"schema": ref("Problem")}},
    }


_RETRY_AFTER: Final = ("Retry-After", "After how many seconds to ask again, where that is known.")
_ID: Final = _in_path("id", "The id of a job.", JOB_ID)

handlers = (openapi,)
