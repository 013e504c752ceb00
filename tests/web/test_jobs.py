"""Jobs by HTTP: made, looked at, moved; and nobody else's."""

import asyncio
import logging
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from batchjob import BatchJobs, Refused, Run, Status
from batchjob.core.results import JobError
from batchjob.web import create_app
from support import Lines, LinesContext
from web.served import ADA, BOB, PATH, Client, as_user, lines, make, problem, serving, until, who

KEYS = {
    "id", "created_by", "dry_run", "pre_processed_at", "processing_at", "confirmed_at",
    "completed_at", "canceled_at", "failed_at", "created_at", "updated_at", "deleted_at", "type",
    "status", "context", "result",
}  # fmt: skip
NOBODYS = "batch_01M83VDZG0WXK04EJ41RJVJHWV"


class Slow(Lines):
    """Takes its time when a job is made, until it is let go."""

    batch_type = "slow"
    begun, go = threading.Event(), threading.Event()

    def check(self, context: LinesContext, run: Run[LinesContext]) -> None:
        """Wait."""
        self.begun.set()
        assert self.go.wait(20)


class Bad(Lines):
    """Refuses its jobs, or breaks, as it is told."""

    batch_type = "bad"

    def check(self, context: LinesContext, run: Run[LinesContext]) -> None:
        """Refuse, break, or let pass."""
        if context.word == "refuse":
            raise Refused("never on a Sunday")
        if context.word == "file":
            run.open("../../etc/passwd")
        if context.word == "break":
            raise RuntimeError("SELECT password FROM /etc/passwd")

    def plan(self, run: Run[LinesContext]) -> Any:
        """Refuse with many errors."""
        if run.context.word == "many":
            errors = [
                JobError(code="invalid_number", message="no number", row=n, column="A")
                for n in range(2, 40)
            ]
            raise Refused("the file has errors", errors)
        return super().plan(run)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory that nobody works on."""
    plugins = lines(Bad(), Slow())
    with BatchJobs.open("memory:", files=str(tmp_path), plugins=plugins) as opened:
        yield opened


@pytest.fixture
def client(jobs: BatchJobs) -> Iterator[Client]:
    """Ada's client."""
    with serving(jobs) as served:
        yield served


def _planned(jobs: BatchJobs, client: Client) -> str:
    job_id: str = make(client, dry_run=True)["id"]
    jobs.work(job_id)
    return job_id


def test_a_job_is_made_and_found(client: Client) -> None:
    """A job is answered with 201 and its address, has the page's keys, and belongs to its maker."""
    answer = client.post(PATH, json={"type": "lines", "context": {"lines": 2}})
    job = answer.json()["batch_job"]
    assert answer.status_code == 201
    assert list(answer.json()) == ["batch_job"]
    assert set(job) == KEYS
    assert (job["status"], job["created_by"], job["dry_run"]) == ("created", ADA, False)
    assert (job["context"], job["result"]) == ({"lines": 2}, None)
    assert answer.headers["location"] == f"{PATH}/{job['id']}"
    assert client.get(answer.headers["location"]).json() == {"batch_job": job}


def test_the_whole_way(client: Client, jobs: BatchJobs) -> None:
    """A dry run is planned, confirmed and done, and each step is stamped."""
    job_id = _planned(jobs, client)
    confirmed = client.post(f"{PATH}/{job_id}/confirm")
    assert (confirmed.status_code, confirmed.json()["batch_job"]["status"]) == (200, "confirmed")
    jobs.work(job_id)
    job = client.get(f"{PATH}/{job_id}").json()["batch_job"]
    result = job["result"]
    assert (job["status"], result["count"], result["progress"]) == ("completed", 3, 1)
    assert all(job[f"{verb}_at"] for verb in ("pre_processed", "confirmed", "completed"))
    assert set(result) == {
        "stat_descriptors", "count", "advancement_count", "progress", "file_key", "file_size",
    }  # fmt: skip
    state = client.get(f"{PATH}/{job_id}/state").json()["state"]
    assert (state["id"], state["status"], state["chunks"]) == (job_id, "completed", {"done": 3})
    assert state["outcomes"]["created"] == 3


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"foo": 1, "bar": 2}, ["/foo", "/bar", "/type", "/context"]),
        ({"type": 5, "context": [], "dry_run": "true"}, ["/type", "/context", "/dry_run"]),
        ({"type": "lines", "context": None}, ["/context"]),
        ({"type": "lines", "context": {}, "dry_run": None}, ["/dry_run"]),
        ([], [""]),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused_whole(
    client: Client, body: object, places: list[str]
) -> None:
    """All that is wrong with a body is said at once, with its place: 400."""
    found = problem(client.post(PATH, json=body), 400)
    assert [error["pointer"] for error in found["errors"]] == places
    assert found["type"] == "invalid_data"
    assert all(error["message"] in found["message"] for error in found["errors"])


def test_a_context_against_its_type_is_refused_whole(client: Client, jobs: BatchJobs) -> None:
    """All that is wrong with a context is said at once, with its place in the body: 422."""
    context = {"lnes": 3, "page": "1"}
    found = problem(client.post(PATH, json={"type": "lines", "context": context}), 422)
    assert {error["pointer"] for error in found["errors"]} == {"/context/lnes", "/context/page"}
    assert "did you mean lines?" in found["message"]
    assert jobs.list().count == 0


def test_what_a_strategy_refuses_is_said_in_its_words(client: Client) -> None:
    """A job that its strategy refuses is answered 422, with the strategy's words."""
    body = {"type": "bad", "context": {"word": "refuse"}}
    found = problem(client.post(PATH, json=body), 422)
    assert (found["code"], found["message"]) == ("refused", "never on a Sunday")


def test_a9_a_path_in_a_context_is_refused(client: Client) -> None:
    """A file key that leads out of the store is answered 422 where a context has it."""
    found = problem(client.post(PATH, json={"type": "bad", "context": {"word": "file"}}), 422)
    assert found["code"] == "file_key"


@pytest.mark.parametrize(
    ("status", "verbs"),
    [
        ("created", ["confirm", "retry"]),
        ("completed", ["confirm", "cancel", "pause", "resume", "retry"]),
        ("canceled", ["confirm", "pause", "resume", "retry"]),
    ],
)
def test_a_verb_that_the_state_does_not_allow_is_a_conflict(
    client: Client, jobs: BatchJobs, status: str, verbs: list[str]
) -> None:
    """It is answered 409 with the status, and nothing changes."""
    job = make(client)
    if status == "completed":
        jobs.work(job["id"])
    if status == "canceled":
        client.post(f"{PATH}/{job['id']}/cancel")
    before = client.get(f"{PATH}/{job['id']}").json()
    for verb in verbs:
        found = problem(client.post(f"{PATH}/{job['id']}/{verb}"), 409)
        assert (found["code"], found["type"]) == ("invalid_state", "not_allowed")
        assert status in found["message"]
    assert client.get(f"{PATH}/{job['id']}").json() == before


def test_a20_a_canceled_job_is_canceled_again(client: Client) -> None:
    """To cancel a job twice is fine: 200, and the job is as it was."""
    job = make(client)
    first = client.post(f"{PATH}/{job['id']}/cancel")
    again = client.post(f"{PATH}/{job['id']}/cancel")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()


def test_a_job_is_paused_and_resumed(client: Client) -> None:
    """A paused job waits to be resumed, and says so."""
    job = make(client)
    assert client.post(f"{PATH}/{job['id']}/pause").status_code == 200
    assert client.get(f"{PATH}/{job['id']}/state").json()["state"]["wait"] == "resume"
    assert client.post(f"{PATH}/{job['id']}/resume").status_code == 200
    state = client.get(f"{PATH}/{job['id']}/state").json()["state"]
    assert (state["wait"], state["paused_at"]) == ("worker", None)


def test_a_failed_job_is_tried_again_by_a_new_one(client: Client, jobs: BatchJobs) -> None:
    """A retry is a new job, answered 201 with its address; its state names the first one."""
    job = make(client, type="bad", context={"word": "many"})
    jobs.work(job["id"])
    answer = client.post(f"{PATH}/{job['id']}/retry")
    again = answer.json()["batch_job"]
    assert (answer.status_code, again["id"] != job["id"]) == (201, True)
    assert answer.headers["location"].endswith(again["id"])
    state = client.get(f"{PATH}/{again['id']}/state").json()["state"]
    assert state["retry_of"] == job["id"]


def test_errors_are_objects_and_lists_show_ten(client: Client, jobs: BatchJobs) -> None:
    """A failed job shows its errors with row and column; in a list, the first ten of them."""
    job = make(client, type="bad", context={"word": "many"})
    jobs.work(job["id"])
    whole = client.get(f"{PATH}/{job['id']}").json()["batch_job"]["result"]["errors"]
    listed = client.get(PATH).json()["batch_jobs"][0]["result"]["errors"]
    assert len(whole) > 30
    assert listed == whole[:10]
    placed = next(error for error in whole if error.get("row") == 2)
    assert placed == {
        "code": "invalid_number", "message": "no number", "err": [], "row": 2, "column": "A",
    }  # fmt: skip


@pytest.mark.parametrize("verb", ["", "/state", "/confirm", "/cancel", "/pause", "/retry"])
def test_a7_somebody_elses_job_is_not_there(
    client: Client, jobs: BatchJobs, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is answered as an unknown id is, byte by byte, nothing changes, and an audit log knows."""
    caplog.set_level(logging.INFO, "batchjob.audit")
    job_id = _planned(jobs, client)
    method = "GET" if verb in ("", "/state") else "POST"
    others = client.request(method, f"{PATH}/{job_id}{verb}", headers=as_user(BOB))
    unknown = client.request(method, f"{PATH}/{NOBODYS}{verb}", headers=as_user(BOB))
    assert problem(others, 404)["code"] == "unknown_job"
    assert others.text.replace(job_id, NOBODYS) == unknown.text
    assert jobs.get(job_id).status is Status.PRE_PROCESSED
    assert [r.message for r in caplog.records if r.name == "batchjob.audit" and job_id in r.message]


@pytest.mark.parametrize(
    "job_id",
    [
        "'; drop", "01M83VDZG0WXK04EJ41RJVJHWV", "batch_01M83VDZG0WXK04EJ41RJVJHW",
        "batch_01m83vdzg0wxk04ej41rjvjhwv", "batch_01M83VDZG0WXK04EJ41RJVJHWI",
        "batch_01M83VDZG0WXK04EJ41RJVJHWL", "batch_01M83VDZG0WXK04EJ41RJVJHWO",
        "batch_01M83VDZG0WXK04EJ41RJVJHWU", "batch_8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "batch_%00",
        "batch_01M83VDZG0WXK04EJ41RJVJHWV%0A", "%2e%2e", "batch_" + "0" * 3000,
    ],
)  # fmt: skip
def test_a16_what_is_no_id_is_not_looked_for(
    jobs: BatchJobs, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text that cannot be an id is answered 404, and the store is not asked."""
    monkeypatch.setattr(jobs, "store", None)  # whoever asked it would fail
    with serving(jobs) as client:
        assert problem(client.get(f"{PATH}/{job_id}"), 404)["code"] == "unknown_job"
        assert problem(client.post(f"{PATH}/{job_id}/confirm"), 404)["code"] == "unknown_job"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("product-exprt", "product-exprt"),
        ("pr\u043educt-export", None),
        ("product-export\u200b", None),
        ("\u202eproduct-export", None),
        ("../product-export", None),
        ("product-export" * 700, None),
    ],
)
def test_a19_an_unknown_type_is_answered_with_the_nearest(
    client: Client, given: str, shown: str | None
) -> None:
    """It is 404, the nearest is named, and the type is repeated only if it could be one."""
    found = problem(client.post(PATH, json={"type": given, "context": {}}), 404)
    assert found["code"] == "unknown_type"
    known = "known: bad, lines, price-list-import, product-export, product-import, slow"
    assert known in found["message"]
    assert shown is None or shown in found["message"]
    assert shown is not None or given not in found["message"]
    assert len(given) > 100 or "did you mean product-export?" in found["message"]


def test_a26_what_is_the_servers_to_say_is_refused(client: Client) -> None:
    """A body that says status, maker or result is refused: 400."""
    body = {"type": "lines", "context": {}}
    for name in ("state", "status", "created_by", "result", "id", "completed_at"):
        found = problem(client.post(PATH, json={**body, name: "x"}), 400)
        assert (found["code"], found["errors"][0]["pointer"]) == ("field_unknown", f"/{name}")


def test_a28_what_breaks_is_named_by_its_code_alone(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """What a strategy raised is in the log, and in no answer."""
    found = client.post(PATH, json={"type": "bad", "context": {"word": "break"}})
    assert problem(found, 500)["code"] == "unknown_error"
    assert "password" not in found.text
    assert "password" in caplog.text


def test_an_etag_saves_an_answer(client: Client, jobs: BatchJobs) -> None:
    """Who has a job as it is gets 304 without a body; who has an older one gets it."""
    job = make(client)
    for path in (f"{PATH}/{job['id']}", PATH, "/admin/batch-types"):
        etag = client.get(path).headers["etag"]
        again = client.get(path, headers={"if-none-match": f'"x", W/{etag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert client.get(path, headers={"if-none-match": '"x"'}).status_code == 200
    etag = client.get(f"{PATH}/{job['id']}").headers["etag"]
    jobs.cancel(job["id"])
    after = client.get(f"{PATH}/{job['id']}", headers={"if-none-match": etag})
    assert after.json()["batch_job"]["status"] == "canceled"


def test_a21_an_idempotency_key_names_a_request(client: Client) -> None:
    """The same request makes one job, another one with the key is 422, other users have others."""
    key = {"idempotency-key": "monday"}
    body = {"type": "lines", "context": {"lines": 2}}
    first, again = [client.post(PATH, json=body, headers=key) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    other = client.post(PATH, json={**body, "dry_run": True}, headers=key)
    assert problem(other, 422)["code"] == "idempotency_conflict"
    bobs = client.post(PATH, json=body, headers={**key, **as_user(BOB)})
    assert bobs.json()["batch_job"]["id"] != first.json()["batch_job"]["id"]


def test_a21_a_request_in_flight_is_waited_for(jobs: BatchJobs) -> None:
    """While a key's first request is answered, a second one is told to come again: 409."""

    async def both() -> tuple[httpx.Response, httpx.Response, httpx.Response]:
        app: Any = create_app(jobs, authenticator=who)
        transport = httpx.ASGITransport(app)
        headers = {**as_user(ADA), "idempotency-key": "k"}
        body = {"type": "slow", "context": {}}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://here", headers=headers
        ) as client:
            first = asyncio.create_task(client.post(PATH, json=body))
            await asyncio.to_thread(Slow.begun.wait, 20)
            second = await client.post(PATH, json=body)
            Slow.go.set()
            return await first, second, await client.post(PATH, json=body)

    first, second, third = asyncio.run(both())
    assert problem(second, 409)["code"] == "request_in_flight"
    assert second.headers["retry-after"] == "1"
    assert (first.status_code, third.status_code) == (201, 201)
    assert third.json()["batch_job"]["id"] == first.json()["batch_job"]["id"]


@pytest.mark.parametrize("key", ["", "a\r\nx: y", "ä", "x" * 256])
def test_a12_a_key_with_control_characters_is_refused(client: Client, key: str) -> None:
    """An idempotency key is visible ASCII, and not long: 400."""
    raw = [(b"idempotency-key", key.encode()), (b"x-user", ADA.encode())]
    found = problem(client.post(PATH, json={}, headers=raw), 400)
    assert found["code"] == "idempotency_key"


def test_a12_a_type_with_control_characters_is_refused(client: Client) -> None:
    """A type with a line break is refused: 400."""
    found = problem(client.post(PATH, json={"type": "lines\r\nx: y", "context": {}}), 400)
    assert found["errors"][0]["pointer"] == "/type"


def _at_once(jobs: BatchJobs, paths: list[str]) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        app: Any = create_app(jobs, authenticator=who)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://here", headers=as_user(ADA)
        ) as client:
            return await asyncio.gather(*(client.post(path) for path in paths))

    return asyncio.run(ask())


@pytest.mark.parametrize("verbs", [["confirm"] * 50, ["confirm", "cancel"] * 10])
def test_a20_of_many_at_once_one_wins(tmp_path: Path, verbs: list[str]) -> None:
    """Of fifty confirms one is done, the others are conflicts; a cancel may come after one."""
    store = f"sqlite:///{tmp_path}/batchjob.db"
    with BatchJobs.open(store, files=str(tmp_path), plugins=lines()) as jobs:
        job = jobs.create("lines", dry_run=True, actor=ADA)
        jobs.work(job.id)
        answers = _at_once(jobs, [f"{PATH}/{job.id}/{verb}" for verb in verbs])
        ended = jobs.get(job.id).status
    codes = Counter((verb, answer.status_code) for verb, answer in zip(verbs, answers, strict=True))
    assert {status for _, status in codes} <= {200, 409}
    assert codes["confirm", 200] <= 1
    if "cancel" in verbs:
        assert (codes["cancel", 200], ended) == (10, Status.CANCELED)
    else:
        assert (codes["confirm", 200], ended) == (1, Status.CONFIRMED)
    for answer in answers:
        if answer.status_code == 409:
            assert str(ended) in problem(answer, 409)["message"] or "confirmed" in answer.text


def test_an_engine_that_works_at_once_is_not_waited_for(tmp_path: Path) -> None:
    """With the engine inline the answer comes before the work, which is done behind it."""
    Slow.go.clear()
    plugins = lines(Gated())
    with (
        BatchJobs.open("memory:", files=str(tmp_path), engine="inline", plugins=plugins) as jobs,
        serving(jobs) as client,
    ):
        job = make(client, type="gated")
        assert job["status"] == "created"
        Gated.go.set()
        until(lambda: jobs.get(job["id"]).status is Status.COMPLETED)


class Gated(Lines):
    """Plans when it is let go."""

    batch_type = "gated"
    go = threading.Event()

    def plan(self, run: Run[LinesContext]) -> Any:
        """Wait, then plan."""
        assert self.go.wait(20)
        return super().plan(run)


def test_types_are_shown_with_their_schema(client: Client) -> None:
    """A client can build a form of what is shown of each type."""
    found = client.get("/admin/batch-types").json()
    shown = {each["type"]: each for each in found["batch_types"]}
    catalog = ["price-list-import", "product-export", "product-import"]
    assert list(shown) == ["bad", "lines", *catalog, "slow"]
    assert found["count"] == 6
    schema = shown["lines"]["context_schema"]
    assert (shown["lines"]["version"], schema["additionalProperties"]) == (1, False)
    assert schema["properties"]["lines"] == {"type": "integer", "default": 3}


def test_a_store_out_of_reach_is_said_with_a_time(tmp_path: Path) -> None:
    """A store that does not answer is 503 with Retry-After, and its place is not told."""
    store = f"sqlite:///{tmp_path}/sub/batchjob.db"
    (tmp_path / "sub").mkdir()
    with (
        BatchJobs.open(store, files=str(tmp_path), plugins=lines()) as jobs,
        serving(jobs) as client,
    ):
        make(client)
        jobs.close()
        shutil.rmtree(tmp_path / "sub")
        answer = client.get(PATH)
    assert problem(answer, 503)["code"] == "store_unavailable"
    assert int(answer.headers["retry-after"]) > 0
    assert "sub" not in answer.text


def test_a_catalogue_that_is_not_there_is_no_fault_of_the_client(tmp_path: Path) -> None:
    """A type that needs another database is 503 while that is away, and no job is made."""
    with (
        BatchJobs.open(f"sqlite:///{tmp_path}/jobs.db", files=str(tmp_path)) as jobs,
        serving(jobs) as client,
    ):
        answer = client.post(PATH, json={"type": "product-export", "context": {}})
        assert problem(answer, 503)["code"] == "catalog_unavailable"
        assert jobs.list().count == 0
