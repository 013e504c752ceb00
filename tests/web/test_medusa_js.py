"""Medusa's own JavaScript client, installed by npm, against a server of ours."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from batchjob.products.catalog import Catalog
from batchjob.products.demo import demo_catalog
from batchjob.products.fill import fill
from batchjob.products.tables import create_tables
from cli.harness import Cli

PAGE_KEYS = {
    "id", "type", "status", "created_by", "context", "dry_run", "result", "created_at",
    "updated_at", "deleted_at", "pre_processed_at", "confirmed_at", "processing_at",
    "completed_at", "canceled_at", "failed_at",
}  # fmt: skip


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


def test_medusas_client_works_unchanged(medusa_client: Path, server: tuple[str, str]) -> None:
    """It makes, reads, confirms, cancels and lists jobs, and downloads their files."""
    node = ["node", "medusa.cjs", *server]
    done = subprocess.run(
        node, cwd=medusa_client, capture_output=True, text=True, timeout=120, check=False
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
