"""The OpenAPI document: what it says is what the app does."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from batchjob import BatchJobs, JobError, Result
from batchjob.abc import ORDERS, TIMES
from batchjob.web.answers import user_document
from batchjob.web.bodies import Field
from batchjob.web.callers import Caller
from batchjob.web.jobs import _FIELDS
from batchjob.web.problems import CODES
from batchjob.web.queries import BOUNDS, NULLABLE, read_listing
from batchjob.web.streams import job_events
from web.served import Client, lines, make, problem, serving

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of an app that makes jobs of the type ``lines``."""
    with BatchJobs.open("memory:", plugins=lines()) as jobs, serving(jobs) as client:
        yield client


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    """The document, as it is served."""
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def _operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_is_in_it_and_nothing_else(client: Client, document: dict[str, Any]) -> None:
    """Paths and methods are those of the app; OPTIONS and HEAD are everywhere."""
    routes = {
        (method, re.sub(r"{(?:job_)?(\w+):str}", r"{\1}", route.path))
        for route in client.app.routes
        for method in route.methods - {"OPTIONS"}
    }
    assert document["openapi"] == "3.1.0"
    assert set(_operations(document)) == routes


def test_strangers_are_not_shown_it(client: Client) -> None:
    """Like everything but /health it wants a caller, and it says so of every operation."""
    client.headers.clear()
    problem(client.get("/openapi.json"), 401)


def test_every_operation_but_health_wants_a_token(document: dict[str, Any]) -> None:
    """What needs no token says so."""
    found = _operations(document).items()
    assert [key for key, operation in found if "security" in operation] == [("GET", "/health")]


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    """A client that is made of it has a function for each."""
    names = [operation["operationId"] for operation in _operations(document).values()]
    assert len(set(names)) == len(names)


def test_everything_it_refers_to_is_there(document: dict[str, Any]) -> None:
    """References and links lead somewhere, and every schema is used."""
    names = {operation["operationId"] for operation in _operations(document).values()}
    targets = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in document["components"][kind]
    }
    used = set(_values(document, "$ref"))
    assert used <= targets
    assert targets - used <= {f"#/components/responses/Problem{s}" for _, s in CODES.values()}
    assert {link for link in _values(document, "operationId") if isinstance(link, str)} == names


def test_it_has_the_errors_of_the_table(document: dict[str, Any]) -> None:
    """Each status of an error names its codes, and all have one shape."""
    for code, (kind, status) in CODES.items():
        response = document["components"]["responses"][f"Problem{status}"]
        assert f"`{code}`" in response["description"]
        assert response["content"]["application/json"]["schema"]["$ref"].endswith("/Problem")
        assert kind in document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]


def test_the_parameters_of_a_list_are_those_that_are_read(document: dict[str, Any]) -> None:
    """Each is taken alone, and everything that is taken is there."""
    parameters = document["paths"]["/admin/batch-jobs"]["get"]["parameters"]
    named = {each["name"] for each in parameters if each["in"] == "query"}
    times = {f"{name}[{bound}]" for name in TIMES for bound in BOUNDS}
    arrays = {"type[]", "id[]", "status[]"}
    others = {"order", "limit", "offset", "cursor", "fields", "expand"}
    assert named == times | set(NULLABLE) | arrays | others
    order = next(each for each in parameters if each["name"] == "order")
    assert order["schema"]["enum"] == list(ORDERS)
    examples = {"status[]": "created", "order": ORDERS[0], "limit": "1", "offset": "1"}
    examples |= {"cursor": "", "fields": "", "expand": "", "type[]": "a", "id[]": "a"}
    examples |= dict.fromkeys(times, "2024-05-01") | dict.fromkeys(NULLABLE, "null")
    for name in named:
        read_listing(f"{name}={examples[name]}".encode(), "usr_ada", secret=b"s")


def test_the_body_of_a_new_job_is_the_one_that_is_read(document: dict[str, Any]) -> None:
    """Its keys and those that have to be there are the same for every type, as is the rest."""
    schemas = document["components"]["schemas"]
    refs = [each["$ref"].rsplit("/", 1)[1] for each in schemas["CreateBatchJob"]["oneOf"]]
    assert "create-lines" in refs
    for name in refs:
        assert list(schemas[name]["properties"]) == [field.name for field in _FIELDS]
        assert schemas[name]["required"] == _required(_FIELDS)
        assert schemas[name]["additionalProperties"] is False
    words = schemas["create-lines"]["properties"]
    assert words["type"] == {"const": "lines"}
    assert set(words["context"]["properties"]) == {"lines", "page", "word"}


def test_answers_have_the_keys_that_it_says(client: Client, document: dict[str, Any]) -> None:
    """A job, what is known of its work, an error of it, its creator and its state."""
    schemas = document["components"]["schemas"]
    job = make(client)
    assert list(job) == list(schemas["BatchJob"]["properties"])
    state = client.get(f"/admin/batch-jobs/{job['id']}/state").json()["state"]
    assert list(state) == list(schemas["StateAnswer"]["properties"]["state"]["properties"])
    assert list(user_document(Caller("usr_ada")) or ()) == list(schemas["User"]["properties"])
    for cls, left_out in ((Result, "outcomes"), (JobError, "params")):
        kept = [field.name for field in attrs.fields(cls) if field.name != left_out]
        assert kept == list(schemas[cls.__name__]["properties"])


def test_a_stream_is_answered_as_it_says(client: Client, document: dict[str, Any]) -> None:
    """Events are a stream until the job ends, and 204 behind its last one."""
    job = make(client)["id"]
    client.post(f"/admin/batch-jobs/{job}/cancel")
    path = f"/admin/batch-jobs/{job}/events"
    answers = document["paths"]["/admin/batch-jobs/{id}/events"]["get"]["responses"]
    first = client.get(path)
    (kind,) = answers[str(first.status_code)]["content"]
    assert first.headers["content-type"].startswith(kind)
    last = re.findall(r"^id: ?(\d+)", first.text, re.MULTILINE)[-1]
    again = client.get(path, headers={"last-event-id": last})
    assert (again.status_code, "content" in answers["204"]) == (204, False)
    assert job_events.paths == {"/admin/batch-jobs/{job_id:str}/events"}


@pytest.mark.parametrize("path", ["/admin/uploads", "/admin/batch-jobs", "/health"])
def test_options_has_every_method_of_an_address(
    path: str, client: Client, document: dict[str, Any]
) -> None:
    """``Allow`` has what the document has, HEAD where GET is, and OPTIONS."""
    answer = client.options(path)
    documented = {method.upper() for method in document["paths"][path]}
    more = {"OPTIONS", "HEAD"} if "GET" in documented else {"OPTIONS"}
    assert answer.status_code == 204
    assert set(answer.headers["allow"].split(", ")) == documented | more


def test_a_fuzzer_finds_no_mismatch() -> None:
    """Schemathesis, all of its checks, with what it makes up and with what it was answered."""
    command = [sys.executable, "-m", "benchmarks.fuzz", "--seconds", "30"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]


def _required(fields: tuple[Field, ...]) -> list[str]:
    return [field.name for field in fields if field.required]


def _values(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        for each in value.values():
            yield from _values(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each, key)
