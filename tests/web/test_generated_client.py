"""A Python client that is made from the OpenAPI document, against a real server."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs
from batchjob.web import ApiTokens, create_app
from batchjob.web.serving import AppServer, bind, url_of
from tally import Tally
from web.served import ADA, lines

NAME = "batchjob_client"


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BatchJobs]:
    """Jobs in memory that know an import."""
    files = str(tmp_path_factory.mktemp("files"))
    with BatchJobs.open("memory:", files=files, plugins=lines(Tally())) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(jobs: BatchJobs) -> Iterator[str]:
    """The address of a server."""
    listener = bind("127.0.0.1", 0)
    server = AppServer(create_app(jobs, authenticator=ApiTokens(jobs)), listener)
    server.start()
    yield url_of(listener)
    server.stop()
    server.join()


@pytest.fixture(scope="module")
def client(jobs: BatchJobs, url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of ada's, made from what the server says of itself."""
    import httpx

    _, secret = jobs.create_token(ADA)
    folder = tmp_path_factory.mktemp("generated")
    document = folder / "openapi.json"
    headers = {"authorization": f"Bearer {secret}"}
    document.write_text(json.dumps(httpx.get(f"{url}/openapi.json", headers=headers).json()))
    config = folder / "config.yaml"
    config.write_text(
        f"project_name_override: {NAME}\npackage_name_override: {NAME}\npost_hooks: []\n"
    )
    command = f"{Path(sys.executable).with_name('openapi-python-client')} generate --meta none"
    options = ["--path", str(document), "--config", str(config), "--fail-on-warning"]
    options += ["--output-path", str(folder / NAME)]
    done = subprocess.run([*command.split(), *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    made = importlib.import_module(NAME).AuthenticatedClient(base_url=url, token=secret)
    with made as opened:
        yield opened
    sys.path.remove(str(folder))


def call(client: Any, module: str, *args: Any, **given: Any) -> Any:
    """Call an operation of the client, and return what it parsed of the answer."""
    return importlib.import_module(f"{NAME}.api.default.{module}").sync(
        *args, client=client, **given
    )


def test_it_makes_looks_at_and_moves_jobs(client: Any, jobs: BatchJobs) -> None:
    """Create, retrieve, confirm, list and cancel give typed values that are true."""
    models = importlib.import_module(f"{NAME}.models")
    body = models.CreateLines.from_dict({"type": "lines", "context": {"lines": 2}, "dry_run": True})
    made = call(client, "create_batch_job", body=body).batch_job
    jobs.work(made.id)
    waits = call(client, "retrieve_batch_job", made.id).batch_job
    assert (waits.status.value, waits.dry_run) == ("pre_processed", True)
    assert waits.result.stat_descriptors[0].message == "There will be 2 lines written"
    assert call(client, "confirm_batch_job", made.id).batch_job.status.value == "confirmed"
    assert call(client, "cancel_batch_job", made.id).batch_job.status.value == "canceled"
    found = call(client, "list_batch_jobs", limit=5)
    assert (found.count, found.batch_jobs[0].id) == (1, made.id)


def test_it_reads_errors(client: Any) -> None:
    """An error is a typed value with its code."""
    problem = call(client, "retrieve_batch_job", "batch_01G8T782965PYFG0751G0Z38B4")
    assert (problem.code, problem.type_.value) == ("unknown_job", "not_found")
