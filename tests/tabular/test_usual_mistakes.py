# ruff: noqa: ARG005 - the signatures of the bases are kept whole
"""What authors of imports and exports usually get wrong: told as early as it is seen, in words."""

from collections.abc import Callable, Iterable, Sequence
from types import new_class
from typing import Any

import attrs
import pytest

from batchjob import (
    BatchJob,
    Change,
    ExportStrategy,
    ImportContext,
    ImportStrategy,
    Row,
    Run,
    column,
)
from batchjob.errors import PluginProblem
from batchjob.testing import Harness, Upload

FILE = Upload("E-mail;Seats\na;1\nb;2\n")


@attrs.frozen(kw_only=True)
class Guest:
    """A row."""

    email: str = attrs.field(metadata=column("E-mail", key=True))
    seats: int = attrs.field(metadata=column("Seats"))


@attrs.frozen
class Strange:
    """Has a column that no cell is."""

    number: complex


@attrs.frozen
class Unknown:
    """Has a column of a class that there is not."""

    number: "Nowhere"  # type: ignore[name-defined]  # noqa: F821


@attrs.frozen
class Elsewhere:
    """A context that names its file otherwise."""

    file: str


NO_JSON: Any = {"x": {1}}


class Plain:
    """No attrs class."""


class Guests(ImportStrategy[ImportContext, Guest]):
    """Makes guests; each variant below is wrong."""

    batch_type = "guests"

    def plan_rows(self, run: Run[ImportContext], rows: Sequence[Row[Guest]]) -> Iterable[Change]:
        """Make each."""
        for row in rows:
            yield Change.between(row.number, row.value.email, None, {"seats": row.value.seats})

    def apply(self, run: Run[ImportContext], changes: Sequence[Change]) -> None:
        """Do nothing."""

    def uses_transaction(self, run: Run[ImportContext]) -> bool:
        """Use none."""
        return False


class Numbers(ExportStrategy[dict[str, Any]]):
    """Writes numbers; each variant below is wrong."""

    batch_type = "numbers"

    def columns(self, run: Run[Any]) -> Sequence[str]:
        """Return two."""
        return ["number", "double"]

    def keys(self, run: Run[Any]) -> Iterable[int]:
        """Return three."""
        return range(3)

    def rows(self, run: Run[Any], keys: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Return them."""
        return [(key, 2 * key) for key in keys]


def importing(*classes: Any) -> Any:
    """Return an import that names *classes*."""
    named: Any = ImportStrategy
    methods = {"plan_rows": Guests.plan_rows, "apply": Guests.apply, "batch_type": "mine"}
    base = named[classes] if classes else named
    return new_class("Mine", (base,), {}, lambda names: names.update(methods))()


def variant(base: type[Any], **changes: Any) -> Any:
    """Return a strategy that is as *base*, with these *changes*."""
    return type("Mine", (base,), changes)()


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (importing(), r"it names no context class; write class Mine\(ImportStrategy\["),
        (importing(Elsewhere, Guest), "Elsewhere has no field file_key; derive it from Import"),
        (importing(ImportContext, Any), "it names no row class; write class Mine"),
        (importing(ImportContext, Plain), "row class Plain: it is no attrs class"),
        (importing(ImportContext, Strange), "row class Strange: its column number is a complex"),
        (importing(ImportContext, Unknown), "cannot be checked: NameError: name 'Nowhere'"),
        (variant(Guests, page_size=0), "its page_size is 0; it must be 1 or more"),
        (variant(Guests, page_size=lambda self, context: 5), "its page_size is <bound method"),
        (
            variant(Guests, plan_rows=lambda self, rows: []),
            r"as plan_rows\(run, rows\), and cannot be; write def plan_rows\(self, run, rows\)",
        ),
        (variant(Guests, row_fault=lambda self: None), r"write def row_fault\(self, error\)"),
        (variant(Numbers, rows=lambda self, run: []), r"write def rows\(self, run, keys\)"),
        (variant(Numbers, file_name=""), "its file_name is ''; write one such as 'export.csv'"),
        (variant(Numbers, file_name=None), "its file_name is None; write one"),
        (variant(Numbers, file_name="../x.csv"), "its file_name is '../x.csv'; write one"),
    ],
)
def test_a_class_that_is_wrong_is_told_when_it_is_offered(strategy: Any, words: str) -> None:
    """No job is made of it: the plugin's problem says what would be right."""
    with pytest.raises(PluginProblem, match=words):
        Harness(strategy)


def ended(strategy: Any, context: Any) -> BatchJob:
    """Return a job of *strategy* that has ended, after each chunk was tried once."""
    with Harness(strategy) as here:
        job = here.run(context)
        assert all(step.attempt == 1 for step in here.steps)  # to try again would find the same
        return job


@pytest.mark.parametrize(
    ("method", "wrong", "words"),
    [
        ("plan_rows", lambda *_: None, "plan_rows returned NoneType; yield a Change or a JobError"),
        ("plan_rows", lambda self, run, rows: rows, "plan_rows gave a Row; yield a Change or a Jo"),
        ("plan_rows", lambda *_: (), "plan_rows gave neither change nor error of row 2; yield a"),
        (
            "plan_rows",
            lambda self, run, rows: [Change.between(r.number, "", None, NO_JSON) for r in rows],
            "a change of rows 2 to 3 that is no JSON: Object of type set",
        ),
        (
            "plan_rows",
            lambda self, run, rows: [
                Change.between(row.number, "", None, {"x": float("nan")}) for row in rows
            ],
            "a change of rows 2 to 3 that is no JSON: Out of range float",
        ),
        ("apply", lambda *_: 2, "apply returned int; return a JobError for each row that was not"),
        ("apply", lambda *_: "done", "apply returned str; return a JobError for each row that"),
        ("apply", lambda self, run, changes: changes, "apply returned Change; return a JobError"),
    ],
)
def test_what_an_import_returns_wrongly_is_told(
    method: str, wrong: Callable[..., Any], words: str
) -> None:
    """The job fails at once, and says which method it is."""
    job = ended(variant(Guests, **{method: wrong}), {"fileKey": FILE})
    assert job.result is not None
    (error,) = job.result.errors
    assert f"strategy Mine: {words}" in error.message.replace("plan_rows gave a change", "a change")


@pytest.mark.parametrize(
    ("method", "wrong", "words"),
    [
        ("keys", lambda *_: None, "keys returned NoneType; return a list, or yield each"),
        ("keys", lambda *_: "abc", "keys returned str; return a list, or yield each"),
        ("page_size", lambda *_: 0, "page_size returned 0; it must be 1 or more"),
        ("page_size", lambda *_: None, "page_size returned None; it must be 1 or more"),
        ("columns", lambda *_: None, "columns returned NoneType; return a list, or yield each"),
        ("columns", lambda *_: "number", "columns returned str; return a list, or yield each"),
        ("columns", lambda *_: [], "columns returned no column"),
        ("rows", lambda *_: None, "rows returned NoneType; return a list, or yield each"),
        ("rows", lambda *_: ["ab"], "a row of rows is a str; give a list of values"),
        ("rows", lambda *_: [{"number": 1}], "a row of rows is a dict; give a list of values"),
        ("rows", lambda *_: [1], "a row of rows is a int; give a list of values"),
        ("rows", lambda *_: [[1]], "a row of rows has 1 values, for 2 columns"),
    ],
)
def test_what_an_export_returns_wrongly_is_told(
    method: str, wrong: Callable[..., Any], words: str
) -> None:
    """The job fails at once, and leaves no file that is none."""
    job = ended(variant(Numbers, **{method: wrong}), {})
    assert job.result is not None
    (error,) = job.result.errors
    assert error.message.endswith(f"strategy Mine: {words}")
    assert job.result.file_key is None


def test_why_there_is_no_sql_in_memory_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever looks for why rows could not be done finds what to do."""
    job = ended(
        variant(Guests, apply=lambda self, run, changes: run.transaction.execute("SELECT 1")),
        {"fileKey": FILE},
    )
    assert job.result is not None
    assert {error.code for error in job.result.errors} == {"not_applied"}
    assert "the store memory: has no execute, for there is no SQL in memory; open" in caplog.text
