"""A cattrs converter that converts nothing: a value has the type that is asked for, or is refused.

Faults come out as `Fault` values with JSON pointers, all of a document at once.
"""

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum, IntEnum, StrEnum
from functools import partial
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import attrs
import cattrs
from cattrs import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from batchjob.converters.plain import say, step
from batchjob.errors import Fault, InvalidDocument, nearest

KEY: Final = "batchjob"
"""The key of attrs metadata under which `batchjob.json_key` keeps its options."""

_NOTHING: Final[Mapping[str, str]] = {}
Hook = Callable[[Any, Any], Any]


class Wrong(ValueError):
    """A value is not what it should be; the text says what was found and what would be right."""


def options(attribute: "attrs.Attribute[Any]") -> Mapping[str, Any]:
    """Return what `json_key` was given for *attribute*."""
    found: Mapping[str, Any] = attribute.metadata.get(KEY, {})
    return found


def json_name(attribute: "attrs.Attribute[Any]") -> str:
    """Return the key of *attribute* in JSON."""
    return str(options(attribute).get("name") or attribute.name)


def make_converter() -> cattrs.Converter:
    """Return a converter with the strict hooks; callers may add their own."""
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind, words, fits in _SCALARS:
        converter.register_structure_hook(kind, _scalar(words, fits))
    converter.register_structure_hook_func(partial(operator.is_, Any), lambda value, _: value)
    converter.register_structure_hook_func(lambda t: t is datetime, _datetime)
    converter.register_structure_hook_func(_is_literal, _literal)
    for enum in (StrEnum, IntEnum, Enum):  # the first two are texts and numbers as well
        converter.register_structure_hook(enum, _enum)
    converter.register_structure_hook_factory(_is_sequence, _checked_sequence)
    converter.register_structure_hook_factory(_is_mapping, _checked_mapping)
    converter.register_structure_hook_factory(attrs.has, _checked_class)
    converter.register_structure_hook_factory(_is_union, _union)
    return converter


def faults_of(
    error: BaseException, pointer: str = "", *, renamed: Mapping[str, str] = _NOTHING
) -> Iterator[Fault]:
    """Yield what is wrong by *error*, raised by a converter of `make_converter`, with its place.

    *renamed* has JSON keys of fields whose classes do not know them.
    """
    match error:
        case ClassValidationError():
            names = {f.name: json_name(f) for f in attrs.fields(error.cl)} | dict(renamed)
            noted, bare = error.group_exceptions()
            for inner, note in noted:
                below = step(pointer, names.get(note.name, note.name))
                yield from faults_of(inner, below, renamed=renamed)
            for inner in bare:
                yield from faults_of(inner, pointer, renamed=renamed)
        case IterableValidationError():
            for inner, place in error.group_exceptions()[0]:
                yield from faults_of(inner, step(pointer, place.index), renamed=renamed)
        case ForbiddenExtraKeysError():
            fields = [f for f in attrs.fields(error.cl) if options(f).get("listed", True)]
            known = [renamed.get(field.name, json_name(field)) for field in fields]
            for name in sorted(error.extra_fields):
                yield Fault(step(pointer, name), _unknown_key(name, known), "field_unknown")
        case InvalidDocument():
            yield from (f._replace(pointer=pointer + f.pointer) for f in error.faults)
        case KeyError():
            yield Fault(pointer, "this key is required", "field_required")
        case _:
            yield Fault(pointer, str(error))


def _unknown_key(name: str, known: Sequence[str]) -> str:
    guess = nearest(name, known)
    hint = f"; did you mean {guess}?" if guess else ""
    return f"unknown key; allowed: {', '.join(known) or 'none'}{hint}"


def _is_whole(value: object) -> bool:
    return type(value) is int


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


_SCALARS: Final[tuple[tuple[type[Any], str, Callable[[object], bool]], ...]] = (
    (str, "a text", lambda value: isinstance(value, str)),
    (bool, "true or false", lambda value: isinstance(value, bool)),
    (int, "a whole number", _is_whole),
    (float, "a number", _is_number),
    (NoneType, "null", lambda value: value is None),
)


def _scalar(words: str, fits: Callable[[object], bool]) -> Hook:
    def structure(value: Any, _: Any) -> Any:
        if not fits(value):
            raise Wrong(f"expected {words}, found {say(value)}")
        return value

    return structure


def _datetime(value: Any, _: Any) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Wrong(f"expected an ISO 8601 time, found {say(value)}") from None
    if time.tzinfo is None:
        raise Wrong(f"the time {say(value)} has no zone; write e.g. 2024-05-01T12:00:00.000Z")
    return time


def _one_of(value: Any, allowed: Sequence[Any]) -> str:
    guess = nearest(value, list(map(str, allowed))) if isinstance(value, str) else None
    hint = f"; did you mean {guess}?" if guess else ""
    return f"expected one of {', '.join(map(str, allowed))}, found {say(value)}{hint}"


def _is_literal(kind: Any) -> bool:
    return bool(get_origin(kind) == Literal)


def _literal(value: Any, kind: Any) -> Any:
    for allowed in get_args(kind):
        if value == allowed and type(value) is type(allowed):
            return allowed
    raise Wrong(_one_of(value, get_args(kind)))


def _enum(value: Any, kind: Any) -> Any:
    for member in kind:
        if value == member.value and isinstance(value, str | int):
            return member
    raise Wrong(_one_of(value, [member.value for member in kind]))


def _is_sequence(kind: Any) -> bool:
    return get_origin(kind) in (list, tuple, Sequence) or kind in (list, tuple)


def _is_mapping(kind: Any) -> bool:
    return get_origin(kind) in (dict, Mapping) or kind is dict


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


def _checked_sequence(kind: Any, converter: cattrs.Converter) -> Hook:
    item = next(iter(get_args(kind)), Any)
    build = tuple if tuple in (kind, get_origin(kind)) else list

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise Wrong(f"expected an array, found {say(value)}")
        return build(_each(enumerate(value), item, converter).values())

    return structure


def _checked_mapping(kind: Any, converter: cattrs.Converter) -> Hook:
    _, item = get_args(kind) or (str, Any)

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Wrong(f"expected an object, found {say(value)}")
        return _each(value.items(), item, converter)

    return structure


def _each(
    items: Iterable[tuple[Any, Any]], kind: Any, converter: cattrs.Converter
) -> dict[Any, Any]:
    """Return each item structured as *kind*, or raise the faults of all of them."""
    done, faults = {}, list[Fault]()
    for name, value in items:
        try:
            done[name] = converter.structure(value, kind)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this item's fault
            faults += faults_of(error, step("", name))
    if faults:
        raise InvalidDocument(faults)
    return done


def _checked_class(kind: Any, converter: cattrs.Converter) -> Hook:
    overrides: dict[str, Any] = {
        field.name: override(rename=options(field).get("name"), struct_hook=_field_hook(field))
        for field in attrs.fields(kind)
    }
    inner = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True, **overrides)

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Wrong(f"expected an object, found {say(value)}")
        return inner(value, kind)

    return structure


def _field_hook(field: "attrs.Attribute[Any]") -> Hook | None:
    check: Callable[[Any], Any] | None = options(field).get("structure")
    return None if check is None else lambda value, _: check(value)


def _union(kind: Any, converter: cattrs.Converter) -> Hook:
    arms = get_args(kind)

    def structure(value: Any, _: Any) -> Any:
        if value is None and NoneType in arms:
            return None
        real = [arm for arm in arms if arm is not NoneType]
        if len(real) == 1:
            return converter.structure(value, real[0])
        said = []
        for arm in real:
            try:
                return converter.structure(value, arm)
            except Exception as error:  # noqa: BLE001 - the next arm may take it
                said += [fault.message for fault in faults_of(error)]
        raise Wrong("; or ".join(dict.fromkeys(said)))

    return structure
