"""A package of somebody else's: built, installed where nothing else is, and used."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
CONTEXT = {
    "page": 1,
    "invoices": [
        {"number": "R-1", "customer": "Ada", "cents": 1250},
        {"number": "R-2", "customer": "Bob", "cents": 990},
    ],
}
LETTERS = "Dear Ada: R-1, 12.50 EUR, is due.\nDear Bob: R-2, 9.90 EUR, is due.\n"
SCRIPT = """
import json, sys
from batchjob import BatchJobs

with BatchJobs.open("memory:", files="py-files") as jobs:
    assert jobs.plugins.problems == (), jobs.plugins.problems
    job = jobs.work(jobs.create("payment-reminders", json.loads(sys.argv[1])).id)
    with jobs.open_result(job.id) as file:
        print(file.read().decode(), end="")
"""


def run(*command: object, cwd: Path) -> str:
    """Run a command and return what it prints; its errors are the test's."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wheel(project: Path, into: Path) -> Path:
    """Build the wheel of *project*."""
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", into)
    run(*build, project, cwd=into.parent)
    (built,) = into.glob("*.whl")
    return built


EXAMPLES = tuple(sorted(path.parent.name for path in ROOT.glob("examples/*/pyproject.toml")))
"""The packages to learn from."""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with batchjob's wheel and the plugins' wheels, and nothing of this one."""
    folder = tmp_path_factory.mktemp("fresh")
    library = wheel(ROOT, folder / "library")
    plugins = [wheel(ROOT / "examples" / name, folder / f"wheel-{name}") for name in EXAMPLES]
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    pip = (folder / "venv/bin/python", "-m", "pip", "--disable-pip-version-check", "install", "-q")
    run(*pip, f"{library}[cli,sql]", *plugins, "pytest", cwd=folder)
    return folder


def test_the_wheel_holds_all_that_is_imported(fresh: Path) -> None:
    """The wheel has types and migrations, and neither tests nor docs."""
    (package,) = (fresh / "venv").glob("lib/python*/site-packages/batchjob")
    assert (package / "py.typed").exists()
    assert list(package.glob("stores/migrations/versions/*.py"))
    assert not list(package.parent.glob("tests"))


def test_an_installed_plugin_is_used_by_its_batch_type_on_the_command_line(fresh: Path) -> None:
    """`types` lists it, `run` works on a job of it, and the file is what it made."""
    batchjob = fresh / "venv/bin/batchjob"
    types: list[dict[str, Any]] = json.loads(run(batchjob, "types", "--json", cwd=fresh))
    schemas = {found["type"]: found["context_schema"] for found in types}
    assert schemas["payment-reminders"]["required"] == ["invoices"]
    out = ("--out", "letters.txt", "--json")
    context = json.dumps(CONTEXT)
    said = run(batchjob, "run", "payment-reminders", "--context", context, *out, cwd=fresh)
    job = json.loads(said)["batch_job"]
    assert (job["status"], job["type"]) == ("completed", "payment-reminders")
    assert job["result"]["stat_descriptors"][0]["message"] == "2 letters for 22.40 EUR"
    assert (fresh / "letters.txt").read_text("utf-8") == LETTERS


def test_an_installed_plugin_is_used_by_its_batch_type_from_python(fresh: Path) -> None:
    """The facade finds it without being told."""
    python = fresh / "venv/bin/python"
    assert run(python, "-c", SCRIPT, json.dumps(CONTEXT), cwd=fresh) == LETTERS


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_package_passes_its_own_tests_where_it_is_installed(fresh: Path, name: str) -> None:
    """By the kit of batchjob's wheel, and found by its entry point."""
    folder = fresh / f"tests-{name}"
    shutil.copytree(ROOT / "examples" / name / "tests", folder)
    pytest_there = (fresh / "venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert " passed" in run(*pytest_there, "--rootdir", folder, cwd=folder)
