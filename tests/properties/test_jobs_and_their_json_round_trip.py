"""Law: a job and its JSON say the same, through text and back."""

import json
import re

from hypothesis import given

from batchjob import job_from_json, job_to_json
from batchjob.converters import dump_json, parse_json
from batchjob.core.job import BatchJob
from batchjob.testing.generated import jobs

PAGE_KEYS = {  # the API's page, "batch_job"
    "id", "created_by", "dry_run", "pre_processed_at", "processing_at", "confirmed_at",
    "completed_at", "canceled_at", "failed_at", "created_at", "updated_at", "deleted_at", "type",
    "status", "context", "result",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@given(job=jobs())
def test_a_job_comes_back_from_its_json(job: BatchJob) -> None:
    """What `job_to_json` gives, written as text and read again, is the same job."""
    assert job_from_json(parse_json(dump_json(job_to_json(job)))) == job


@given(job=jobs())
def test_the_json_has_the_keys_of_the_page(job: BatchJob) -> None:
    """A job's JSON has the keys of the API's page and no others; times have milliseconds and Z."""
    document = json.loads(dump_json(job_to_json(job)))
    assert set(document) == PAGE_KEYS
    for name in PAGE_KEYS:
        if name.endswith("_at") and document[name] is not None:
            assert TIME.fullmatch(document[name])
