"""Plain JSON: strict reading, and checking of values."""

import pytest

from batchjob.converters import parse_json, plain_json
from batchjob.errors import InvalidDocument


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        ("{", "it is not JSON", "json_syntax"),
        ('{"a": 1,}', "line 1, column", "json_syntax"),
        ("NaN", "NaN is no JSON number", "json_number"),
        ('{"a": -Infinity}', "-Infinity is no JSON number", "json_number"),
        ("1e400", "the number 1e400 is too large", "json_number"),
        ("1" * 5_000, "too many digits", "json_number"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice", "json_duplicate_key"),
        ("[" * 100_000, "nested deeper than 32 levels", "json_depth"),
        ("[" * 40 + "]" * 40, "nested deeper than 32 levels", "json_depth"),
        ('"\\ud800"', "half a surrogate pair", "json_text"),
        ('"\\u0000"', "the text holds NUL", "json_text"),
        ('{"\\u0000": 1}', "a key holds NUL", "json_text"),
        ('{"\\ud800": 1}', "half a surrogate pair", "json_text"),
        (b"\xff", "not UTF-8", "json_text"),
        ("{}".encode("utf-16"), "not UTF-8", "json_text"),
        (b"\xef\xbb\xbf{}", "BOM", "json_text"),
        ("", "it is not JSON", "json_syntax"),
    ],
)
def test_what_is_no_good_json_is_refused(text: str | bytes, words: str, code: str) -> None:
    """NaN, duplicate keys, numbers without end, deep nests and broken text are named as such."""
    with pytest.raises(InvalidDocument, match=words) as refused:
        parse_json(text)
    assert [fault.code for fault in refused.value.faults] == [code]


def test_good_json_is_read() -> None:
    """Numbers, text beyond ASCII and nests up to the limit are taken."""
    assert parse_json('{"a": [1, 2.5, "ü🛍", null, true]}') == {"a": [1, 2.5, "ü🛍", None, True]}
    assert parse_json("[" * 32 + "]" * 32)


def test_values_that_are_no_json_are_named_by_place() -> None:
    """Of a value from Python, each place that has no form in JSON is a fault."""
    with pytest.raises(InvalidDocument) as refused:
        plain_json({"a": {1}, "b": [float("nan"), b"x"], "c": {1: 2}, "d": "\ud800"})
    assert [str(fault) for fault in refused.value.faults] == [
        "/a: set has no form in JSON",
        "/b/0: nan is no JSON number",
        "/b/1: bytes has no form in JSON",
        "/c: the key 1 is no text",
        "/d: the text holds NUL or half a surrogate pair",
    ]


def test_tuples_become_lists() -> None:
    """A tuple is an array."""
    assert plain_json({"a": (1, (2,))}) == {"a": [1, [2]]}
