"""Who gets in: nobody, unless an authenticator says so; and every stranger is told the same."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from litestar.testing import TestClient

from batchjob import BatchJobs
from batchjob.errors import InvalidArgument, InvalidSetting, StoreUnavailable
from batchjob.testing import HandClock
from batchjob.web import AllowAll, AnyOf, ApiTokens, Caller, Connection, Problem, create_app
from batchjob.web.jwt import Jwt
from web.served import ADA, BOB, PATH, Client, as_user, lines, problem, serving

KEY = "a key that is shared, and long enough to be one for any algorithm"
NOBODY = {"code": "unauthorized", "type": "unauthorized", "message": "Unauthorized", "errors": []}


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory."""
    clock, files = HandClock(), str(tmp_path)
    with BatchJobs.open("memory:", files=files, plugins=lines(), clock=clock) as opened:
        yield opened


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _jwt(key: str = KEY, algorithm: str = "HS256", **claims: Any) -> str:
    given = {"sub": ADA, "exp": int(time.time()) + 60, "aud": "batchjob", **claims}
    kept = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(kept, key, algorithm)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PATH), ("POST", PATH), ("GET", f"{PATH}/x"), ("POST", f"{PATH}/x/confirm"),
        ("GET", "/admin/batch-types"), ("POST", "/admin/uploads"), ("DELETE", "/admin/uploads"),
        ("GET", "/nothing"), ("PUT", PATH), ("OPTIONS", PATH), ("GET", "/"), ("GET", "/schema"),
        ("GET", "/health/"), ("GET", "/healthy"), ("TRACE", PATH),
    ],
)  # fmt: skip
def test_a30_without_an_authenticator_nobody_gets_in(
    jobs: BatchJobs, method: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Every request but for /health is answered 401, whatever it is for, and a log says why."""
    with TestClient(create_app(jobs, authenticator=None)) as client:
        answer = client.request(method, path)
        assert client.get("/health").text == "OK"
    assert problem(answer, 401) == NOBODY
    assert "no authenticator" in caplog.text


def test_a30_everybody_gets_in_only_if_that_is_said(jobs: BatchJobs) -> None:
    """AllowAll has to be told that it is understood, and takes this machine's addresses alone."""
    for said in (False, None, "yes"):
        with pytest.raises(InvalidSetting, match="i_understand=True"):
            AllowAll(i_understand=said)  # type: ignore[arg-type]
    with serving(jobs, user_id=None, authenticator=AllowAll(i_understand=True)) as client:
        assert client.get(PATH).status_code == 200
        away: Client = TestClient(client.app, base_url="http://192.0.2.1")
        assert problem(away.get(PATH), 401) == NOBODY


def test_api_tokens_are_taken_from_both_headers(jobs: BatchJobs) -> None:
    """A token of the store is taken as Medusa's clients send it and as everybody else does."""
    _, secret = jobs.create_token(ADA, email="ada@example.org")
    with serving(jobs, user_id=None, authenticator=ApiTokens(jobs)) as client:
        for headers in ({"x-medusa-access-token": secret}, _bearer(secret)):
            job = client.post(PATH, json={"type": "lines", "context": {}}, headers=headers)
            assert job.json()["batch_job"]["created_by"] == ADA
        listed = client.get(f"{PATH}?expand=created_by_user", headers=_bearer(secret)).json()
    assert listed["batch_jobs"][0]["created_by_user"]["email"] == "ada@example.org"


def test_a22_whatever_is_wrong_with_a_token_the_answer_is_one(jobs: BatchJobs) -> None:
    """Missing, unknown, expired, revoked, malformed or huge: 401 with the same body."""
    assert isinstance(jobs.clock, HandClock)
    _, expired = jobs.create_token(ADA, expires_at=jobs.clock.now() + timedelta(seconds=1))
    jobs.clock.move(1)
    token, revoked = jobs.create_token(ADA)
    jobs.revoke_token(token.id)
    _, good = jobs.create_token(ADA)
    wrong: list[dict[str, str]] = [
        {}, {"authorization": ""}, {"authorization": "Bearer"}, {"authorization": f"Basic {good}"},
        *(_bearer(each) for each in (expired, revoked, good[:-1], good + "A", "bj_", "x" * 2**20)),
        {"x-medusa-access-token": ""}, {"x-medusa-access-token": expired}, {"cookie": good},
    ]  # fmt: skip
    with serving(jobs, user_id=None, authenticator=ApiTokens(jobs)) as client:
        answers = [client.get(PATH, headers=headers) for headers in wrong]
        assert client.get(PATH, headers=_bearer(good)).status_code == 200
    for answer in answers:
        assert problem(answer, 401) == NOBODY
        assert answer.headers["www-authenticate"] == "Bearer"
        assert set(answer.headers) == set(answers[0].headers)


def test_a22_jwts_are_taken_if_all_of_them_is_right(jobs: BatchJobs) -> None:
    """A JWT has to be signed as is pinned, for this audience, and to end; else 401."""
    check = Jwt(KEY, algorithms=["HS256"], audience="batchjob")
    wrong = [
        _jwt(KEY + "x"), _jwt(algorithm="HS512"), _jwt(exp=1), _jwt(exp=None), _jwt(aud="other"),
        _jwt(aud=None), _jwt(sub=None), _jwt(sub=""), "x.y.z", "", _jwt()[:-2],
        jwt.encode({"sub": ADA, "exp": 2**40, "aud": "batchjob"}, None, "none"),
    ]  # fmt: skip
    with serving(jobs, user_id=None, authenticator=check) as client:
        for token in wrong:
            assert problem(client.get(PATH, headers=_bearer(token)), 401) == NOBODY
        assert client.get(PATH, headers=_bearer(_jwt())).status_code == 200
        by_header = client.get(PATH, headers={"x-medusa-access-token": _jwt()})
        assert problem(by_header, 401) == NOBODY


def test_medusas_jwts_are_taken(jobs: BatchJobs) -> None:
    """The claim with the user and claims that must be there can be named."""
    check = Jwt(KEY, algorithms=["HS256"], user_claim="user_id", claims={"domain": "admin"})
    with serving(jobs, user_id=None, authenticator=check) as client:
        good = _jwt(user_id=BOB, domain="admin", aud=None, email="bob@example.org")
        job = client.post(PATH, json={"type": "lines", "context": {}}, headers=_bearer(good))
        assert job.json()["batch_job"]["created_by"] == BOB
        store = _jwt(user_id=BOB, domain="store", aud=None)
        assert problem(client.get(PATH, headers=_bearer(store)), 401) == NOBODY


@pytest.mark.parametrize(
    ("key", "algorithms", "words"),
    [
        (KEY, [], "name the algorithms"),
        (KEY, ["none"], "name the algorithms"),
        (KEY, ["HS256", "RS256"], "cannot be taken for one another"),
        ("short", ["HS256"], "too short"),
        (KEY, ["RS257"], "unknown algorithms: RS257"),
        ("x" * 32, ["HS256", "HS512"], "give 64 bytes or more"),
    ],
)
def test_a_jwt_check_that_is_not_safe_is_refused(
    key: str, algorithms: list[str], words: str
) -> None:
    """What could let strangers in is refused when it is made."""
    with pytest.raises(InvalidSetting, match=words):
        Jwt(key, algorithms=algorithms)


def test_a_hosts_own_function_may_be_sync_or_async(jobs: BatchJobs) -> None:
    """A function that is not async is called in a thread, so that it may wait."""
    threads = []

    def waiting(connection: Connection) -> Caller | None:
        threads.append(threading.current_thread())
        return Caller(ADA) if connection.headers.get("x-user") == ADA else None

    class Async:
        async def __call__(self, connection: Connection) -> Caller | None:
            return Caller(BOB) if connection.headers.get("x-user") == BOB else None

    with serving(jobs, user_id=None, authenticator=AnyOf(waiting, Async())) as client:
        for user_id in (ADA, BOB):
            assert client.get(PATH, headers=as_user(user_id)).status_code == 200
        assert problem(client.get(PATH, headers=as_user("eve")), 401) == NOBODY
    assert threads
    assert not [each for each in threads if each is threading.main_thread()]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("the secret is 42"), 500),
        (StoreUnavailable("the secret is 42"), 503),
        (Problem(403, "forbidden", "not on Sundays"), 403),
    ],
)
def test_an_authenticator_that_breaks_lets_nobody_in(
    jobs: BatchJobs, error: Exception, status: int
) -> None:
    """What it raises is answered as anything else is, without what it said."""

    async def breaking(_: Connection) -> Caller | None:
        raise error

    with serving(jobs, user_id=None, authenticator=breaking) as client:
        answer = client.get(PATH)
    problem(answer, status)
    assert "42" not in answer.text


@pytest.mark.parametrize("said", [True, "usr_ada", {"user_id": ADA}, ()])
def test_only_a_caller_is_a_caller(jobs: BatchJobs, said: object) -> None:
    """An authenticator that returns anything else lets nobody in."""

    async def wrong(_: Connection) -> Any:
        return said

    with serving(jobs, user_id=None, authenticator=wrong) as client:
        assert problem(client.get(PATH), 401) == NOBODY


def test_tokens_are_not_logged(jobs: BatchJobs, caplog: pytest.LogCaptureFixture) -> None:
    """The access log has the route, the status, the user and the request's id, and no token."""
    caplog.set_level(logging.DEBUG)
    _, secret = jobs.create_token(ADA)
    with serving(jobs, user_id=None, authenticator=ApiTokens(jobs)) as client:
        headers = {**_bearer(secret), "x-request-id": "req-1"}
        answer = client.get(f"{PATH}/batch_x?token={secret}", headers=headers)
        client.get(PATH, headers=_bearer(secret[:-1]))
    assert answer.headers["x-request-id"] == "req-1"
    first, second = [r.getMessage() for r in caplog.records if r.name == "batchjob.web.access"]
    assert first.startswith(f"GET {PATH}/{{job_id}} 404 ")
    assert first.endswith(f"user={ADA} job=- request=req-1")
    assert " 401 " in second
    said = [r.getMessage() for r in caplog.records if r.name.startswith(("batchjob", "litestar"))]
    assert secret[:-1] not in "".join(said)


@pytest.mark.parametrize(
    ("authenticator", "words"),
    [
        ("secret", "the authenticator is of type str; give a function"),
        (lambda: Caller(ADA), r"cannot be; write def authenticator\(connection\)"),
    ],
)
def test_an_authenticator_that_cannot_be_asked_is_refused(
    jobs: BatchJobs, authenticator: Any, words: str
) -> None:
    """When the app is made, and not at the first request."""
    with pytest.raises(InvalidSetting, match=words):
        create_app(jobs, authenticator=authenticator)


@pytest.mark.parametrize("returned", ["ada", True, {"user_id": "ada"}])
def test_an_authenticator_that_names_no_caller_lets_nobody_in(
    jobs: BatchJobs, returned: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The stranger is told the same as ever, and the log says what is wrong with it."""
    with TestClient(create_app(jobs, authenticator=lambda _: returned)) as client:
        assert problem(client.get(PATH), 401) == NOBODY
    assert f"an authenticator returned {type(returned).__name__}, no Caller or" in caplog.text


@pytest.mark.parametrize(
    ("user_id", "words"),
    [(7, "user_id cannot be int; give a text"), ("", "user_id cannot be ''"), (None, "be None")],
)
def test_a_caller_has_a_text_for_an_id(user_id: Any, words: str) -> None:
    """What jobs are kept by is never guessed."""
    with pytest.raises(InvalidArgument, match=words):
        Caller(user_id)


def test_what_is_served_is_jobs(jobs: BatchJobs) -> None:
    """A URL is none, nor are settings a dict."""
    url: Any = "sqlite:///jobs.db"
    with pytest.raises(InvalidArgument, match="jobs cannot be str; give BatchJobs"):
        create_app(url, authenticator=None)
    settings: Any = {}
    with pytest.raises(InvalidArgument, match="settings cannot be dict; give WebSettings"):
        create_app(jobs, authenticator=None, settings=settings)
