"""What hostile clients send that has no page of its own; each test is a case, by its number."""

import ast
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import batchjob
from batchjob import BatchJobs, Chunk, Run
from batchjob.web import WebSettings, create_app
from batchjob.web.problems import Problem
from batchjob.web.rates import Rate
from batchjob.web.serving import AppServer, bind
from support import Lines
from tally import Tally
from web.served import ADA, BOB, PATH, SECRET, as_user, lines, problem, serving, who

SOURCES = sorted(Path(batchjob.__file__).parent.rglob("*.py"))
CLIENTS = {"aiohttp", "ftplib", "http.client", "httpx", "requests", "smtplib", "urllib.request"}
UNSAFE = {"dill", "marshal", "pickle", "shelve", "yaml"}


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory, with a type that reads a file."""
    with BatchJobs.open("memory:", files=str(tmp_path), plugins=lines(Tally())) as opened:
        yield opened


def imported() -> Iterator[str]:
    """Yield the name of each module that the package imports, lazily or not."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or ""
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "file:///etc/passwd", "gopher://a/b", "//host/a"]
)
def test_a11_no_url_of_a_client_is_fetched(jobs: BatchJobs, url: str) -> None:
    """A URL is no key of a file, and nothing in the package could fetch one."""
    with serving(jobs) as client:
        answer = client.post(PATH, json={"type": "tally", "context": {"fileKey": url}})
    assert problem(answer, 422)["code"] == "file_key"
    assert not CLIENTS & set(imported())


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost: he"])
def test_a24_a_slow_head_is_given_up(jobs: BatchJobs, sent: bytes) -> None:
    """Who does not come to the end of a request's head is hung up on; others are answered."""
    listener = bind("127.0.0.1", 0)
    server = AppServer(create_app(jobs, authenticator=who), listener, head=0.3)
    server.start()
    try:
        with (
            socket.create_connection(listener.getsockname(), timeout=20) as slow,
            socket.create_connection(listener.getsockname(), timeout=20) as quick,
        ):
            slow.sendall(sent)
            quick.sendall(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n")
            assert quick.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
            assert slow.recv(1 << 16) == b""
    finally:
        server.stop()
        server.join()


def test_a24_a_head_is_given_up_on_a_connection_that_was_used(jobs: BatchJobs) -> None:
    """The second request of a connection has no longer than the first."""
    listener = bind("127.0.0.1", 0)
    server = AppServer(create_app(jobs, authenticator=who), listener, head=0.3)
    server.start()
    try:
        with socket.create_connection(listener.getsockname(), timeout=20) as connection:
            for _ in range(2):
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n")
                answer = b""
                while not answer.endswith(b"OK"):
                    answer += connection.recv(1 << 16)
                assert answer.startswith(b"HTTP/1.1 200 ")
            connection.sendall(b"GET /hea")
            began = time.monotonic()
            assert connection.recv(1 << 16) == b""
            assert time.monotonic() - began < 10
    finally:
        server.stop()
        server.join()


def test_a25_a_user_makes_so_many_jobs_a_minute(jobs: BatchJobs) -> None:
    """One more is 429 with the seconds to wait; other users, and other requests, go on."""
    settings = WebSettings(secret=SECRET, creates_per_minute=3)
    body = {"type": "lines", "context": {}}
    with serving(jobs, settings=settings) as client:
        made = [client.post(PATH, json=body) for _ in range(4)]
        assert [answer.status_code for answer in made] == [201, 201, 201, 429]
        assert made[3].headers["retry-after"] == "20"
        words = "these are more than 3 new jobs a minute; wait 20 s"
        assert problem(made[3], 429)["message"] == words
        assert client.post(PATH, json=body, headers=as_user(BOB)).status_code == 201
        assert client.get(PATH).json()["count"] == 3


def test_a25_who_waits_may_go_on() -> None:
    """So many a minute are allowed, spread as one likes; those that are forgotten begin anew."""
    now = [0.0]
    rate = Rate(60, clock=lambda: now[0])
    for _ in range(60):
        rate.take(ADA)
    with pytest.raises(Problem, match="wait 1 s"):
        rate.take(ADA)
    now[0] += 2
    rate.take(ADA)
    rate.take(ADA)
    with pytest.raises(Problem):
        rate.take(ADA)
    for number in range(20_000):
        rate.take(f"usr_{number}")
    assert len(rate._left) <= 10_000


class Endless(Lines):
    """Plans without end."""

    batch_type = "endless"

    def plan(self, run: Run[Any]) -> Iterator[Chunk]:
        """Yield chunks for ever."""
        while True:
            yield Chunk({"first": 0, "last": 0})


def test_a25_a_plan_without_end_fails(tmp_path: Path) -> None:
    """A job with more than 100,000 chunks is ended, and none of them is left to do."""
    with BatchJobs.open("memory:", files=str(tmp_path), plugins=lines(Endless())) as jobs:
        job = jobs.work(jobs.create("endless").id)
        assert job.result
        assert [error.code for error in job.result.errors] == ["plan_too_large"]
        assert "more than 100000 chunks" in job.result.errors[0].message
        assert jobs.store.next_claim(job.id) is None


@pytest.mark.parametrize("cookie", ["connect.sid=s%3Aabc", f"x-user={ADA}", "jwt=a.b.c"])
def test_a27_cookies_let_nobody_in(jobs: BatchJobs, cookie: str) -> None:
    """There is no cookie mode, so no page of another site can borrow a login."""
    with serving(jobs, user_id=None) as client:
        headers = {"cookie": cookie, "origin": "https://evil.example"}
        answer = client.post(PATH, json={"type": "lines", "context": {}}, headers=headers)
        assert problem(answer, 401)["code"] == "unauthorized"
        assert "access-control-allow-origin" not in answer.headers
    assert jobs.list().count == 0


def test_a29_nothing_but_json_is_read(jobs: BatchJobs) -> None:
    """Texts that other formats would run are texts, and no such format is even imported."""
    word = "!!python/object/apply:os.system ['true']"
    with serving(jobs) as client:
        job = client.post(PATH, json={"type": "lines", "context": {"word": word}}).json()
        assert job["batch_job"]["context"]["word"] == word
        for kind in ("application/x-yaml", "application/python-pickle"):
            answer = client.post(PATH, content=word, headers={"content-type": kind})
            assert problem(answer, 415)["code"] == "media_type"
    assert not UNSAFE & {name.partition(".")[0] for name in imported()}
