"""Over HTTP: changes in pages, error reports, templates, and files that a context names."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs
from tally import Tally
from web.served import BOB, PATH, Client, as_user, lines, problem, serving


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory that know an import."""
    with BatchJobs.open("memory:", files=str(tmp_path), plugins=lines(Tally())) as opened:
        yield opened


@pytest.fixture
def client(jobs: BatchJobs) -> Iterator[Client]:
    """A client of ada's."""
    with serving(jobs) as opened:
        yield opened


def planned(client: Client, jobs: BatchJobs, content: bytes, **context: Any) -> str:
    """Upload a file, make a dry run of it, have it planned, and return the job's id."""
    sent = client.post("/admin/uploads/protected", files={"files": ("a.csv", content)})
    key = sent.json()["uploads"][0]["key"]
    body = {"type": "tally", "context": {"fileKey": key, **context}, "dry_run": True}
    job_id: str = client.post(PATH, json=body).json()["batch_job"]["id"]
    jobs.work(job_id)
    return job_id


def test_changes_come_in_pages(client: Client, jobs: BatchJobs) -> None:
    """A page has row, key, outcome, each field with its old and new value, and errors."""
    job_id = planned(client, jobs, b"ada;1\nbob;x\n", skip_invalid=True)
    answer = client.get(f"{PATH}/{job_id}/changes?limit=1")
    assert answer.json() == {
        "changes": [
            {
                "row": 2,
                "key": "ada",
                "outcome": "created",
                "fields": [{"name": "total", "old": None, "new": 1}],
                "errors": [],
            }
        ],
        "count": 2,
        "offset": 0,
        "limit": 1,
    }
    (failed,) = client.get(f"{PATH}/{job_id}/changes?offset=1").json()["changes"]
    assert failed["errors"] == [
        {
            "code": "invalid_number",
            "message": "'x' is no number",
            "err": [],
            "row": 3,
            "column": "number",
        }
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "query_range"),
        ("limit=101", "query_range"),
        ("offset=-1", "query_range"),
        ("order=row", "query_unknown"),
        ("cursor=a&limit=x", "invalid_query"),
    ],
)
def test_a_query_for_changes_is_read_strictly(
    client: Client, jobs: BatchJobs, query: str, code: str
) -> None:
    """What is not taken, or out of its range, is 400."""
    job_id = planned(client, jobs, b"ada;1\n")
    assert problem(client.get(f"{PATH}/{job_id}/changes?{query}"), 400)["code"] == code


def test_there_are_no_changes_where_there_is_no_plan(client: Client, jobs: BatchJobs) -> None:
    """A refused file, and a type without preview, have no changes: 404 with words."""
    job_id = planned(client, jobs, b"bob;x\n")
    assert problem(client.get(f"{PATH}/{job_id}/changes"), 404)["code"] == "no_preview"


def test_the_error_report_is_downloaded(client: Client, jobs: BatchJobs) -> None:
    """It is CSV to be saved, at its own address and as the job's result; without one it is 404."""
    job_id = planned(client, jobs, b"ada;1\nbob;x\n")
    for path in ("errors", "result"):
        answer = client.get(f"{PATH}/{job_id}/{path}")
        assert answer.text == "bob;x;invalid_number\n"
        assert answer.headers["content-type"].startswith("text/csv")
        assert 'filename="tally-errors.csv"' in answer.headers["content-disposition"]
    good = planned(client, jobs, b"ada;1\n")
    assert problem(client.get(f"{PATH}/{good}/errors"), 404)["code"] == "no_report"


def test_previews_and_reports_are_the_creators(client: Client, jobs: BatchJobs) -> None:
    """Others are told what they are told of jobs that do not exist."""
    job_id = planned(client, jobs, b"ada;1\nbob;x\n")
    for path in ("errors", "changes"):
        asked = client.get(f"{PATH}/{job_id}/{path}", headers=as_user(BOB))
        assert problem(asked, 404)["code"] == "unknown_job"


def test_a_template_is_downloaded(client: Client) -> None:
    """A type that is given a file has a template; others, and unknown types, are 404."""
    answer = client.get("/admin/batch-types/tally/template")
    assert answer.text == "name;number\r\n"
    assert 'filename="tally-template.csv"' in answer.headers["content-disposition"]
    assert problem(client.get("/admin/batch-types/lines/template"), 404)["code"] == "no_template"
    assert problem(client.get("/admin/batch-types/tall/template"), 404)["code"] == "unknown_type"


def test_a10_a_file_of_another_user_in_a_context_is_not_there(
    client: Client, jobs: BatchJobs
) -> None:
    """A context that names another user's upload is 404, as one that does not exist."""
    theirs = jobs.upload(io.BytesIO(b"ada;1\n"), "a.csv", actor=BOB).key
    for key in (theirs, "uploads/01HKB2QW7Z/none.csv"):
        body = {"type": "tally", "context": {"fileKey": key}}
        found = problem(client.post(PATH, json=body), 404)
        assert (found["code"], found["message"]) == ("unknown_file", f"there is no file {key!r}")


@pytest.mark.parametrize("key", ["../../etc/passwd", "/etc/passwd", "a\\b", "%2e%2e/a", "a\u202eb"])
def test_a9_a_key_that_no_file_can_have_in_a_context_is_422(client: Client, key: str) -> None:
    """A key that would lead elsewhere is refused with its own code."""
    body = {"type": "tally", "context": {"fileKey": key}}
    assert problem(client.post(PATH, json=body), 422)["code"] == "file_key"
