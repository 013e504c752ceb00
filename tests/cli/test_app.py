import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from batchjob.cli.app import program


def test_the_version_is_printed() -> None:
    """The version is printed, with the program's name."""
    done = CliRunner().invoke(program, ["--version"])
    assert (done.exit_code, done.stdout.split()[0]) == (0, "batchjob")


def test_no_command_prints_help() -> None:
    """Without a command the help is printed."""
    done = CliRunner().invoke(program, [])
    assert (done.exit_code, "Commands:" in done.stdout) == (0, True)


def test_the_program_runs_inside_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called from Python the program gives its status, and leaves signals as they were."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGINT)
    assert CliRunner().invoke(program, ["list"]).stdout == "Jobs: none of 0\n"
    failed = CliRunner().invoke(program, ["run", "nope"])
    assert signal.getsignal(signal.SIGINT) is before
    assert failed.exit_code == 2
    assert failed.stderr.startswith("batchjob: error: unknown batch type 'nope'")
