"""Jobs in the API's form."""

from typing import Any

import pytest

from batchjob import InvalidState, Result, StatDescriptor, job_from_json, job_to_json
from batchjob.errors import InvalidDocument
from support import new_job


def test_a_job_looks_as_on_the_apis_page() -> None:
    """The JSON of a job has the page's keys in its order, and only what is known of the result."""
    stat = StatDescriptor(key="product-export-count", name="Product count to export", message="8")
    document = job_to_json(new_job(result=Result(stat_descriptors=(stat,), count=8)))
    assert document == {
        "id": "batch_01HK2EA8G00000000000000007",
        "type": "lines",
        "status": "created",
        "created_by": None,
        "context": {},
        "dry_run": False,
        "result": {
            "stat_descriptors": [
                {"key": "product-export-count", "name": "Product count to export", "message": "8"}
            ],
            "count": 8,
        },
        "created_at": "2024-01-01T12:00:00.000Z",
        "updated_at": "2024-01-01T12:00:00.000Z",
        "pre_processed_at": None,
        "confirmed_at": None,
        "processing_at": None,
        "completed_at": None,
        "canceled_at": None,
        "failed_at": None,
        "deleted_at": None,
    }


def test_the_json_is_plain() -> None:
    """A status is a plain text, so that any writer of JSON, YAML or SQL takes it."""
    assert type(job_to_json(new_job())["status"]) is str


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"statuss": "created"}, "/statuss", "did you mean status?"),
        ({"status": "canceld"}, "/status", "did you mean canceled?"),
        ({"dry_run": 1}, "/dry_run", "expected true or false, found 1"),
        ({"id": None}, "/id", "expected a text, found null"),
        ({"context": []}, "/context", "expected an object, found an array"),
        ({"created_at": "2024-01-01"}, "/created_at", "has no zone"),
        ({"created_at": 5}, "/created_at", "expected an ISO 8601 time, found 5"),
        ({"result": {"count": 1.5}}, "/result/count", "expected a whole number, found 1.5"),
        ({"result": {"errors": [{"code": "x"}]}}, "/result/errors/0/message", "required"),
        ({"result": {"stat_descriptors": "abc"}}, "/result/stat_descriptors", "an array"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    change: dict[str, Any], pointer: str, words: str
) -> None:
    """An unknown key or a wrong type is named by JSON pointer, with what would be right."""
    with pytest.raises(InvalidDocument) as refused:
        job_from_json(job_to_json(new_job()) | change)
    (fault,) = refused.value.faults
    assert fault.pointer == pointer
    assert words in fault.message


def test_all_faults_are_said_at_once() -> None:
    """Three wrong places are three faults of one error."""
    wrong = {"x": 1, "dry_run": "no", "type": None}
    with pytest.raises(InvalidDocument) as refused:
        job_from_json(job_to_json(new_job()) | wrong)
    assert {fault.pointer for fault in refused.value.faults} == {"/x", "/dry_run", "/type"}


def test_what_is_no_object_is_no_job() -> None:
    """A list or null in place of a job is refused as such."""
    documents: list[Any] = [[], None, "job"]
    for wrong in documents:
        with pytest.raises(InvalidDocument, match="expected an object"):
            job_from_json(wrong)
    assert not issubclass(InvalidState, InvalidDocument)
