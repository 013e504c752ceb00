"""The services in `examples/hosts`, each as a process of its own, asked as its users ask it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

HOSTS = Path(__file__).resolve().parents[2] / "examples" / "hosts"
ADA = {"x-shop-user": "ada"}


@contextmanager
def process(folder: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of the service, and end it."""
    environ = {**os.environ, "PYTHONPATH": str(HOSTS), "SHOP_STORE": f"sqlite:///{folder}/shop.db"}
    environ["SHOP_FILES"] = str(folder / "files")
    started = subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environ, stdin=subprocess.PIPE
    )
    try:
        yield started
        assert started.poll() is None
    finally:
        started.terminate()
        started.wait(20)
        assert started.stdin
        started.stdin.close()


@pytest.mark.parametrize("host", ["fastapi_shop:app", "django_shop:application"])
def test_users_of_a_service_have_their_jobs_done(host: str, tmp_path: Path) -> None:
    """By its own route, and by the API that it serves; the file is theirs alone."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = ("-m", "uvicorn", host, "--port", str(port), "--log-level", "warning")
    with ExitStack() as stack:
        stack.enter_context(process(tmp_path, *served))
        url = f"http://127.0.0.1:{port}"
        client = stack.enter_context(httpx.Client(base_url=url, timeout=20))
        until_there(client)
        if host.startswith("django"):
            stack.enter_context(process(tmp_path, str(HOSTS / "django_shop.py")))
        assert client.post("/letters", json=["Ada"]).status_code == 401
        made = client.post("/letters", json=["Ada", "Bob"], headers=ADA)
        assert made.status_code == 202, made.text
        url = made.json()["url"]
        assert client.get(url, headers={"x-shop-user": "eve"}).status_code == 404
        job = until_completed(client, url)
        assert job["result"]["count"] == 2
        letters = client.get(f"{url}/result", headers=ADA)
        assert letters.text == "Dear Ada: thank you.\nDear Bob: thank you.\n"


def until_there(client: httpx.Client) -> None:
    """Wait until the service answers."""
    deadline = time.monotonic() + 30
    while True:
        try:
            assert client.get("/jobs/health").text == "OK"
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def until_completed(client: httpx.Client, url: str) -> dict[str, dict[str, int]]:
    """Wait until the job has ended."""
    deadline = time.monotonic() + 30
    while True:
        job: dict[str, dict[str, int]] = client.get(url, headers=ADA).json()["batch_job"]
        if job["status"] == "completed":  # type: ignore[comparison-overlap]
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.1)
