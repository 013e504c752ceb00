"""Strategies by batch type, and the rules that a strategy class must keep to get in.

Calling hooks does not belong here: `batchjob.plugins` does that and fills the registry.
"""

import dataclasses
import inspect
import logging
import re
from collections.abc import Iterator
from typing import Any, Final, TypeVar, get_args, get_origin

import attrs
from typing_extensions import get_original_bases

from batchjob.abc import Strategy
from batchjob.errors import AmbiguousBatchType, InvalidStrategy, UnknownBatchType, nearest

_log = logging.getLogger(__name__)
_BATCH_TYPE: Final = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(-[a-z0-9]+)*")


class Registry:
    """The strategies of one `BatchJobs`, keyed by batch type.

    A batch type that two plugins claim is unusable: `resolve` names both.
    """

    def __init__(self) -> None:
        self._owners: dict[str, list[tuple[str, Strategy[Any]]]] = {}

    def add(self, strategy: Strategy[Any], *, plugin: str) -> None:
        """Register *strategy*, whose class keeps the rules of this module, as *plugin*'s."""
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
        """Close all strategies; what one of them raises is logged, and the others are closed."""
        for plugin, strategy in (each for owners in self._owners.values() for each in owners):
            try:
                strategy.close()
            except Exception:  # noqa: BLE001 - any fault of a plugin is its own
                _log.exception("plugin %s: %s could not be closed", plugin, strategy.batch_type)

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
    if type(strategy.version) is not int or strategy.version < 1:
        raise InvalidStrategy(name, f"its version is {strategy.version!r}; it must be 1 or more")
    if not _is_limit(strategy.time_limit):
        fault = f"its time_limit is {strategy.time_limit!r}; it must be seconds, more than 0, or"
        raise InvalidStrategy(name, f"{fault} None")
    for method, port in _asked_of(type(strategy)):
        if wrong := _fault_of(port, getattr(strategy, method)):
            raise InvalidStrategy(name, wrong)
    for given, meant in _misspelt(type(strategy)):
        raise InvalidStrategy(name, f"nothing calls its method {given}; did you mean {meant}?")
    context_class(type(strategy))
    strategy.check_class()


def _is_limit(limit: Any) -> bool:
    return limit is None or (type(limit) in (int, float) and limit > 0)


def _asked_of(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    """Return each method that *cls* has in the place of one of batchjob's, and that one."""
    known = dict[str, Any]()
    for base in filter(_is_ours, reversed(cls.__mro__)):
        known |= _methods(base)
    return ((name, port) for name, port in known.items() if getattr(cls, name) is not port)


def _methods(cls: type[Any]) -> dict[str, Any]:
    """Return the public methods that *cls* itself has, by name."""
    found = vars(cls).items()
    return {name: each for name, each in found if inspect.isfunction(each) and name[0] != "_"}


def _fault_of(port: Any, function: Any) -> str | None:
    """Return what is wrong with a method: it is called with the arguments of *port*, by place."""
    method = port.__name__
    if not callable(function):
        return f"its {method} is {function!r}; it must be a method"
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return f"{method} is async; strategies run in threads, use def"
    wanted = _arguments(port)
    if can_take(function, *wanted):
        return None
    called, right = ", ".join(wanted), ", ".join(["self", *wanted])
    return f"it is called as {method}({called}), and cannot be; write def {method}({right})"


def can_take(function: Any, *arguments: object) -> bool:
    """Tell whether *function* can be called with *arguments*; yes, where nothing is known of it."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _misspelt(cls: type[Any]) -> Iterator[tuple[str, str]]:
    """Yield each method that is called nearly as one that may be overridden, and takes the same."""
    port = _methods(Strategy)
    optional = [name for name, method in port.items() if getattr(cls, name) is method]
    for name, function in inspect.getmembers(cls, inspect.isfunction):
        meant = nearest(name, optional)
        if meant and name not in port:
            wanted = _arguments(port[meant])
            if wanted and _arguments(function) == wanted:
                yield name, meant


def _arguments(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def context_class(strategy: type[Strategy[Any]]) -> type[Any]:
    """Return the class that *strategy* is parametrised with: an attrs class, or dict.

    `InvalidStrategy` if there is none: ``class Mine(Strategy[MyContext])`` names one.
    """
    found = parameter_of(strategy, Strategy, 0)
    if found is dict or get_origin(found) is dict:
        return dict
    if not (inspect.isclass(found) and attrs.has(found)):
        base = next(each.__name__ for each in strategy.__mro__ if _is_ours(each))
        raise InvalidStrategy(
            strategy.__qualname__,
            f"{_what_for_a_class(found)}; write class "
            f"{strategy.__name__}({base}[YourContext]) with an attrs class, or {base}[dict]",
        )
    return found


def _is_ours(cls: type[Any]) -> bool:
    return cls.__module__.partition(".")[0] == "batchjob"


def _what_for_a_class(found: Any) -> str:
    if found is None or isinstance(found, TypeVar):
        return "it names no context class"
    name = getattr(found, "__qualname__", repr(found))
    kind = "a dataclass" if dataclasses.is_dataclass(found) else "no attrs class"
    return f"its context class {name} is {kind}"


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
