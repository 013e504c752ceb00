"""The webhook, against a real server on this machine."""

import json
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import job_webhook
import pytest

from batchjob import BatchJobs, Chunk, Run, Settings, Strategy, hookimpl

SECRET = "a secret"


class Nothing(Strategy[dict[str, Any]]):
    """Does nothing."""

    batch_type: ClassVar[str] = "nothing"

    def plan(self, run: Run[dict[str, Any]]) -> Iterable[Chunk]:
        """Yield no chunk."""
        return ()

    def work(self, run: Run[dict[str, Any]], chunk: Chunk) -> None:
        """Do nothing."""


class Offer:
    """Offers it."""

    @hookimpl
    def batchjob_strategies(self, settings: Settings) -> list[Strategy[Any]]:
        """Offer it."""
        return [Nothing()]


class Receiver(HTTPServer):
    """Takes what it is told, after it has refused some."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.refuse = [0]
        self.told: list[tuple[dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    """Answers for the receiver."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep what is told, and answer."""
        body = self.rfile.read(int(self.headers["content-length"]))
        status = 503 if self.server.refuse[0] else 204
        self.server.refuse[0] -= status != 204
        self.server.told.append((dict(self.headers), body))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver that runs, and is where the webhook goes."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("JOB_WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/jobs")
        monkeypatch.setenv("JOB_WEBHOOK_HOSTS", "example.org, 127.0.0.1")
        monkeypatch.setenv("JOB_WEBHOOK_SECRET", SECRET)
        yield server
        server.shutdown()
        thread.join()


def test_the_end_of_a_job_is_told_signed(receiver: Receiver) -> None:
    """Once, with the job as the API shows it."""
    plugins = {"offer": Offer(), "webhook": job_webhook}
    with BatchJobs.open("memory:", plugins=plugins, disable=["job-webhook"]) as jobs:
        job = jobs.work(jobs.create("nothing").id)
    ((headers, body),) = receiver.told
    assert headers["X-Batchjob-Signature"] == job_webhook.signature(SECRET, body)
    said = json.loads(body)
    assert said["event"]["status"] == "completed"
    assert said["batch_job"]["id"] == job.id
    assert headers["Idempotency-Key"] == f"{job.id}:{said['event']['n']}"


def test_what_is_refused_is_told_again(receiver: Receiver) -> None:
    """Until it is taken, and with the same key."""
    receiver.refuse[0] = 2
    plugins = {"offer": Offer(), "webhook": job_webhook}
    with BatchJobs.open("memory:", plugins=plugins, disable=["job-webhook"], lease=3) as jobs:
        jobs.work(jobs.create("nothing").id)
        for _ in range(200):
            jobs.sweep()
            if len(receiver.told) == 3:
                break
            threading.Event().wait(0.1)
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.told}) == 1
    assert len(receiver.told) == 3


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://evil.example/x", "example.org"),
        ("http://example.org/x", "example.org"),
        ("file:///etc/hostname", ""),
        ("https://example.org", ""),
    ],
)
def test_what_is_not_allowed_is_not_asked(url: str, hosts: str) -> None:
    """A host that is not on the list, or a way that is not private."""
    with pytest.raises(job_webhook.NotAllowed):
        job_webhook.checked(url, hosts)
