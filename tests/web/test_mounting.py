"""The app below a path of another framework's app: a real server, and requests to it."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from litestar.testing import TestClient

from batchjob import BatchJobs
from batchjob.web import create_app
from web.files_served import ANNA, BERT, app_of, believe, done, opened, served
from web.hosts import HOSTS, PREFIX
from web.served import PATH, problem

MOUNTED = f"{PREFIX}{PATH}"


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory."""
    with opened(tmp_path) as found:
        yield found


@pytest.fixture(params=HOSTS)
def client(jobs: BatchJobs, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Anna's client of a host that hears of no start and no end."""
    host = HOSTS[request.param](app_of(jobs))
    with served(host) as url, httpx.Client(base_url=url, headers=ANNA) as found:
        yield found


def test_a_job_is_found_where_the_answer_says(client: httpx.Client) -> None:
    """Location has the host's prefix, and there the job can be seen, confirmed and canceled."""
    made = client.post(MOUNTED, json={"type": "lines", "context": {}})
    assert made.status_code == 201
    job_id = made.json()["batch_job"]["id"]
    assert made.headers["location"] == f"{MOUNTED}/{job_id}"
    assert client.get(made.headers["location"]).json() == made.json()
    assert problem(client.post(f"{MOUNTED}/{job_id}/confirm"), 409)["code"] == "invalid_state"
    assert client.post(f"{MOUNTED}/{job_id}/cancel").status_code == 200


def test_the_next_page_is_where_the_answer_says(client: httpx.Client) -> None:
    """Link has the host's prefix."""
    for _ in range(2):
        client.post(MOUNTED, json={"type": "lines", "context": {}})
    first = client.get(MOUNTED, params={"limit": 1})
    second = client.get(first.links["next"]["url"])
    assert urlsplit(first.links["next"]["url"]).path == MOUNTED
    assert len({page.json()["batch_jobs"][0]["id"] for page in (first, second)}) == 2


def test_a_file_is_found_where_the_link_says(client: httpx.Client) -> None:
    """The links of uploads and downloads are whole, and have the host's prefix."""
    answer = client.post(f"{PREFIX}/admin/uploads", files={"files": ("a.csv", b"a;b\r\n")})
    [upload] = answer.json()["uploads"]
    asked = client.post(
        f"{PREFIX}/admin/uploads/download-url", json={"file_key": upload["key"]}
    ).json()
    for url in (upload["url"], asked["download_url"]):
        assert url.startswith(f"{client.base_url}{PREFIX}/files/")
        assert client.get(url).content == b"a;b\r\n"
        problem(client.get(url, headers=BERT), 403)


def test_files_and_events_of_a_job_come_through(client: httpx.Client, jobs: BatchJobs) -> None:
    """What is sent in blocks is sent below a prefix as well."""
    job = done(jobs)
    assert client.get(f"{MOUNTED}/{job.id}/result").text == "line 0\nline 1\nline 2\n"
    assert '"status": "completed"' in client.get(f"{MOUNTED}/{job.id}/events").text


def test_a_mount_in_an_app_that_is_below_a_path_itself(jobs: BatchJobs) -> None:
    """Where a proxy has a prefix too, both stand in the addresses of answers."""
    host = HOSTS["in_starlette"](app_of(jobs))
    with TestClient(host, root_path="/api") as client:
        client.headers.update(ANNA)
        made = client.post(f"/api{MOUNTED}", json={"type": "lines", "context": {}})
        assert made.headers["location"].startswith(f"/api{MOUNTED}/batch_")
        sent = client.post(f"/api{PREFIX}/admin/uploads", files={"files": ("a.csv", b"a")})
        [upload] = sent.json()["uploads"]
        assert urlsplit(upload["url"]).path.startswith(f"/api{PREFIX}/files/")
        assert client.get(upload["url"]).content == b"a"


@pytest.mark.parametrize("prefix", ["", "/jobs"])
def test_a_proxy_that_cuts_its_prefix_off(jobs: BatchJobs, prefix: str) -> None:
    """Where the server is told what a proxy cuts off, that stands before all addresses."""
    app = create_app(jobs, authenticator=believe, prefix=prefix)
    with served(app, root_path="/api") as url, httpx.Client(base_url=url, headers=ANNA) as client:
        made = client.post(f"{prefix}{PATH}", json={"type": "lines", "context": {}})
        assert made.headers["location"].startswith(f"/api{prefix}{PATH}/batch_")
        sent = client.post(f"{prefix}/admin/uploads", files={"files": ("a.csv", b"a")})
        [upload] = sent.json()["uploads"]
        assert upload["url"].startswith(f"{url}/api{prefix}/files/")
        assert client.get(upload["url"].replace("/api", "", 1)).content == b"a"


def test_options_has_every_method_below_a_prefix(client: httpx.Client) -> None:
    """``Allow`` has what the address takes, wherever the app is."""
    answer = client.options(f"{PREFIX}/admin/uploads")
    assert (answer.status_code, answer.headers["allow"]) == (204, "DELETE, OPTIONS, POST")
    assert client.options(MOUNTED).headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_strangers_are_kept_out(client: httpx.Client) -> None:
    """Below a prefix too nobody unknown learns anything, and health is for everybody."""
    stranger = {"x-user": ""}
    assert client.get(f"{PREFIX}/health", headers=stranger).text == "OK"
    for path in (PATH, f"{PATH}/batch_x", "/nothing", "/", f"{PREFIX}/health", "/health/x"):
        problem(client.get(f"{PREFIX}{path}", headers=stranger), 401)


def test_what_is_not_there_is_answered_by_whose_path_it_is(client: httpx.Client) -> None:
    """Below the prefix 404 and 405 are ours, and elsewhere the host's."""
    assert problem(client.get(f"{PREFIX}/nothing"), 404)["code"] == "unknown_route"
    assert problem(client.put(MOUNTED), 405)["code"] == "method_not_allowed"
    elsewhere = client.get(PATH)
    assert elsewhere.status_code == 404
    assert "unknown_route" not in elsewhere.text
