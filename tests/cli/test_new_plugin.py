"""``batchjob new-plugin``: the package that it writes is good at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.harness import Cli


def checked(folder: Path, *command: str) -> str:
    """Run a check in *folder*, which has to pass; return what it printed."""
    environ = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_plugin_passes_its_own_checks(cli: Cli) -> None:
    """Its tests, lint, format and types, without a change."""
    made = cli("new-plugin", "price-changes")
    assert (made.returncode, made.stdout) == (0, "")
    assert made.stderr == ("batchjob: price-changes is written; its README.md says how to go on\n")
    folder = cli.folder / "price-changes"
    for path in folder.rglob("*"):
        assert not path.is_file() or "$" not in path.read_text("utf-8"), path
    _, shell = (folder / "README.md").read_text("utf-8").split("```shell\n")
    install, _, checks = shell.partition("```")[0].splitlines()
    assert install == "python -m pip install -q -e '.[test]'"  # the packages of this environment do
    assert checks.count("python -m") == 4
    for command in checks.split(" && "):
        said = checked(folder, *command.removeprefix("python -m ").split())
        assert "pytest" not in command or "14 passed" in said


@pytest.mark.parametrize("name", ["a" * 40, "z-1", "abc" + "-de" * 12])
def test_a_new_plugin_of_any_name_is_well_formed(cli: Cli, name: str) -> None:
    """No line is too long, and imports are in order."""
    assert cli("new-plugin", name).returncode == 0
    checked(cli.folder / name, "ruff", "check", "--no-cache")
    checked(cli.folder / name, "ruff", "format", "--check", "--no-cache")


def test_a_new_plugin_is_installed_and_found(cli: Cli) -> None:
    """Installed, its batch type is one of those that are known, and does its job."""
    cli("new-plugin", "price-changes", "--into", str(cli.folder))
    target = str(cli.folder / "installed")
    pip = ["pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", target]
    folder = cli.folder / "price-changes"
    checked(folder, *pip, "--disable-pip-version-check", ".")
    given = '{"items": ["one", "two"]}'
    assert f"batchjob run price-changes --context '{given}'" in (folder / "README.md").read_text()
    job = cli.job("run", "price-changes", "--context", given, PYTHONPATH=target)
    assert (job["status"], job["result"]["count"]) == ("completed", 2)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Price", "'Price' is no name for a batch type: it is lower case letters and digits"),
        ("../x", "'../x' is no name for a batch type"),
        ("a--b", "'a--b' is no name for a batch type"),
        ("a" * 41, "hyphens between them, 40 at most"),
        ("import", "a Python module cannot be called import; choose another name"),
        ("json", "a Python module cannot be called json; choose another name"),
        ("there", "there is a there here already; choose another name"),
    ],
)
def test_a_name_that_is_none_writes_nothing(cli: Cli, name: str, words: str) -> None:
    """It is said what would be right, and what is there is left alone."""
    (cli.folder / "there").mkdir()
    before = set(cli.folder.rglob("*"))
    made = cli("new-plugin", name)
    assert made.returncode == 2
    assert words in made.stderr
    assert set(cli.folder.rglob("*")) == before
