import json
import os
import subprocess
import sys
from pathlib import Path

from cli.harness import LONG, Cli


def test_the_demo_tells_each_step(cli: Cli) -> None:
    """The demo plans, previews, confirms, works and is done, and shows what came of it."""
    done = cli("demo")
    assert done.returncode == 0
    steps = [line[3:].partition(":")[0] for line in done.stdout.splitlines() if line[1:2] == "."]
    assert steps == ["Prepared", "Planned", "Previewed", "Confirmed", "Worked on", "Done"]
    for words in ("300 products", "EUR, GBP, JPY, USD", "EU [EUR]", "30 chunks", "batchjob-demo"):
        assert words in done.stdout
    header, *rows = (cli.folder / "batchjob-demo" / "products.csv").read_bytes().split(b"\r\n")
    assert header.startswith(b"Product Id;Product Handle;")
    assert len(rows) > 300


def test_the_demo_may_be_run_again(cli: Cli) -> None:
    """A second demo makes a new job on the same catalogue."""
    assert cli("demo", "--dir", "shop").returncode == 0
    again = cli("demo", "--dir", "shop", "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["batch_job"]["result"]["count"] == 300
    assert "from before" in again.stderr


def test_the_demo_keeps_away_from_other_stores(cli: Cli) -> None:
    """The demo reads no store from the environment, and says how to leave it for what comes."""
    done = cli("demo", BATCHJOB_STORE="sqlite:///real.db")
    assert done.returncode == 0
    assert not (cli.folder / "real.db").exists()
    assert "unset BATCHJOB_STORE" in done.stdout


def test_the_demo_refuses_a_folder_that_cannot_be(cli: Cli) -> None:
    """A folder that cannot be made is wrong use: status 2, in one line."""
    (cli.folder / "there").write_text("a file")
    done = cli("demo", "--dir", "there")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_each_command_that_the_demo_prints_works(cli: Cli, tmp_path: Path) -> None:
    """What the demo says to try next works when it is pasted, line after line."""
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "batchjob"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m batchjob "$@"\n')
    script.chmod(0o755)
    cli.environ["PATH"] = f"{script.parent}:{os.environ['PATH']}"
    printed = cli("demo").stdout.partition("What to try next")[2]
    lines = [line.strip() for line in printed.splitlines()[1:] if line.strip()]
    commands = [line for line in lines if not line.startswith("#")]
    assert {line.split()[1] for line in commands} >= {"list", "show", "confirm", "work", "cancel"}
    pasted = subprocess.run(  # noqa: S602 - as a user does
        "set -e\n" + "\n".join(commands),
        shell=True,
        cwd=cli.folder,
        env=cli.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * LONG,
        check=False,
    )
    assert pasted.returncode == 0, pasted.stderr
    assert (cli.folder / "batchjob-demo" / "mugs.csv").exists()
