"""An import over HTTP, from a file with faults to the catalogue, as its users go about it.

Medusa's JavaScript client makes, reads and confirms the jobs; curl sends and fetches files, reads
the preview and watches. One process serves, two work.
"""

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from batchjob.products.catalog import Catalog
from batchjob.products.tables import create_tables
from cli.harness import Cli

PRODUCTS = 1_200  # three chunks
HEADER = "Product Handle;Product Title;Variant SKU;Option 1 Name;Option 1 Value;Price EUR"
WRONG = {7: "1,50", 900: "free"}

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


class Server:
    """A server of ours, asked by curl and by Medusa's client, with two workers beside it."""

    def __init__(self, cli: Cli, client: Path) -> None:
        self._cli, self._client = cli, client
        made = cli("token", "create", "--user", "usr_ada")
        assert made.returncode == 0, made.stderr
        self._secret = made.stdout.strip()
        self.catalog = Catalog(f"sqlite:///{cli.folder}/batchjob.db")
        with self.catalog.engine.begin() as connection:
            create_tables(connection)
            connection.execute(text("INSERT INTO currency VALUES ('eur', '€', '€', 'Euro')"))
        process = cli.start("serve", "--port", "0", "--no-work")
        assert process.stderr is not None
        self.url = next(line.split()[-1] for line in process.stderr if " at http://" in line)
        self.workers = [cli.start("worker") for _ in range(2)]

    def medusa(self, *step: str) -> dict[str, Any]:
        """Do one step by Medusa's client; return the job as it was answered."""
        node = ["node", "importing.cjs", self.url, self._secret, *step]
        found: dict[str, Any] = json.loads(self._run(node, cwd=self._client))
        return found

    def curl(self, path: str, *options: str) -> str:
        """Ask by curl."""
        given = ["-H", f"x-medusa-access-token: {self._secret}", *options]
        return self._run(["curl", "-sSN", "--fail-with-body", self.url + path, *given])

    def upload(self, content: str) -> str:
        """Send a file; return its key."""
        path = self._cli.folder / "products.csv"
        path.write_text(content, "utf-8", newline="")
        answer = json.loads(self.curl("/admin/uploads/protected", "-F", f"files=@{path}"))
        key: str = answer["uploads"][0]["key"]
        return key

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        with self.catalog.read() as connection:
            return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608

    def _run(self, command: list[str], *, cwd: Path | None = None) -> str:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def server(cli: Cli, medusa_client: Path) -> Server:
    """The server, with an empty catalogue."""
    return Server(cli, medusa_client)


def test_a_file_is_mended_shown_confirmed_and_imported(server: Server) -> None:
    """What is wrong is handed back in a file, and mended it becomes just what was shown."""
    rows = [f"p-{n};Product {n};SKU-{n};Size;S;{WRONG.get(n, '2.50')}" for n in range(PRODUCTS)]
    refused = server.medusa("create", server.upload("\r\n".join([HEADER, *rows, ""])))
    refused = server.medusa("until", refused["id"], "failed")
    places = [(each["row"], each["column"]) for each in refused["result"]["errors"]]
    assert places == [(9, "Price EUR"), (902, "Price EUR")]
    assert server.count("product") == 0

    report = server.curl(f"/admin/batch-jobs/{refused['id']}/errors")
    mended = list(csv.reader(io.StringIO(report, newline=""), delimiter=";"))
    assert [row[-1] for row in mended if row[-1]][1:] == [
        f"Price EUR: {cell!r} is no number; write digits and a point, such as 12.50"
        for cell in WRONG.values()
    ]
    for cells in mended[1:]:
        cells[-2] = "2.50"
    again = io.StringIO(newline="")
    csv.writer(again, delimiter=";").writerows(mended)

    job = server.medusa("create", server.upload(again.getvalue()))
    job = server.medusa("until", job["id"], "pre_processed")
    assert job["result"]["stat_descriptors"][0]["message"].startswith(
        f"There will be {PRODUCTS} products created (0 updated)."
    )
    pages = [
        json.loads(server.curl(f"/admin/batch-jobs/{job['id']}/changes?limit=100&offset={offset}"))
        for offset in range(0, PRODUCTS, 100)
    ]
    shown = [change for page in pages for change in page["changes"]]
    assert [change["row"] for change in shown] == list(range(2, PRODUCTS + 2))
    assert {change["outcome"] for change in shown} == {"created"}
    assert {"name": "Price EUR", "old": None, "new": "2.5"} in shown[7]["fields"]
    assert server.count("product") == 0

    server.medusa("confirm", job["id"])
    watched = server.curl(f"/admin/batch-jobs/{job['id']}/events")
    assert watched.count('"completed"') >= 1
    done = server.medusa("until", job["id"], "completed")
    assert (done["result"]["count"], done["result"]["advancement_count"]) == (PRODUCTS, PRODUCTS)
    assert (server.count("product"), server.count("money_amount")) == (PRODUCTS, PRODUCTS)
    state = json.loads(server.curl(f"/admin/batch-jobs/{job['id']}/state"))["state"]
    assert state["outcomes"]["created"] == PRODUCTS, state
