"""README.md: its two commands, and where its links lead. Its examples run by themselves."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SHELL = re.findall(r"```shell\n(.*?)```", README, re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


def test_it_has_two_commands_of_one_line() -> None:
    """One command runs the main job and one runs the tests; both set everything up themselves."""
    first, second = SHELL
    set_up = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[all,test]' && "
    assert first == f"{set_up}.venv/bin/batchjob demo\n"
    assert second == f"{set_up}.venv/bin/pytest\n"


def test_the_checks_run_the_command_of_the_readme() -> None:
    """What `.ci/run` runs as the tests is what README.md says."""
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    shown = subprocess.run(
        [str(run), "--show-command"], capture_output=True, text=True, check=True, cwd="/"
    )
    assert shown.stdout == SHELL[1]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_to_files(page: str) -> None:
    """A link that names no site names a file of the sources."""
    links = LINK.findall((ROOT / page).read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert missing == []
