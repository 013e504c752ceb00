"""What every request meets: methods, headers, origins, and errors in one shape."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from litestar.testing import TestClient

from batchjob import BatchJobs
from batchjob.errors import BatchJobError
from batchjob.web import WebSettings, create_app
from batchjob.web.problems import CODES, Problem, as_problem
from batchjob.web.problems import problem as problem_of
from web.served import ADA, PATH, SECRET, Client, as_user, lines, make, problem, serving, who

SHOP = "https://shop.example.org"
DOCS = Path(__file__).parents[2] / "docs" / "reference" / "http.md"


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory."""
    with BatchJobs.open("memory:", files=str(tmp_path), plugins=lines()) as opened:
        yield opened


@pytest.fixture
def client(jobs: BatchJobs) -> Iterator[Client]:
    """Ada's client."""
    with serving(jobs) as served:
        yield served


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", PATH, "GET, HEAD, OPTIONS, POST"),
        ("TRACE", PATH, "GET, HEAD, OPTIONS, POST"),
        ("CONNECT", PATH, "GET, HEAD, OPTIONS, POST"),
        ("DELETE", f"{PATH}/batch_x", "GET, HEAD, OPTIONS"),
        ("GET", f"{PATH}/batch_x/confirm", "OPTIONS, POST"),
        ("POST", "/admin/batch-types", "GET, HEAD, OPTIONS"),
        ("BREW", PATH, "GET, HEAD, OPTIONS, POST"),
    ],
)
def test_a23_a_method_that_is_not_taken_is_told_which_are(
    client: Client, method: str, path: str, allowed: str
) -> None:
    """It is answered 405 with Allow, in JSON."""
    answer = client.request(method, path)
    assert problem(answer, 405)["code"] == "method_not_allowed"
    assert answer.headers["allow"] == allowed


def test_a23_no_header_makes_another_method(client: Client) -> None:
    """X-HTTP-Method-Override is read over."""
    job = make(client)
    headers = {"x-http-method-override": "DELETE", "x-method-override": "PUT"}
    answer = client.get(f"{PATH}/{job['id']}", headers=headers)
    assert answer.json()["batch_job"] == job


def test_a23_head_is_get_without_a_body(client: Client) -> None:
    """HEAD is answered with the headers of GET, length and ETag too, also where GET fails."""
    make(client)
    for path in (PATH, "/health", "/nothing", f"{PATH}?limit=0"):
        get, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        for name in ("content-length", "content-type", "etag"):
            assert head.headers.get(name) == get.headers.get(name)


def test_an_unknown_address_is_answered_in_json(client: Client) -> None:
    """What is not there is 404, in the shape of all errors."""
    for path in ("/", "/admin", "/admin/batch-jobs/x/y", "/schema", "/%2e%2e/etc/passwd"):
        assert problem(client.get(path), 404)["code"] == "unknown_route"


def test_every_answer_has_the_headers_that_keep_browsers_safe(client: Client) -> None:
    """Nothing is sniffed, framed, or kept by caches that others share."""
    for answer in (client.get(PATH), client.get("/nothing"), client.get("/health")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] in ("no-store", "private, no-cache")
        assert answer.headers["referrer-policy"] == "no-referrer"


def test_requests_have_ids(client: Client) -> None:
    """An id that a client sends is sent back, if it is plain; else one is made."""
    assert client.get(PATH, headers={"x-request-id": "a.b-1"}).headers["x-request-id"] == "a.b-1"
    for odd in ("", "a b", "x" * 65, "ä"):
        raw = [(b"x-request-id", odd.encode()), (b"x-user", ADA.encode())]
        made = client.get(PATH, headers=raw).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", made)


def test_pages_of_other_origins_may_not_read_answers(client: Client) -> None:
    """Without a setting no answer has a header of CORS, and a preflight is nothing special."""
    asked = {"origin": SHOP, "access-control-request-method": "GET"}
    for answer in (client.get(PATH, headers=asked), client.options(PATH, headers=asked)):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_pages_of_a_known_origin_may(jobs: BatchJobs) -> None:
    """A configured origin may ask, errors and preflights too; another one may not."""
    settings = WebSettings(secret=SECRET, cors_origins=(SHOP,))
    with serving(jobs, user_id=None, settings=settings) as client:
        asked = {"origin": SHOP, "access-control-request-method": "POST"}
        preflight = client.options(PATH, headers=asked)
        assert preflight.status_code == 204
        assert "Idempotency-Key" in preflight.headers["access-control-allow-headers"]
        for headers in ({"origin": SHOP}, {"origin": SHOP, **as_user(ADA)}):
            answer = client.get(PATH, headers=headers)
            assert answer.headers["access-control-allow-origin"] == SHOP
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert answer.headers["vary"] == "Origin"
        other = client.options(PATH, headers={**asked, "origin": f"{SHOP}.evil"})
        problem(other, 401)
        assert "access-control-allow-origin" not in other.headers
        assert other.headers["vary"] == "Origin"


def test_every_origin_may_ask_without_credentials(jobs: BatchJobs) -> None:
    """The origin * is answered with *, and never with credentials."""
    with serving(jobs, settings=WebSettings(cors_origins=("*",))) as client:
        answer = client.get(PATH, headers={"origin": SHOP})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_a_prefix_stands_before_every_path(jobs: BatchJobs) -> None:
    """Under a prefix all is where it was below it, health and addresses in answers too."""
    with serving(jobs, prefix="/jobs") as client:
        answer = client.post(f"/jobs{PATH}", json={"type": "lines", "context": {}})
        assert answer.headers["location"].startswith(f"/jobs{PATH}/batch_")
        assert client.get(answer.headers["location"]).status_code == 200
        assert client.get("/jobs/health", headers={"x-user": ""}).status_code == 200
        assert problem(client.get(PATH), 404)


def test_a_mounted_app_knows_where_it_is(jobs: BatchJobs) -> None:
    """Under a root path of its host it answers, and its addresses have that path."""
    app = create_app(jobs, authenticator=who)
    with TestClient(app, root_path="/api") as client:
        client.headers.update(as_user(ADA))
        answer = client.post(f"/api{PATH}", json={"type": "lines", "context": {}})
        assert answer.headers["location"].startswith(f"/api{PATH}/batch_")
        assert client.get(answer.headers["location"]).status_code == 200
        assert client.get("/api/health", headers={"x-user": ""}).status_code == 200


def test_a_public_url_stands_in_addresses(jobs: BatchJobs) -> None:
    """Where the public URL is known, addresses in answers are whole."""
    with serving(jobs, settings=WebSettings(public_url="https://example.org/x/")) as client:
        answer = client.post(PATH, json={"type": "lines", "context": {}})
    assert answer.headers["location"].startswith(f"https://example.org/x{PATH}/batch_")


def _errors(cls: type[BatchJobError] = BatchJobError) -> Iterator[type[BatchJobError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _errors(child)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_row_in_the_docs(code: str) -> None:
    """The table of errors in the reference has each code with its type and its status."""
    kind, status = CODES[code]
    assert f"| `{code}` | `{kind}` | {status} |" in DOCS.read_text("utf-8")


def test_no_code_is_described_that_is_not_there() -> None:
    """The table of errors in the reference has no other code."""
    described = re.findall(r"^\| `(\w+)` \| `\w+` \| \d+ \|", DOCS.read_text("utf-8"), re.MULTILINE)
    assert sorted(described) == sorted(CODES)


def test_what_is_no_clients_fault_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An error of ours that is in no row is answered as an unknown one, and logged."""
    ours = {cls.code for cls in _errors()} - set(CODES)
    assert "lease_lost" in ours
    found = as_problem(ValueError("secret"))
    assert (found.status, found.code) == (500, "unknown_error")
    assert "secret" not in found.body().decode()
    assert "secret" in caplog.text


def test_a12_a_header_with_control_characters_is_not_written(jobs: BatchJobs) -> None:
    """What would split an answer is an error of ours, not a header."""
    found: Any = Problem(400, "bad_request", "x", headers={"x-name": "a\r\nset-cookie: b"})

    async def breaking(_: Any) -> Any:
        raise found

    with (
        serving(jobs, authenticator=breaking) as client,
        pytest.raises(ValueError, match="control character"),
    ):
        TestClient(client.app).get(PATH)


def test_a_problem_has_the_tables_status() -> None:
    """A code has one status and one type."""
    assert get_type_hints(Problem.document)
    assert {problem_of(code, "x").status for code in CODES} == {row[1] for row in CODES.values()}
