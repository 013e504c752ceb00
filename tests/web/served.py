"""The app as tests ask it: jobs in memory, and users who are who they say."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from litestar.testing import TestClient

from batchjob import BatchJobs
from batchjob.web import Caller, Connection, WebSettings, create_app
from support import Lines, Offering

ADA, BOB = "usr_ada", "usr_bob"
PATH = "/admin/batch-jobs"
SECRET = b"a secret that is the same in every test"

Client = TestClient[Any]


def as_user(user_id: str) -> dict[str, str]:
    """Return the header by which `who` knows a user."""
    return {"x-user": user_id}


async def who(connection: Connection) -> Caller | None:
    """Tell who is asking: whoever the header names."""
    user_id = connection.headers.get("x-user")
    return Caller(user_id, email=f"{user_id}@example.org") if user_id else None


@contextmanager
def serving(
    jobs: BatchJobs, *, user_id: str | None = ADA, settings: WebSettings | None = None, **more: Any
) -> Iterator[Client]:
    """Serve *jobs* to a client, which asks as *user_id* unless it says otherwise."""
    given = {"authenticator": who, "settings": settings or WebSettings(secret=SECRET), **more}
    with TestClient(create_app(jobs, **given), raise_server_exceptions=False) as client:
        if user_id is not None:
            client.headers.update(as_user(user_id))
        yield client


def lines(*strategies: Any) -> dict[str, object]:
    """Return plugins that offer the type ``lines``, and more."""
    return {"lines": Offering(Lines(), *strategies)}


def make(client: Client, **body: Any) -> dict[str, Any]:
    """Make a job of type ``lines`` and return it as it was answered."""
    answer = client.post(PATH, json={"type": "lines", "context": {}, **body})
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()["batch_job"]
    return job


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Return the error that *answer* is, after a look at its shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    assert list(found) == ["code", "type", "message", "errors"]
    return found


def until(is_true: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)
