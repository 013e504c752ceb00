"""A strategy, as a plugin's author writes it: its context's type is known in each method."""

# ruff: noqa: B018, D102 - the base has the docstrings, and nothing here is run

from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, TextIO, assert_type

import attrs

from batchjob import Chunk, ExportStrategy, Outcomes, Part, Run, Settings, Strategy, hookimpl
from batchjob.tabular import Cell


@attrs.frozen(kw_only=True)
class Mailing:
    """A context."""

    subject: str
    letters: int = 1


class Mail(Strategy[Mailing]):
    """Uses all that a run has."""

    batch_type = "mail"

    def check(self, context: Mailing, run: Run[Mailing]) -> None:
        assert_type(run.context, Mailing)
        assert_type(context.subject, str)

    def plan(self, run: Run[Mailing]) -> Iterable[Chunk]:
        assert_type(run.context.letters, int)
        assert_type(run.actor, str | None)
        yield Chunk({"to": ["a", 1, None, {"b": 2.5}]}, weight=2)
        yield Chunk("text")
        run.describe("mail-count", "Letters", "There will be 2 letters")
        run.amend(found=["a", 1], nested={"b": None})

    def work(self, run: Run[Mailing], chunk: Chunk) -> Outcomes:
        assert_type(run.key, str)
        assert_type(run.fence, int)
        run.checkpoint()
        with run.part() as file:
            assert_type(file, TextIO)
        with run.open("uploads/1/a.csv") as source:
            assert_type(source, BinaryIO)
        return Outcomes(created=chunk.weight) + Outcomes(failed=1)

    def finish(self, run: Run[Mailing], parts: Iterable[Part]) -> None:
        with run.output("mail.txt") as file:
            run.join((part for part in parts if part.file), file)


class Anything(Strategy[dict[str, Any]]):
    """Takes any object, and returns no outcomes."""

    batch_type = "anything"

    def plan(self, run: Run[dict[str, Any]]) -> list[Chunk]:
        assert_type(run.context, dict[str, Any])
        return [Chunk(None)]

    def work(self, run: Run[dict[str, Any]], chunk: Chunk) -> None:
        run.transaction.execute("whatever the store knows")


class Table(ExportStrategy[Mailing]):
    """An export says columns, keys and rows."""

    batch_type = "table"

    def columns(self, run: Run[Mailing]) -> Sequence[str]:
        assert_type(run.context, Mailing)
        return ("Subject",)

    def keys(self, run: Run[Mailing]) -> Iterable[int]:
        return range(run.context.letters)

    def rows(self, run: Run[Mailing], keys: Sequence[Any]) -> Iterable[Sequence[Cell]]:
        return [(run.context.subject, key, 1.5, None, True) for key in keys]


@hookimpl
def batchjob_strategies(settings: Settings) -> list[Strategy[Any]]:
    """Strategies of several contexts go into one list."""
    assert_type(settings.catalog_url, str)
    assert_type(settings.options.get("mine"), str | None)
    return [Mail(), Anything(), Table()]


class Wrong(Strategy[Mailing]):
    """What the types refuse."""

    batch_type = "wrong"

    def plan(self, run: Run[Mailing]) -> Iterable[Chunk]:
        run.context.subjects  # type: ignore[attr-defined]
        run.context.subject = "other"  # type: ignore[misc]
        yield Chunk(object())  # type: ignore[arg-type]

    def work(self, run: Run[Mailing], chunk: Chunk) -> int:  # type: ignore[override]
        return 1
