"""``batchjob serve``: a real server of the HTTP API, as a process of its own."""

import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from batchjob import BatchJobs, Status
from cli.harness import LONG, Cli
from web.served import PATH


def _server(cli: Cli, *args: str) -> tuple[subprocess.Popen[str], str, str]:
    """Start a server at a port that is free; return it with its address and what it said first."""
    process = cli.start("serve", "--port", "0", *args)
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        if " at http://" in line:
            return process, line.split()[-1], said
        said += line
    raise AssertionError(process.wait(LONG))


@pytest.fixture
def client(cli: Cli) -> Iterator[httpx.Client]:
    """A client with a token of the store, of a server that works."""
    secret = cli("token", "create", "--user", "usr_ada").stdout.strip()
    _, url, _ = _server(cli)
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {secret}"}) as made:
        yield made


def _job(client: httpx.Client, batch_type: str = "count-up") -> dict[str, Any]:
    answer = client.post(PATH, json={"type": batch_type, "context": {}})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["batch_job"]
    return found


def test_a_server_does_the_jobs_it_is_given(client: httpx.Client, until: Any) -> None:
    """Who has a token makes a job, and it is done; strangers are refused."""
    job = _job(client)
    until(lambda: client.get(f"{PATH}/{job['id']}").json()["batch_job"]["status"] == "completed")
    assert httpx.get(client.base_url.join(PATH)).status_code == 401
    assert httpx.get(client.base_url.join("/health")).text == "OK"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_when_it_is_told_to(cli: Cli, signum: int) -> None:
    """A signal ends it with status 0; it says where it is, and that there is no token yet."""
    process, url, said = _server(cli)
    assert httpx.get(f"{url}/health").status_code == 200
    process.send_signal(signum)
    assert process.wait(LONG) == 0
    assert "nobody can come in yet; make a token: batchjob token create" in said


def test_work_can_be_left_to_workers(cli: Cli) -> None:
    """With --no-work and --allow-all, a job is made by anybody here, and nobody works on it."""
    process, url, said = _server(cli, "--no-work", "--allow-all")
    with httpx.Client(base_url=url) as client:
        job = _job(client)
    process.terminate()
    assert process.wait(LONG) == 0
    assert "everybody who reaches this address may do everything" in said
    with BatchJobs.open(f"sqlite:///{cli.folder}/batchjob.db", files=str(cli.folder)) as jobs:
        assert jobs.get(job["id"]).status is Status.CREATED


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--allow-all", "--host", "0.0.0.0"], "--allow-all lets everybody in, and 0.0.0.0"),  # noqa: S104
        (["--host", "nowhere.invalid"], "cannot listen at nowhere.invalid"),
        (["--port", "65536"], "is not in the range"),
    ],
)
def test_a30_what_must_not_be_served_is_not(cli: Cli, args: list[str], words: str) -> None:
    """A server that would let everybody in from everywhere, or cannot listen, ends with 2."""
    done = cli("serve", "--port", "0", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_secret_that_can_be_guessed_is_refused(cli: Cli) -> None:
    """The secret that links are signed with has to be long."""
    done = cli("serve", "--port", "0", BATCHJOB_SECRET="short")  # noqa: S106
    assert done.returncode == 2
    assert "BATCHJOB_SECRET is too short" in done.stderr


def test_a_port_that_is_taken_is_said(cli: Cli) -> None:
    """Two servers cannot have one port."""
    _, url, _ = _server(cli)
    done = cli("serve", "--port", url.rpartition(":")[2])
    assert done.returncode == 2
    assert "address already in use" in done.stderr
