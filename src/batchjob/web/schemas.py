"""JSON Schemas of what the API answers and takes, for its OpenAPI document."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from batchjob._typing import Json
from batchjob.batchjobs import BatchType
from batchjob.core.chunks import ChunkState
from batchjob.core.files import JOBS, MAX_KEY, TEMPORARY
from batchjob.core.results import OUTCOMES
from batchjob.core.standing import Wait
from batchjob.core.status import Status
from batchjob.web.problems import CODES, SHOWN
from batchjob.web.queries import KEYS

Schema = dict[str, Any]

JOB_ID: Final[Schema] = {
    "type": "string",
    "pattern": "^batch_[0-7][0-9A-HJKMNP-TV-Z]{25}$",
    "examples": ["batch_01G8T782965PYFG0751G0Z38B4"],
}
TEXT: Final[Schema] = {"type": "string"}
TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
_NAME_IN_KEY: Final = r"(?!\.{1,2}(?:/|$))[!-$&-.0-9;-\[\]-~]{1,255}"  # no % / : \ in it
_TEMPORARY: Final = TEMPORARY.replace(".", r"\.")
_FILE_KEY: Final[Schema] = {
    "type": "string",
    "maxLength": MAX_KEY,
    "pattern": rf"^(?:{_NAME_IN_KEY}/)*(?!{_TEMPORARY}){_NAME_IN_KEY}$",
    "examples": ["uploads/01HZ/my-table.csv"],
}
_UPLOAD_KEY: Final[Schema] = {
    **_FILE_KEY,
    "allOf": [{"pattern": rf"^(?!{JOBS}/)"}],
    "description": "The key of an upload; files that jobs made go with their jobs.",
}
_NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_TIME_OR_NULL: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
_SECONDS: Final[Schema] = {"type": ["number", "null"], "minimum": 0}


def ref(name: str, kind: str = "schemas") -> dict[str, Json]:
    """Return a reference to one of the document's components."""
    return {"$ref": f"#/components/{kind}/{name}"}


def an_object(
    properties: Mapping[str, Any], *, optional: Iterable[str] = (), doc: str | None = None
) -> Schema:
    """Return the schema of an object with these keys and no others."""
    left_out = set(optional)
    found: Schema = {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False,
    }
    if required := [name for name in properties if name not in left_out]:
        found["required"] = required
    return found | ({"description": doc} if doc else {})


def an_array(items: Mapping[str, Any], **more: Any) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": dict(items), **more}


def schemas(types: Iterable[BatchType]) -> dict[str, Schema]:
    """Return every schema by its name; jobs can be made of *types*."""
    made = {f"create-{each.type}": _create(each) for each in types}
    return {**_SCHEMAS, "CreateBatchJob": _one_of(made), **made}


def _create(each: BatchType) -> Schema:
    properties = {
        "type": {"const": each.type},
        "context": dict(each.context_schema),
        "dry_run": {"type": "boolean", "default": False},
    }
    return an_object(properties, optional=["dry_run"], doc=f"A job of the type {each.type}.")


def _one_of(made: Mapping[str, Schema]) -> Schema:
    if not made:
        properties = {"type": TEXT, "context": {"type": "object"}, "dry_run": {"type": "boolean"}}
        return an_object(properties, optional=["dry_run"])
    mapping = {
        str(schema["properties"]["type"]["const"]): f"#/components/schemas/{name}"
        for name, schema in made.items()
    }
    return {
        "oneOf": [ref(name) for name in made],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }


def _job_keys() -> dict[str, Schema]:
    """Return the schema of each key of a job, in the page's order."""
    known: dict[str, Schema] = {
        "id": JOB_ID,
        "type": TEXT,
        "status": {"enum": [status.value for status in Status]},
        "created_by": TEXT_OR_NULL,
        "context": {"type": "object", "description": "As it was sent; planning may add to it."},
        "dry_run": {"type": "boolean"},
        "result": {"anyOf": [ref("Result"), {"type": "null"}]},
        "created_at": _TIME,
        "updated_at": _TIME,
        "deleted_at": _TIME_OR_NULL,
    }
    return {name: known.get(name, _TIME_OR_NULL) for name in KEYS}


_RESULT: Final = an_object(
    {
        "stat_descriptors": an_array(an_object({"key": TEXT, "name": TEXT, "message": TEXT})),
        "errors": an_array(ref("JobError")),
        "count": _NUMBER,
        "advancement_count": _NUMBER,
        "progress": {"type": "number", "minimum": 0, "maximum": 1},
        "file_key": TEXT,
        "file_size": _NUMBER,
    },
    optional=[
        "stat_descriptors", "errors", "count", "advancement_count", "progress", "file_key",
        "file_size",
    ],
    doc="What is known of the work so far; what is not known yet is left out.",
)  # fmt: skip

_STATE: Final = an_object(
    {
        "id": JOB_ID,
        "status": {"enum": [status.value for status in Status]},
        "wait": {"enum": [*(wait.value for wait in Wait), None]},
        "seconds": _SECONDS,
        "blocked_by": TEXT_OR_NULL,
        "paused_at": _TIME_OR_NULL,
        "retry_of": TEXT_OR_NULL,
        "chunks": {
            "type": "object",
            "propertyNames": {"enum": [state.value for state in ChunkState]},
            "additionalProperties": _NUMBER,
        },
        "workers": _NUMBER,
        "attempts": _NUMBER,
        "last_error": TEXT_OR_NULL,
        "left": _SECONDS,
        "outcomes": {"anyOf": [an_object(dict.fromkeys(OUTCOMES, _NUMBER)), {"type": "null"}]},
    },
    doc="What a job waits for, what is left of it, and how its rows ended.",
)

_JOB: Final = _job_keys()

_SCHEMAS: Final[Mapping[str, Schema]] = {
    "BatchJob": an_object(_JOB),
    "ListedBatchJob": an_object(
        {**_JOB, "created_by_user": {"anyOf": [ref("User"), {"type": "null"}]}},
        optional=set(_JOB) - {"id", "created_at"} | {"created_by_user"},
        doc="A job with the keys that were asked for.",
    ),
    "Result": _RESULT,
    "JobError": an_object(
        {
            "code": TEXT,
            "message": TEXT,
            "err": an_array(TEXT),
            "row": {"type": "integer", "description": "As a spreadsheet counts: the header is 1."},
            "column": TEXT,
        },
        optional=["row", "column"],
    ),
    "User": an_object(
        {
            "id": TEXT,
            "email": TEXT_OR_NULL,
            "first_name": TEXT_OR_NULL,
            "last_name": TEXT_OR_NULL,
            "api_token": {"type": "null"},
            "created_at": {"type": "null"},
            "updated_at": {"type": "null"},
            "deleted_at": {"type": "null"},
            "role": TEXT,
            "metadata": {"type": "object"},
        }
    ),
    "BatchJobAnswer": an_object({"batch_job": ref("BatchJob")}),
    "BatchJobsAnswer": an_object(
        {
            "batch_jobs": an_array(ref("ListedBatchJob")),
            "count": _NUMBER,
            "offset": _NUMBER,
            "limit": _NUMBER,
            "next_cursor": {
                **TEXT_OR_NULL,
                "description": "There where a cursor was sent; null after the last page.",
            },
        },
        optional=["next_cursor"],
    ),
    "ChangesAnswer": an_object(
        {
            "changes": an_array(ref("Change")),
            "count": _NUMBER,
            "offset": _NUMBER,
            "limit": _NUMBER,
        }
    ),
    "Change": an_object(
        {
            "row": {"type": "integer", "description": "As a spreadsheet counts: the header is 1."},
            "key": TEXT,
            "outcome": {"enum": list(OUTCOMES)},
            "fields": an_array(an_object({"name": TEXT, "old": {}, "new": {}})),
            "errors": an_array(ref("JobError")),
        },
        doc="What becomes of a row: the fields that differ, or why it fails.",
    ),
    "StateAnswer": an_object({"state": _STATE}),
    "BatchTypesAnswer": an_object(
        {
            "batch_types": an_array(
                an_object(
                    {
                        "type": TEXT,
                        "version": _NUMBER,
                        "context_schema": {"type": "object"},
                        "preview": {"type": "boolean"},
                        "template": {"type": "boolean"},
                    }
                )
            ),
            "count": _NUMBER,
        }
    ),
    "Files": an_object(
        {"files": an_array({"type": "string", "format": "binary"}, maxItems=100)},
        optional=["files"],
    ),
    "FileKey": an_object({"file_key": _FILE_KEY}),
    "UploadKey": an_object({"file_key": _UPLOAD_KEY}),
    "UploadsAnswer": an_object(
        {"uploads": an_array(an_object({"url": {"type": "string", "format": "uri"}, "key": TEXT}))}
    ),
    "DeletedAnswer": an_object(
        {"id": TEXT, "object": {"const": "file"}, "deleted": {"const": True}}
    ),
    "DownloadUrlAnswer": an_object({"download_url": {"type": "string", "format": "uri"}}),
    "Problem": an_object(
        {
            "code": {"type": "string", "description": "A stable word: each status has its own."},
            "type": {"enum": sorted({kind for kind, _ in CODES.values()})},
            "message": TEXT,
            "errors": an_array(ref("Place"), maxItems=SHOWN),
        }
    ),
    "Place": an_object(
        {
            "code": TEXT,
            "message": TEXT,
            "pointer": {"type": "string", "description": "JSON pointer into the body (RFC 6901)."},
            "parameter": {"type": "string", "description": "Name of a parameter of the query."},
        },
        optional=["pointer", "parameter"],
        doc="One fault, and the place of it.",
    ),
}
