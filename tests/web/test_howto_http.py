"""The how-to about HTTP, done as it says: every command of it, in one shell."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs/howto/use-over-http.md").read_text("utf-8")
BLOCKS = re.findall(r"^```shell\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_commands_of_the_page_make_an_export(tmp_path: Path) -> None:
    """A dry run is made, read, confirmed, watched and downloaded, twice."""
    said, folder = _run("".join(BLOCKS).replace("9000", str(_free_port())), tmp_path)
    assert '"status":"pre_processed"' in said
    assert "There will be" in said
    assert re.findall(r"^event: (\w+)", said, re.MULTILINE) != []
    assert '"completed"' in said
    assert "Product Id;Product Handle" in said
    file = (folder / "products.csv").read_bytes()
    assert file == (folder / "again.csv").read_bytes()
    job = json.loads((folder / "job.json").read_text())["batch_job"]
    assert (job["status"], job["created_by"], job["dry_run"]) == ("completed", "usr_ada", True)
    assert job["result"]["file_size"] == len(file)
    assert json.loads((folder / "openapi.json").read_text())["openapi"].startswith("3.1")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _run(script: str, folder: Path) -> tuple[str, Path]:
    """Run a script as one shell, end what it left running; return its output, and where it was."""
    environ = {name: v for name, v in os.environ.items() if not name.startswith("BATCHJOB_")}
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    with (folder / "said").open("w") as said, (folder / "log").open("w") as log:
        shell = subprocess.Popen(
            ["/bin/bash", "-ec", script],
            cwd=folder,
            env=environ,
            stdout=said,
            stderr=log,
            start_new_session=True,
        )
        try:
            assert shell.wait(90) == 0, (folder / "log").read_text()[-2000:]
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
    return (folder / "said").read_text(), folder / "batchjob-demo"
