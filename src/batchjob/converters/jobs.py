"""Jobs in the form of the API's page (Medusa v1 Admin API, "batch_job"): exact keys, exact times.

Times are ISO 8601 in UTC with milliseconds and ``Z``. Of a result, what is not known is left out.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cattrs.gen import (
    make_dict_structure_fn,
    make_dict_unstructure_fn,
    override,
)

from batchjob._typing import Json, JsonObject
from batchjob.converters.plain import say
from batchjob.converters.strict import Wrong, faults_of, make_converter
from batchjob.core.job import BatchJob
from batchjob.core.results import JobError, Result
from batchjob.core.status import Status
from batchjob.errors import InvalidDocument

_converter = make_converter()


def job_to_json(job: BatchJob) -> dict[str, Json]:
    """Return *job* as the API shows it: a JSON object with the page's keys and no others."""
    found: dict[str, Json] = _converter.unstructure(job)
    return found


def job_from_json(document: object) -> BatchJob:
    """Return the job that `job_to_json` gave; `InvalidDocument` holds every fault and its place."""
    try:
        return _converter.structure(document, BatchJob)
    except Exception as error:
        raise InvalidDocument(list(faults_of(error, renamed={"batch_type": "type"}))) from error


def result_to_json(result: Result) -> dict[str, Json]:
    """Return *result* as the API shows it, without what is not known."""
    found: dict[str, Json] = _converter.unstructure(result)
    return found


def errors_to_json(errors: "tuple[JobError, ...]") -> list[Json]:
    """Return *errors* as the API shows them."""
    found: list[Json] = _converter.unstructure(list(errors))
    return found


def time_to_json(time: datetime) -> str:
    """Return an aware UTC *time* as ``2024-05-01T12:00:00.000Z``."""
    return time.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _object(value: Any, _: Any) -> JsonObject:
    if not isinstance(value, Mapping):
        raise Wrong(f"expected an object, found {say(value)}")
    return dict(value)


def _structured(cls: type[Any], **overrides: Any) -> None:
    inner = make_dict_structure_fn(cls, _converter, _cattrs_forbid_extra_keys=True, **overrides)
    _converter.register_structure_hook(cls, lambda value, _: inner(_object(value, cls), cls))


_params = override(struct_hook=_object)
_context = override(struct_hook=_object)
_err = override(omit_if_default=False)
_type = override(rename="type")
_converter.register_unstructure_hook(datetime, time_to_json)
_converter.register_unstructure_hook(Status, str.__str__)  # a plain text, not a StrEnum
_converter.register_unstructure_hook(
    JobError,
    make_dict_unstructure_fn(JobError, _converter, _cattrs_omit_if_default=True, err=_err),
)
_converter.register_unstructure_hook(
    Result, make_dict_unstructure_fn(Result, _converter, _cattrs_omit_if_default=True)
)
_converter.register_unstructure_hook(
    BatchJob, make_dict_unstructure_fn(BatchJob, _converter, batch_type=_type)
)
_structured(JobError, params=_params)
_structured(BatchJob, batch_type=_type, context=_context)
