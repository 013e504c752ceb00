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
    assert "14 passed" in checked(folder, "pytest", "-q", "-p", "no:cacheprovider")
    checked(folder, "ruff", "check", "--no-cache")
    checked(folder, "ruff", "format", "--check", "--no-cache")
    checked(folder, "mypy", "--cache-dir", os.devnull)
    for path in folder.rglob("*"):
        assert not path.is_file() or "$" not in path.read_text("utf-8"), path


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
    checked(cli.folder / "price-changes", *pip, "--disable-pip-version-check", ".")
    given = '{"items": ["one", "two"]}'
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
