"""Strategies by batch type, and the rules that a strategy class must keep to get in.

Calling hooks does not belong here: `batchjob.plugins` does that and fills the registry.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final, TypeVar, get_args, get_origin

import attrs
from typing_extensions import get_original_bases

from batchjob.abc import Strategy
from batchjob.errors import AmbiguousBatchType, InvalidStrategy, UnknownBatchType

_BATCH_TYPE: Final = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(-[a-z0-9]+)*")
_METHODS: Final = (
    *("check", "plan", "work", "finish", "close", "upgrade"),
    *("input_key", "changes", "template", "exclusive_key"),
)


class Registry:
    """The strategies of one `BatchJobs`, keyed by batch type.

    A batch type that two plugins claim is unusable: `resolve` names both.
    """

    def __init__(self) -> None:
        self._owners: dict[str, list[tuple[str, Strategy[Any]]]] = {}

    def add(self, strategy: Strategy[Any], *, plugin: str) -> None:
        """Register *strategy* as *plugin*'s; `InvalidStrategy` if its class breaks a rule."""
        check_strategy(strategy)
        self._owners.setdefault(strategy.batch_type, []).append((plugin, strategy))

    def resolve(self, batch_type: str) -> Strategy[Any]:
        """Return the one strategy of *batch_type*; `UnknownBatchType`, `AmbiguousBatchType`."""
        owners = self._owners.get(batch_type)
        if not owners:
            raise UnknownBatchType(batch_type, self.batch_types)
        if len(owners) > 1:
            raise AmbiguousBatchType(batch_type, [plugin for plugin, _ in owners])
        return owners[0][1]

    @property
    def batch_types(self) -> tuple[str, ...]:
        """The batch types that `resolve` knows one strategy for, sorted."""
        return tuple(sorted(name for name, owners in self._owners.items() if len(owners) == 1))

    def close(self) -> None:
        """Close all strategies."""
        for owners in self._owners.values():
            for _, strategy in owners:
                strategy.close()

    @property
    def clashes(self) -> Iterator[AmbiguousBatchType]:
        """One error for each batch type with more than one owner."""
        for batch_type, owners in sorted(self._owners.items()):
            if len(owners) > 1:
                yield AmbiguousBatchType(batch_type, [plugin for plugin, _ in owners])


def check_strategy(strategy: object) -> None:
    """Raise `InvalidStrategy` if *strategy* breaks a rule that its class shows."""
    name = type(strategy).__qualname__
    if not isinstance(strategy, Strategy):
        hint = " (register an instance, not the class)" if inspect.isclass(strategy) else ""
        raise InvalidStrategy(repr(strategy), f"it is no instance of Strategy{hint}")
    batch_type = getattr(strategy, "batch_type", None)
    if not isinstance(batch_type, str) or not _BATCH_TYPE.fullmatch(batch_type):
        raise InvalidStrategy(
            name,
            f"its batch_type is {batch_type!r}; it must be lower case letters, digits and single "
            "hyphens between them, at most 64, such as 'product-export'",
        )
    for method in _METHODS:
        function = getattr(strategy, method)
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidStrategy(name, f"{method} is async; strategies run in threads, use def")
    context_class(type(strategy))


def context_class(strategy: type[Strategy[Any]]) -> type[Any]:
    """Return the class that *strategy* is parametrised with: an attrs class, or dict.

    `InvalidStrategy` if there is none: ``class Mine(Strategy[MyContext])`` names one.
    """
    found = parameter_of(strategy, Strategy, 0)
    if found is dict or get_origin(found) is dict:
        return dict
    if not (inspect.isclass(found) and attrs.has(found)):
        raise InvalidStrategy(
            strategy.__qualname__,
            "it names no context class; write class "
            f"{strategy.__name__}(Strategy[YourContext]) with an attrs class, or Strategy[dict]",
        )
    return found


def parameter_of(cls: type[Any], generic: type[Any], at: int) -> Any:
    """Return what *cls* gives for a parameter of *generic*, following the bases between them.

    None, or a type variable, if it gives nothing.
    """
    for base in get_original_bases(cls):
        origin = get_origin(base) or base
        if not (inspect.isclass(origin) and issubclass(origin, generic)):
            continue
        if origin is generic:
            return next(iter(get_args(base)[at:]), None)
        found = parameter_of(origin, generic, at)
        if isinstance(found, TypeVar):  # the base is generic: the subclass says what it is
            parameters: tuple[Any, ...] = getattr(origin, "__parameters__", ())
            found = dict(zip(parameters, get_args(base), strict=False)).get(found)
        return found
    return None
