"""Logs: requests and jobs, by id, and nothing that lets anybody in."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchjob import BatchJobs
from batchjob.web import ApiTokens
from batchjob.web.logs import ACCESS, JOBS, JobLog, RequestIds
from web.served import PATH, Client, lines, make, serving


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory, with a log."""
    plugins = {**lines(), "log": JobLog()}
    with BatchJobs.open("memory:", files=str(tmp_path), plugins=plugins) as opened:
        yield opened


@pytest.fixture
def client(jobs: BatchJobs, caplog: pytest.LogCaptureFixture) -> Iterator[Client]:
    """Ada's client, whose requests are logged."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(RequestIds())
    with serving(jobs) as served:
        yield served


def of(caplog: pytest.LogCaptureFixture, logger: logging.Logger) -> list[logging.LogRecord]:
    """Return the records of a logger."""
    return [record for record in caplog.records if record.name == logger.name]


def test_a_request_is_logged_with_its_id_and_its_job(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """A record has the route, the status, who asked, the job and the request's id, as fields."""
    job_id = make(client)["id"]
    client.get(f"{PATH}/{job_id}", headers={"x-request-id": "r-1"})
    made, seen = (vars(record) for record in of(caplog, ACCESS))
    assert (made["method"], made["status"], made["job"]) == ("POST", 201, job_id)
    assert (seen["method"], seen["status"], seen["job"]) == ("GET", 200, job_id)
    assert (seen["user"], seen["request_id"]) == ("usr_ada", "r-1")
    assert seen["route"] == f"{PATH}/{{job_id}}"
    assert seen["milliseconds"] >= 0
    assert f"job={job_id} request=r-1" in of(caplog, ACCESS)[1].getMessage()


def test_transitions_are_logged_with_the_request_that_made_them(
    client: Client, jobs: BatchJobs, caplog: pytest.LogCaptureFixture
) -> None:
    """What a request does to a job has the request's id; what a worker does has none."""
    job_id = client.post(
        PATH, json={"type": "lines", "context": {}}, headers={"x-request-id": "r-2"}
    ).json()["batch_job"]["id"]
    client.post(f"{PATH}/{job_id}/cancel", headers={"x-request-id": "r-3"})
    worked = jobs.work(jobs.create("lines").id)
    found = [vars(record) for record in of(caplog, JOBS)]
    asked = [each for each in found if each["job"] == job_id]
    assert [(each["to_status"], each["request_id"]) for each in asked] == [
        ("created", "r-2"),
        ("canceled", "r-3"),
    ]
    rest = [each for each in found if each["job"] == worked.id]
    assert rest[-1]["to_status"] == "completed"
    assert {each["request_id"] for each in rest} == {"-"}


def test_a_request_that_is_not_answered_is_logged(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Strangers, unknown addresses and odd methods have a record each, on one line."""
    client.get(PATH, headers={"x-user": ""})
    client.get("/nothing%0Aat%0Aall")
    client.request("BREW", PATH)
    records = of(caplog, ACCESS)
    assert [vars(record)["status"] for record in records] == [401, 404, 405]
    assert all("\n" not in record.getMessage() for record in records)


def test_no_secret_is_logged(
    jobs: BatchJobs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Tokens, links and cursors are in no record, whatever is asked with them."""
    caplog.set_level(logging.DEBUG)
    _, secret = jobs.create_token("usr_ada")
    with serving(jobs, user_id=None, authenticator=ApiTokens(jobs)) as client:
        for headers in (
            {"authorization": f"Bearer {secret}"},
            {"x-medusa-access-token": secret},
        ):
            files = {"files": ("a.csv", b"a")}
            sent = client.post("/admin/uploads", files=files, headers=headers)
            url = sent.json()["uploads"][0]["url"]
            for _ in range(2):
                client.post(PATH, json={"type": "lines", "context": {}}, headers=headers)
            page = client.get(f"{PATH}?limit=1", headers=headers).links["next"]["url"]
            for path in (url, page, f"{PATH}/{secret}x", f"{PATH}?token={secret}"):
                client.get(path, headers=headers)
                client.get(path)
        client.get(PATH, headers={"authorization": f"Basic {secret}"})
    batchjob = [r for r in caplog.records if r.name.startswith("batchjob")]
    text = "".join(map(str, map(vars, batchjob)))
    assert len(of(caplog, ACCESS)) > 10
    for each in (secret, url.rpartition("/")[2], page.rpartition("cursor=")[2]):
        assert each[:40] not in text
