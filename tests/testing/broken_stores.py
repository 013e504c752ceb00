"""Stores in memory of which one method does not do what it promises."""

from collections.abc import Iterator
from typing import Any, Final

from batchjob.errors import BatchJobError
from batchjob.stores.memory import MemoryStore


def broken(method: str, manner: str, **options: Any) -> MemoryStore:
    """Return a store of which *method* is broken in a *manner*, a function of this module."""
    store = MemoryStore(**options)
    real = getattr(store, method)
    seen = list[Any]()
    vars(store)[method] = lambda *given, **named: MANNERS[manner](real, seen, given, named)
    return store


def ignored(real: Any, seen: list[Any], given: Any, named: Any) -> Any:
    """Do nothing."""


def stale(real: Any, seen: list[Any], given: Any, named: Any) -> Any:
    """Answer as the first time."""
    if not seen:
        seen.append(_kept(real(*given, **named)))
    return seen[0]


def empty(real: Any, seen: list[Any], given: Any, named: Any) -> Any:
    """Do it, and say that nothing was found."""
    found = _kept(real(*given, **named))
    return type(found)() if isinstance(found, list | tuple | int | str | dict) else None


def silent(real: Any, seen: list[Any], given: Any, named: Any) -> Any:
    """Say nothing of what is wrong."""
    try:
        return real(*given, **named)
    except BatchJobError:
        return None


def unmade(real: Any, seen: list[Any], given: Any, named: Any) -> Any:
    """Do it the second time that it is asked, and not before."""
    seen.append(given)
    return real(*given, **named) if len(seen) > 1 else None


def shortened(real: Any, seen: list[Any], given: Any, named: Any) -> Any:
    """Leave out the first of what was found."""
    found = _kept(real(*given, **named))
    return found[1:] if isinstance(found, list | tuple) else found


def once(real: Any, seen: list[Any], given: Any, named: Any) -> Any:
    """Do it the first time alone."""
    seen.append(given)
    return real(*given, **named) if len(seen) == 1 else None


def careless(real: Any, seen: list[Any], given: Any, named: Any) -> Any:
    """Forget all that is asked by name but for times and the worker's lease."""
    kept = {name: value for name, value in named.items() if name in ("at", "seconds", "limits")}
    try:
        return real(*given, **kept)
    except TypeError:
        return real(*given, **named)


def refusing(real: Any, seen: list[Any], given: Any, named: Any) -> Any:
    """Refuse it."""
    raise BatchJobError("not here")


MANNERS: Final[dict[str, Any]] = {
    each.__name__: each
    for each in (ignored, stale, empty, silent, unmade, shortened, once, careless, refusing)
}


def _kept(found: Any) -> Any:
    return list(found) if isinstance(found, Iterator) else found
