"""JSON Schema (2020-12) of a context class, for the API, the docs and `batchjob types`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from batchjob._typing import Json
from batchjob.converters.strict import json_name, options

_SCALARS: Final[Mapping[Any, dict[str, Json]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
}


def json_schema(cls: type[Any]) -> dict[str, Json]:
    """Return the JSON Schema of what `structure_context` takes for *cls*, an attrs class or dict.

    What a field's own check refuses beyond its type is in the schema only where its `json_key`
    says so.
    """
    if not attrs.has(cls):
        return {"type": "object"}
    hints = get_type_hints(cls)
    fields = attrs.fields(cls)
    properties = {json_name(field): _property(field, hints[field.name]) for field in fields}
    required: list[Json] = [json_name(f) for f in fields if f.default is attrs.NOTHING]
    schema: dict[str, Json] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return schema | ({"required": required} if required else {})


def misfits(cls: type[Any]) -> Iterator[str]:
    """Yield, in words, each field of a context class that no JSON can be made a value of."""
    try:
        yield from _misfits(cls, ())
    except Exception as error:  # noqa: BLE001 - annotations are expressions of strangers
        yield f"the types of {cls.__qualname__} cannot be read: {error}"


def _misfits(cls: type[Any], above: tuple[type[Any], ...]) -> Iterator[str]:
    if not attrs.has(cls):
        return
    hints = get_type_hints(cls)
    for field in attrs.fields(cls):
        place = f"{cls.__qualname__}.{field.name}"
        if options(field).get("structure") is not None:
            continue
        if field.name not in hints:
            yield f"{place} has no type; write one, such as {field.name}: str"
            continue
        for kind in _leaves(hints[field.name]):
            if kind in (cls, *above):
                yield f"{place} leads back to {kind.__qualname__}; a context ends somewhere"
            elif attrs.has(kind):
                yield from _misfits(kind, (*above, cls))
            else:
                name = getattr(kind, "__qualname__", kind)
                yield f"{place} is a {name}, which JSON has no form for; give json_key(structure=)"


def _leaves(kind: Any) -> Iterator[Any]:
    """Yield what *kind* is made of and no rule of `_of` is for."""
    origin, args = get_origin(kind), get_args(kind)
    if kind in _SCALARS or origin is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return
    if origin in (Union, UnionType, list, tuple, dict, Sequence, Mapping):
        for arm in args:
            if arm is not Ellipsis:
                yield from _leaves(arm)
    elif kind not in (list, tuple, dict):
        yield kind


def _property(field: "attrs.Attribute[Any]", kind: Any) -> dict[str, Json]:
    given = options(field).get("schema")
    schema = _of(kind) if given is None else dict(given)
    if doc := options(field).get("doc"):
        schema["description"] = doc
    default = field.default.value if isinstance(field.default, Enum) else field.default
    if field.default is not attrs.NOTHING and isinstance(default, str | int | float):
        schema["default"] = default
    return schema


def _of(kind: Any) -> dict[str, Json]:
    origin, args = get_origin(kind), get_args(kind)
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    if origin in (Union, UnionType):
        return {"anyOf": [_of(arm) for arm in args]}
    if origin is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return {"enum": list(args) or [member.value for member in kind]}
    if origin in (list, tuple, Sequence) or kind in (list, tuple):
        return {"type": "array", "items": _of(args[0]) if args else {}}
    if origin in (dict, Mapping) or kind is dict:
        return {"type": "object", "additionalProperties": _of(args[1]) if args else True}
    return json_schema(kind)
