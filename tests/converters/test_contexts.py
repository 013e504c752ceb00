"""Contexts: from what a user sent to a strategy's context class, and back."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Literal

import attrs
import pytest

from batchjob import InvalidContext, json_key
from batchjob.converters import context_to_json, json_schema, structure_context


class Size(Enum):
    """A choice."""

    SMALL = "small"
    LARGE = "large"


def even(value: Any) -> int:
    """Take an even number."""
    if not isinstance(value, int) or value % 2:
        raise ValueError(f"expected an even number, found {value}")
    return value


@attrs.frozen(kw_only=True)
class Inner:
    """A nested object."""

    names: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class Given:
    """One field of each kind."""

    file_key: str = attrs.field(metadata=json_key("fileKey", doc="The key of an upload."))
    number: int | None = None
    ratio: float = 0.5
    size: Size = Size.SMALL
    mode: Literal["fast", "safe"] = "safe"
    tags: list[str] | str | None = None
    inner: Inner | None = None
    free: dict[str, int] = attrs.field(factory=dict)
    pair: int = attrs.field(default=2, metadata=json_key(structure=even, schema={"multipleOf": 2}))
    anything: Any = None


def test_a_context_becomes_a_value_of_its_class() -> None:
    """Each kind of field takes the JSON it stands for; keys may be named apart."""
    value = structure_context(
        {
            "fileKey": "k",
            "number": 3,
            "ratio": 1,
            "size": "large",
            "mode": "fast",
            "tags": ["a"],
            "inner": {"names": ["x", "y"]},
            "free": {"a": 1},
            "pair": 4,
            "anything": [None],
        },
        Given,
    )
    assert value == Given(
        file_key="k",
        number=3,
        ratio=1,
        size=Size.LARGE,
        mode="fast",
        tags=["a"],
        inner=Inner(names=["x", "y"]),
        free={"a": 1},
        pair=4,
        anything=[None],
    )


@pytest.mark.parametrize(
    ("context", "pointer", "words"),
    [
        ({}, "/fileKey", "this key is required"),
        ({"fileKey": "k", "file_key": "k"}, "/file_key", "did you mean fileKey?"),
        ({"fileKey": 3}, "/fileKey", "expected a text, found 3"),
        ({"fileKey": "k", "number": "3"}, "/number", "expected a whole number, found '3'"),
        ({"fileKey": "k", "number": True}, "/number", "expected a whole number, found true"),
        ({"fileKey": "k", "ratio": "1"}, "/ratio", "expected a number"),
        ({"fileKey": "k", "size": "larg"}, "/size", "did you mean large?"),
        ({"fileKey": "k", "mode": "quick"}, "/mode", "expected one of fast, safe, found 'quick'"),
        ({"fileKey": "k", "tags": 3}, "/tags", "expected an array, found 3; or expected a text"),
        ({"fileKey": "k", "inner": {"names": "xy"}}, "/inner/names", "expected an array"),
        ({"fileKey": "k", "inner": {"names": ["x", 1]}}, "/inner/names/1", "expected a text"),
        ({"fileKey": "k", "inner": {"name~/": 1}}, "/inner/name~0~1", "unknown key"),
        ({"fileKey": "k", "free": {"a": None}}, "/free/a", "expected a whole number, found null"),
        ({"fileKey": "k", "pair": 3}, "/pair", "expected an even number, found 3"),
        ([], "", "expected an object, found an array"),
    ],
)
def test_a_context_that_does_not_fit_is_refused_with_its_place(
    context: Any, pointer: str, words: str
) -> None:
    """The fault has a JSON pointer, what was found and what would be right."""
    with pytest.raises(InvalidContext) as refused:
        structure_context(context, Given)
    (fault,) = refused.value.faults
    assert fault.pointer == pointer
    assert words in fault.message


def test_all_faults_of_a_context_are_said_at_once() -> None:
    """Faults at all depths come together, those of a field's own check too."""
    with pytest.raises(InvalidContext) as refused:
        structure_context({"pair": 1, "x": 1, "free": {"a": "b", "c": "d"}}, Given)
    pointers = {fault.pointer for fault in refused.value.faults}
    assert pointers == {"/fileKey", "/pair", "/x", "/free/a", "/free/c"}


def test_dict_takes_any_object() -> None:
    """A strategy of dict is given the object as it was sent."""
    assert structure_context({"a": [1]}, dict) == {"a": [1]}


def test_a_value_becomes_the_context_that_makes_it() -> None:
    """A value of the class goes to JSON under its JSON keys, what is None left out."""
    value = Given(file_key="k", inner=Inner(names=("x",)))
    context = context_to_json(value)
    assert context == {
        "fileKey": "k",
        "ratio": 0.5,
        "size": "small",
        "mode": "safe",
        "inner": {"names": ["x"]},
        "free": {},
        "pair": 2,
    }


def test_the_schema_says_what_is_taken() -> None:
    """The JSON Schema of a context class has its keys, types, choices, docs and defaults."""
    schema: Any = json_schema(Given)
    assert schema["required"] == ["fileKey"]
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    assert properties["fileKey"] == {"type": "string", "description": "The key of an upload."}
    assert properties["number"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert properties["ratio"] == {"type": "number", "default": 0.5}
    assert properties["size"] == {"enum": ["small", "large"], "default": "small"}
    assert properties["mode"] == {"enum": ["fast", "safe"], "default": "safe"}
    assert properties["pair"] == {"multipleOf": 2, "default": 2}
    assert properties["anything"] == {}
    inner = properties["inner"]["anyOf"][0]
    assert inner["properties"]["names"] == {"type": "array", "items": {"type": "string"}}
    assert json_schema(dict) == {"type": "object"}
