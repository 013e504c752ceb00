"""Of what kind the arguments of the facade's verbs are, by their names."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from batchjob.core.status import Status
from batchjob.errors import InvalidArgument, UnknownName

Rule = tuple[Callable[[Any], bool], str]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_whole(value: object) -> bool:
    return type(value) is int and value >= 0


def _are_many(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)


def _or_none(is_right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or is_right(value)


_RULES: Final[Mapping[str, Rule]] = {
    "actor": (_or_none(_is_text), "the text that says who asks, or None for trusted code"),
    "batch_types": (_are_many, "a list of batch types"),
    "disable": (_are_many, "a list of names of plugins"),
    "dry_run": (lambda value: isinstance(value, bool), "True or False"),
    "file": (lambda value: hasattr(value, "read"), "a file open to read bytes: open(path, 'rb')"),
    "idempotency_key": (_or_none(_is_text), "a text, or None"),
    "ids": (_are_many, "a list of ids of jobs"),
    "job_id": (lambda value: isinstance(value, str), "the id of a job, such as job.id"),
    "limit": (_is_whole, "a whole number, 0 or more"),
    "name": (lambda value: isinstance(value, str), "what the file is called: 'orders.csv'"),
    "offset": (_is_whole, "a whole number, 0 or more"),
    "older_than": (lambda value: isinstance(value, timedelta), "a timedelta: timedelta(days=30)"),
    "plugins": (
        _or_none(lambda value: isinstance(value, Mapping)),
        "a dict of plugins by their names",
    ),
    "statuses": (_are_many, "a list of statuses"),
    "threads": (lambda value: type(value) is int and value > 0, "a whole number, 1 or more"),
    "timeout": (
        _or_none(lambda value: type(value) in (int, float)),
        "a number of seconds, or None to wait for as long as it takes",
    ),
}


def check(**given: object) -> None:
    """Raise `InvalidArgument` for the first of *given* that is not what its name asks for."""
    for name, value in given.items():
        is_right, right = _RULES[name]
        if not is_right(value):
            raise InvalidArgument(name, _found(value), right)


def statuses_of(names: Iterable[str]) -> tuple[Status, ...]:
    """Return the statuses of these names; `UnknownName` for one that there is not."""
    known, given = [status.value for status in Status], tuple(names)
    for name in given:
        if name not in known:
            raise UnknownName(name, known)
    return tuple(map(Status, given))


def _found(value: object) -> str:
    """Say what *value* is; not the value of a text, which may be a secret."""
    is_plain = value is None or value == "" or isinstance(value, int | float)
    return repr(value) if is_plain else type(value).__name__
