"""Contexts: from the JSON that a user sent to the context class of a strategy, and back."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar, cast

import attrs

from batchjob._typing import Json, JsonObject
from batchjob.converters.plain import say
from batchjob.converters.strict import KEY, faults_of, json_name, make_converter
from batchjob.errors import Fault, InvalidContext

T = TypeVar("T")
_converter = make_converter()


def json_key(
    name: str | None = None,
    *,
    doc: str | None = None,
    structure: Callable[[Any], Any] | None = None,
    schema: Mapping[str, Json] | None = None,
    listed: bool = True,
) -> dict[str, Any]:
    """Return attrs ``metadata`` for a field of a context class.

    *name* is its key in JSON where that is not the field's name; *doc* goes into the JSON Schema;
    *structure* takes the JSON value and returns the field's (it may raise ValueError with words,
    or `InvalidDocument` with places below the field); *schema* replaces the derived JSON Schema.
    A key that is not *listed* is not named among those that are allowed: it is there to be refused
    in better words.
    """
    given = {"name": name, "doc": doc, "structure": structure, "schema": schema, "listed": listed}
    return {KEY: given}


def structure_context(context: object, cls: type[T]) -> T:
    """Return *context* as a *cls* (an attrs class, or ``dict`` for any object).

    `InvalidContext` holds every fault: unknown keys with the nearest known one, missing keys,
    wrong types, and what the fields' own checks refuse.
    """
    if not isinstance(context, Mapping):
        raise InvalidContext([Fault("", f"expected an object, found {say(context)}")])
    if cls is dict:
        return cast("T", dict(context))
    try:
        return _converter.structure(context, cls)
    except Exception as error:
        raise InvalidContext(list(faults_of(error))) from error


def context_to_json(context: object) -> JsonObject:
    """Return *context* as the JSON object that `structure_context` takes; None stands for absent.

    A mapping is taken as it is; what is neither it nor an attrs value raises `InvalidContext`.
    """
    if isinstance(context, Mapping):
        return dict(context)
    if not attrs.has(type(context)):
        raise InvalidContext([Fault("", f"expected an object, found {say(context)}")])
    return {
        json_name(field): _jsonable(value)
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", type(context)))
        if (value := getattr(context, field.name)) is not None
    }


def _jsonable(value: Any) -> Json:
    if attrs.has(type(value)):
        return context_to_json(value)
    if isinstance(value, Mapping):
        return {str(name): _jsonable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, Enum):
        return _jsonable(value.value)
    plain: Json = value
    return plain
