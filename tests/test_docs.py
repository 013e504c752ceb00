"""The pages of docs/: nothing public is missing from them, and they say what the code says."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import pytest
from click import Command, Group

import batchjob
from batchjob import MOVES, BatchJobs, hookspecs
from batchjob.cli import exits
from batchjob.cli.app import program
from batchjob.converters import json_schema
from batchjob.core.results import MORE_ERRORS
from batchjob.errors import BatchJobError
from batchjob.plugins import load
from batchjob.registry import context_class

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "batchjob"
AUTODOC = re.compile(r"^\.\. (?:auto\w+|py:\w+):: ([\w.]+)$", re.MULTILINE)


def headings(page: str) -> set[str]:
    """Return the headings of *page*, without the signs of code."""
    text = (DOCS / page).read_text("utf-8")
    return {line.lstrip("# ").strip("`") for line in text.splitlines() if line.startswith("#")}


def pages() -> Iterator[str]:
    """Yield the text of each page."""
    for path in sorted(DOCS.rglob("*.md")):
        if "_build" not in path.parts:
            yield path.read_text("utf-8")


def hooks() -> list[str]:
    """Return the names of all hooks."""
    return [name for name in vars(hookspecs) if name.startswith("batchjob_")]


def error_classes(cls: type[Any] = BatchJobError) -> Iterator[type[Any]]:
    """Yield the public error classes, those of batchjob's own packages."""
    if cls.__module__.startswith("batchjob.") and not cls.__name__.startswith("_"):
        yield cls
    for child in cls.__subclasses__():
        yield from error_classes(child)


ERRORS = sorted(set(error_classes()), key=lambda cls: cls.__name__)


def context_keys() -> Iterator[tuple[str, str]]:
    """Yield each key that a built-in batch type's context may hold."""
    registry = load(batchjob.Settings()).registry
    for name in registry.batch_types:
        strategy = registry.resolve(name)
        if type(strategy).__module__.startswith("batchjob."):
            schema: Any = json_schema(context_class(type(strategy)))
            yield from ((name, key) for key in schema["properties"])


def options(command: Command) -> set[str]:
    """Return the long options of *command* and of those below it that its help shows."""
    if isinstance(command, Group):
        return set[str]().union(*map(options, command.commands.values()))
    shown = [each for each in command.params if not getattr(each, "hidden", False)]
    names = {name for parameter in shown for name in parameter.opts}
    return {name for name in names if name.startswith("--")} - {"--help"}


@pytest.mark.parametrize("name", batchjob.__all__)
def test_every_public_name_has_an_entry(name: str) -> None:
    """What can be imported from batchjob is described in the reference."""
    described = {entry for page in pages() for entry in AUTODOC.findall(page)}
    assert {f"batchjob.{name}", f"batchjob.errors.{name}"} & described


@pytest.mark.parametrize("name", hooks())
def test_every_hook_has_a_heading_and_an_example(name: str) -> None:
    """Each hook is described under its name, with an example that runs."""
    assert name in headings("reference/hooks.md")
    text = (DOCS / "reference/hooks.md").read_text("utf-8")
    assert f"    def {name}(" in text


def test_every_code_says_what_to_do() -> None:
    """Each code of an error, and of what a job says without a strategy, is a row, and no other."""
    errors = [cls for cls in vars(batchjob.errors).values() if inspect.isclass(cls)]
    there = {cls.code for cls in errors if issubclass(cls, BatchJobError)} | {"invalid_value"}
    for folder in ("core", "stores", "worker"):
        for path in (SOURCE / folder).rglob("*.py"):
            there |= set(re.findall(r'code="([a-z_]+)"', path.read_text("utf-8")))
    there |= {MORE_ERRORS, "strategy_error"}
    text = (DOCS / "reference/codes.md").read_text("utf-8")
    firsts = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert {code for first in firsts for code in re.findall("`([a-z_]+)`", first)} == there


@pytest.mark.parametrize("cls", ERRORS, ids=lambda cls: cls.__name__)
def test_every_error_has_a_heading_and_its_code(cls: type[Any]) -> None:
    """Each error is described under its name, with the code that stands on the wire."""
    text = (DOCS / "reference/errors.md").read_text("utf-8")
    assert f"## `{cls.__name__}`\n\nCode: `{cls.code}`.\n" in text


@pytest.mark.parametrize("name", list(inspect.signature(BatchJobs.open).parameters))
def test_every_parameter_of_open_has_a_heading(name: str) -> None:
    """Each setting is described under its name."""
    assert name in headings("reference/settings.md")


def test_every_field_of_the_settings_has_a_heading() -> None:
    """What plugins are given as settings is described."""
    names = {field.name for field in attrs.fields(batchjob.Settings)}
    assert names <= headings("reference/settings.md")


def test_every_environment_variable_is_described() -> None:
    """A variable that the code reads is on the page of settings, and no other one is."""
    read = {
        parameter.envvar
        for command in program.commands.values()
        for parameter in command.params
        if parameter.envvar
    }
    sources = "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))
    read |= set(re.findall(r"BATCHJOB_[A-Z]+\b(?!_)", sources))
    text = (DOCS / "reference/settings.md").read_text("utf-8")
    assert set(re.findall(r"BATCHJOB_[A-Z_]+", text)) == read


@pytest.mark.parametrize("name", list(program.commands))
def test_every_command_has_a_heading_and_its_options(name: str) -> None:
    """Each command is described under its name, and so is each of its options."""
    text = (DOCS / "reference/command-line.md").read_text("utf-8")
    assert name in headings("reference/command-line.md")
    assert {option for option in options(program.commands[name]) if option not in text} == set()


def test_no_command_is_described_that_is_not_there() -> None:
    """The page of commands promises nothing."""
    found = headings("reference/command-line.md") - {"Command line", "Exit status"}
    assert found == set(program.commands)


def test_every_exit_status_has_a_row() -> None:
    """Each status that a command ends with is in the table, and no other."""
    statuses = {value for name, value in vars(exits).items() if name.isupper() and name[0] != "_"}
    text = (DOCS / "reference/command-line.md").read_text("utf-8").partition("## Exit status")[2]
    assert set(map(int, re.findall(r"^\| (\d+) \|", text, re.MULTILINE))) == statuses


@pytest.mark.parametrize(("batch_type", "key"), list(context_keys()))
def test_every_key_of_a_context_has_a_heading(batch_type: str, key: str) -> None:
    """Each key that a built-in batch type may be asked for is described with an example."""
    pages = {
        "product-export": "howto/export-products.md",
        "product-import": "howto/import-products.md",
        "price-list-import": "howto/import-prices.md",
    }
    page = pages[batch_type]
    assert key in headings(page)


def test_the_tutorial_writes_the_example_package() -> None:
    """The files of the tutorial are those of examples/first_strategy."""
    tutorial = (DOCS / "tutorial/first-strategy.md").read_text("utf-8")
    package = ROOT / "examples" / "first_strategy"
    for name in ("pyproject.toml", "src/payment_reminders/__init__.py"):
        assert (package / name).read_text("utf-8") in tutorial


def test_the_states_are_drawn_from_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Diagram and table show every status and every verb of the state machine."""
    monkeypatch.syspath_prepend(DOCS)
    state_machine = import_module("state_machine")
    drawn, table = state_machine.svg(), state_machine.table()
    for verb, moves in MOVES.items():
        assert f">{verb}</text>" in drawn
        assert f"`{verb}`" in table
        for status in [*moves, *moves.values()]:
            assert f">{status}</text>" in drawn
            assert f"| `{status}` |" in table


@pytest.mark.parametrize("word", [str(ROOT), "/home/", "/ro" + "ot/", "TODO"])
def test_the_pages_speak_of_the_project_alone(word: str) -> None:
    """No page holds a path of one machine, or what somebody meant to do later."""
    names = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
    texts = [*pages(), *((ROOT / name).read_text("utf-8") for name in names)]
    assert not [text[:40] for text in texts if word in text]
