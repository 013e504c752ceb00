"""The how-to about Celery, done as it says."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engines.brokers import REDIS, Broker, broker

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/howto/run-on-celery.md").read_text("utf-8")
BLOCKS = re.findall(r"^```shell\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FIRST = "redis://127.0.0.1:6379/0"


@pytest.fixture
def redis() -> Iterator[Broker]:
    """A queue of this page's own."""
    with broker(REDIS) as made:
        yield made


def _run(script: str, folder: Path, **environ: str) -> str:
    """Run a script of the page as one shell, end what it left running, and return its output."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("BATCHJOB_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with (folder / "said").open("w") as said, (folder / "log").open("w") as log:
        shell = subprocess.Popen(
            ["/bin/bash", "-ec", script],
            cwd=folder,
            env={**kept, "PATH": path, **environ},
            stdout=said,
            stderr=log,
            start_new_session=True,
        )
        try:
            assert shell.wait(60) == 0, (folder / "log").read_text()[-2000:]
        finally:
            with suppress(ProcessLookupError):  # what it ran has ended
                os.killpg(shell.pid, signal.SIGTERM)
            _wait_for_the_end_of(shell.pid)
    return (folder / "said").read_text()


def _wait_for_the_end_of(group: int) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)


def test_two_workers_do_a_job(redis: Broker, tmp_path: Path) -> None:
    """The commands of the page start two workers, and the job that is made is done by them."""
    start, workers, make = BLOCKS[:3]
    wait = "until batchjob list --limit 1 --json | grep completed; do sleep 0.1; done"
    script = start.replace(FIRST, redis.url) + workers + make + wait
    said = _run(script, tmp_path, BATCHJOB_QUEUE=redis.queue)
    (line,) = [line for line in said.splitlines() if line.startswith('{"batch_jobs"')]
    newest = json.loads(line)["batch_jobs"][0]
    assert f"\n{newest['id']}\n" in said


def test_an_own_app_does_a_job(redis: Broker, tmp_path: Path) -> None:
    """The example's app works on jobs; what it wrote is read where the job was made."""
    shop = ROOT / "examples/celery_workers/shop.py"
    (tmp_path / "shop.py").write_text(shop.read_text("utf-8"), "utf-8")
    script = BLOCKS[3].replace("--queues batchjob", f"--queues {redis.queue}")
    said = _run(script, tmp_path, SHOP_BROKER=redis.url, SHOP_QUEUE=redis.queue)
    assert "Dear Ada,\nDear Grace,\n" in said
