"""What a request may filter by: each key of ``filterable_fields`` checked, all faults at once.

Here belong the rules and their words; what a filter means in SQL is in
`batchjob.products.selection`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from batchjob.converters.plain import say, step
from batchjob.errors import Fault, InvalidDocument, nearest
from batchjob.products.columns import PRODUCT_COLUMNS, STATUSES, Kind

LINKED: Final = ("tags", "sales_channel_id", "price_list_id", "category_id")
"""Filters by what a product is linked to: arrays of ids."""

COMPARE: Final = ("lt", "lte", "gt", "gte")
MATCH: Final = ("contains", "starts_with", "ends_with")

_SEARCH: Final = "q"
_BRANCHES: Final = "include_category_children"
_KEYS: Final = (*PRODUCT_COLUMNS, _SEARCH, *LINKED, _BRANCHES)
_INSTEAD: Final = {
    "deleted_at": "deleted products are never exported; filter by status or updated_at instead",
    "discount_condition_id": "filter by id, tags, type_id or collection_id instead",
}
_WORDS: Final[Mapping[Kind, str]] = {
    "text": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
    "time": "an ISO 8601 time with its zone, such as 2024-05-01T12:00:00Z",
    "status": f"one of {', '.join(STATUSES)}",
}
_BIGGEST: Final = 2**63 - 1  # what both databases can compare with


def check_filters(value: Any) -> Any:
    """Return *value* as it is if all of it is allowed; `InvalidDocument` with every fault."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InvalidDocument([Fault("", f"expected an object, found {say(value)}")])
    faults = [fault for name, given in value.items() for fault in _filter(str(name), given)]
    if faults:
        raise InvalidDocument(faults)
    return value


def plain_filters(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked filters with their times as aware UTC datetimes."""
    return {
        name: _with_times(given) if PRODUCT_COLUMNS.get(name) == "time" else given
        for name, given in value.items()
    }


def _with_times(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {operator: _time(given) for operator, given in value.items()}
    if isinstance(value, list | tuple):
        return [_time(given) for given in value]
    return None if value is None else _time(value)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return time.astimezone(UTC)


def _filter(name: str, value: Any) -> Iterator[Fault]:
    place = step("", name)
    if name in PRODUCT_COLUMNS:
        yield from _column(place, PRODUCT_COLUMNS[name], value)
    elif name in LINKED:
        yield from _ids(place, value)
    elif name in {_SEARCH, _BRANCHES}:
        yield from _typed(place, "text" if name == _SEARCH else "boolean", value)
    elif name in _INSTEAD:
        yield Fault(place, f"it is not possible to filter by {name}: {_INSTEAD[name]}")
    else:
        guess = nearest(name, _KEYS)
        hint = f"; did you mean {guess}?" if guess else ""
        yield Fault(place, f"unknown filter; allowed: {', '.join(_KEYS)}{hint}")


def _ids(place: str, value: Any) -> Iterator[Fault]:
    if not isinstance(value, list | tuple):
        yield Fault(place, f"expected an array of ids, found {say(value)}")
        return
    for at, item in enumerate(value):
        yield from _typed(step(place, at), "text", item)


def _column(place: str, kind: Kind, value: Any) -> Iterator[Fault]:
    if isinstance(value, Mapping):
        yield from _operators(place, kind, value)
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from _typed(step(place, at), kind, item)
    elif value is not None:
        yield from _typed(place, kind, value)


def _operators(place: str, kind: Kind, value: Mapping[str, Any]) -> Iterator[Fault]:
    allowed = {"text": (*COMPARE, *MATCH), "boolean": ()}.get(kind, COMPARE)
    listed = ", ".join(allowed) or "none: give true, false or an array of them"
    if not value:
        yield Fault(place, f"expected at least one operator; allowed: {listed}")
    for operator, given in value.items():
        below = step(place, str(operator))
        if operator in allowed:
            yield from _typed(below, kind, given)
        else:
            yield Fault(below, f"unknown operator for this column; allowed: {listed}")


def _typed(place: str, kind: Kind, value: Any) -> Iterator[Fault]:
    if not _FITS[kind](value):
        yield Fault(place, f"expected {_WORDS[kind]}, found {say(value)}")


def _is_time(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        _time(value)
    except (ValueError, OverflowError):
        return False
    return True


_FITS: Final[Mapping[Kind, Callable[[Any], bool]]] = {
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int and abs(value) <= _BIGGEST,
    "boolean": lambda value: isinstance(value, bool),
    "time": _is_time,
    "status": lambda value: isinstance(value, str) and value in STATUSES,
}
