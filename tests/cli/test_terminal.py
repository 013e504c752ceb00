import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from cli.harness import LONG, Cli


@attrs.define
class Terminal:
    """A terminal in which a command runs; what it printed is in ``seen``."""

    process: subprocess.Popen[str]
    master: int
    seen: str = ""

    def wait_for(self, words: str) -> None:
        """Read until *words* are there."""
        deadline = time.monotonic() + LONG
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if not self.read():
                assert words in self.seen, self.seen

    def read(self) -> bool:
        """Read what there is; return False once the terminal is closed."""
        if not select.select([self.master], [], [], 0.1)[0]:
            return self.process.poll() is None
        try:
            block = os.read(self.master, 65536)
        except OSError:
            return False
        self.seen += block.decode()
        return bool(block)

    def type(self, text: str) -> None:
        """Type *text*."""
        os.write(self.master, text.encode())

    def end(self) -> int:
        """Read to the end and return the exit status."""
        while self.read():
            pass
        return self.process.wait(LONG)


@contextmanager
def terminal(cli: Cli, *args: str, stdout: int | None = None) -> Iterator[Terminal]:
    """Run a command in a terminal; *stdout* may be another place."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "r+b", buffering=0) as theirs:
        process = cli.start(
            *args,
            stdin=theirs.fileno(),
            stdout=theirs.fileno() if stdout is None else stdout,
            stderr=theirs.fileno(),
        )
    try:
        yield Terminal(process, master)
    finally:
        os.close(master)


def test_a_dry_run_asks_on_a_terminal(cli: Cli) -> None:
    """On a terminal a dry run shows what it would do, asks, and does it after a yes."""
    with terminal(cli, "run", "count-up", "--dry-run") as screen:
        screen.wait_for("Do it? [y/N]")
        assert "It will count to 3" in screen.seen
        screen.type("what\n")
        screen.wait_for("Please answer y or n.")
        screen.type("y\n")
        assert screen.end() == 0
        assert "30/30" in screen.seen
        assert "━" in screen.seen


def test_a_dry_run_is_left_waiting_after_a_no(cli: Cli) -> None:
    """After a no, or at the end of input, the job waits, and how to go on is said."""
    for answer in ("n\n", "\n", "\x04"):
        with terminal(cli, "run", "count-up", "--dry-run") as screen:
            screen.wait_for("Do it? [y/N]")
            screen.type(answer)
            assert screen.end() == 0
            assert "batchjob confirm batch_" in screen.seen
    page = json.loads(cli("list", "--json").stdout)
    assert {job["status"] for job in page["batch_jobs"]} == {"pre_processed"}


def test_the_question_is_not_on_standard_output(cli: Cli) -> None:
    """With --json the preview, the question and the bar go to standard error."""
    args = ("run", "count-up", "--dry-run", "--json")
    with terminal(cli, *args, stdout=subprocess.PIPE) as screen:
        screen.wait_for("Do it? [y/N]")
        screen.type("y\n")
        assert screen.process.stdout is not None
        printed = screen.process.stdout.read()
        assert screen.end() == 0
    assert json.loads(printed)["batch_job"]["status"] == "completed"


def test_ctrl_c_at_the_question(cli: Cli) -> None:
    """Ctrl-C at the question leaves the job waiting: status 130, and how to confirm it."""
    with terminal(cli, "run", "count-up", "--dry-run") as screen:
        screen.wait_for("Do it? [y/N]")
        screen.process.send_signal(signal.SIGINT)
        assert screen.end() == 130
        assert "go on with: batchjob confirm batch_" in screen.seen


def test_no_color_is_respected(cli: Cli) -> None:
    """NO_COLOR turns colours off on a terminal."""
    cli.job("run", "count-up")
    cli.environ["TERM"] = "xterm-256color"
    with terminal(cli, "list") as screen:
        assert screen.end() == 0
        assert "\x1b[32mcompleted" in screen.seen
    cli.environ["NO_COLOR"] = "1"
    with terminal(cli, "list") as screen:
        assert screen.end() == 0
        assert "\x1b[32m" not in screen.seen
