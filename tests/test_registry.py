"""The registry: what a strategy must be to get in, and who owns a batch type."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import attrs
import pytest

from batchjob import Chunk, Outcomes, Run, Strategy
from batchjob.errors import AmbiguousBatchType, InvalidStrategy, UnknownBatchType
from batchjob.registry import Registry, check_strategy, context_class
from support import Lines, LinesContext

T = TypeVar("T")


class Base(Strategy[T], Generic[T]):
    """A base between `Strategy` and what is registered."""

    batch_type = "base"

    def plan(self, run: Run[T]) -> Iterable[Chunk]:
        """Plan nothing."""
        return ()

    def work(self, run: Run[T], chunk: Chunk) -> Outcomes | None:
        """Do nothing."""


class OfLines(Base[LinesContext]):
    """Says the context through a base."""


class Free(Base[dict[str, Any]]):
    """Takes any object."""


class Without(Base):  # type: ignore[type-arg]
    """Says no context."""


class Async(Base[LinesContext]):
    """Has a phase that no thread could run."""

    async def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:  # type: ignore[override]
        """Never runs."""


@attrs.frozen
class NoStrategy:
    """Looks like one."""

    batch_type: str = "looks-like"


def named(batch_type: Any) -> Strategy[Any]:
    """Return a strategy with this batch type."""
    strategy = OfLines()
    strategy.batch_type = batch_type  # type: ignore[misc]
    return strategy


def test_the_context_class_is_read_from_the_parameter() -> None:
    """Directly, through a generic base, and for dict."""
    assert context_class(Lines) is LinesContext
    assert context_class(OfLines) is LinesContext
    assert context_class(Free) is dict


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (Without(), r"names no context class; write class Without\(Strategy\[YourContext\]\)"),
        (Async(), "work is async; strategies run in threads, use def"),
        (NoStrategy(), "it is no instance of Strategy"),
        (Lines, "register an instance, not the class"),
        (named(None), "its batch_type is None; it must be lower case"),
        (named("Product Export"), "its batch_type is 'Product Export'"),
        (named("a--b"), "single hyphens"),
        (named("a" * 65), "at most 64"),
        (named("a\n"), "lower case"),
    ],
)
def test_a_class_that_breaks_a_rule_is_refused_when_registered(strategy: Any, words: str) -> None:
    """The error says which rule, and what would be right."""
    with pytest.raises(InvalidStrategy, match=words):
        check_strategy(strategy)


def test_an_unknown_type_lists_the_known_and_the_nearest() -> None:
    """Who misspells a batch type reads what there is."""
    registry = Registry()
    registry.add(named("product-export"), plugin="a")
    registry.add(named("order-export"), plugin="a")
    with pytest.raises(
        UnknownBatchType, match="known: order-export, product-export; did you mean product-export"
    ):
        registry.resolve("produkt-export")


def test_two_owners_of_a_batch_type_are_both_named() -> None:
    """The type is unusable and unlisted until one of them is disabled; others work."""
    registry = Registry()
    registry.add(named("shared"), plugin="one")
    registry.add(named("shared"), plugin="two")
    registry.add(named("other"), plugin="two")
    with pytest.raises(AmbiguousBatchType, match="'shared' is claimed by the plugins one and two"):
        registry.resolve("shared")
    assert registry.batch_types == ("other",)
    assert [clash.batch_type for clash in registry.clashes] == ["shared"]
