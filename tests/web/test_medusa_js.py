"""Medusa's own JavaScript client, installed by npm, against a server of ours."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from batchjob.products.catalog import Catalog
from batchjob.products.demo import demo_catalog
from batchjob.products.fill import fill
from batchjob.products.tables import create_tables
from cli.harness import Cli

SCRIPT = Path(__file__).with_name("medusa.cjs")
PAGE_KEYS = {
    "id", "type", "status", "created_by", "context", "dry_run", "result", "created_at",
    "updated_at", "deleted_at", "pre_processed_at", "confirmed_at", "processing_at",
    "completed_at", "canceled_at", "failed_at",
}  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the client is installed."""
    folder = tmp_path_factory.mktemp("medusa-js")
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("there is no npm here")
    package = "@medusajs/medusa-js@6"
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", package]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode:
        pytest.skip(f"npm's registry does not answer: {done.stderr[-300:]}")
    shutil.copy(SCRIPT, folder)
    return folder


@pytest.fixture
def server(cli: Cli) -> tuple[str, str]:
    """A server with eight products: its address, and the secret of a token."""
    made = cli("token", "create", "--user", "usr_ada", "--email", "ada@example.org")
    assert made.returncode == 0, made.stderr
    catalog = Catalog(f"sqlite:///{cli.folder}/batchjob.db")
    with catalog.engine.begin() as connection:
        create_tables(connection)
        fill(connection, demo_catalog(8))
    catalog.close()
    process = cli.start("serve", "--port", "0")
    assert process.stderr is not None
    url = next(line.split()[-1] for line in process.stderr if " at http://" in line)
    return url, made.stdout.strip()


def test_medusas_client_works_unchanged(client: Path, server: tuple[str, str]) -> None:
    """It makes, reads, confirms, cancels and lists jobs, and downloads their files."""
    node = ["node", SCRIPT.name, *server]
    done = subprocess.run(
        node, cwd=client, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = {}
    statuses: dict[str, int] = {}
    for line in map(json.loads, done.stdout.splitlines()):
        said[line["name"]], statuses[line["name"]] = line["body"], line["status"]
    ok = dict.fromkeys(said, 200)
    assert statuses == {**ok, "create": 201, "second": 201, "refused": 409}
    job = said["create"]["batch_job"]
    assert set(job) == PAGE_KEYS
    assert (job["status"], job["created_by"], job["dry_run"]) == ("created", "usr_ada", True)
    planned = said["pre_processed"]["batch_job"]["result"]
    (line,) = planned["stat_descriptors"]
    assert line["message"] == "There will be 8 products exported by this action"
    assert said["confirm"]["batch_job"]["confirmed_at"] is not None
    result = said["completed"]["batch_job"]["result"]
    assert (result["count"], result["progress"]) == (8, 1)
    assert len(said["file"].encode()) == result["file_size"]
    assert "Product Id;Product Handle" in said["file"]
    assert said["cancel"]["batch_job"]["status"] == "canceled"
    listed = said["list"]
    assert (listed["count"], listed["limit"], len(listed["batch_jobs"])) == (2, 1, 1)
    assert listed["batch_jobs"][0]["created_by_user"]["email"] == "ada@example.org"
    assert [each["id"] for each in said["canceled"]["batch_jobs"]] == [job["id"]]
    assert (said["refused"]["code"], said["refused"]["type"]) == ("invalid_state", "not_allowed")
