"""Plain JSON values: reading text strictly, and checking values that came from elsewhere.

Python's own parser takes NaN, the last of two equal keys, numbers without end and lone surrogates;
each of these would surface later, in a database or a client, so they are refused here.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

from batchjob._typing import Json
from batchjob.errors import Fault, InvalidDocument

MAX_DEPTH: Final = 32
"""How deep arrays and objects may be nested."""


def parse_json(text: str | bytes) -> Json:
    """Return the value of a JSON text (RFC 8259, UTF-8); `InvalidDocument` says what is wrong.

    The code of what is wrong is ``json_syntax``, ``json_text``, ``json_number``, ``json_depth`` or
    ``json_duplicate_key``.
    """
    try:
        given = text.decode() if isinstance(text, bytes) else text
        value = json.loads(
            given, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_no_duplicates
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        code = "json_text" if given.startswith("\ufeff") else "json_syntax"
        raise _not_json(f"it is not JSON: {error.msg} at {place}", code) from None
    except UnicodeDecodeError:
        raise _not_json("it is not JSON: the text is not UTF-8", "json_text") from None
    except RecursionError:
        raise _not_json(_TOO_DEEP, "json_depth") from None
    except InvalidDocument:
        raise
    except ValueError:  # CPython refuses to read integers of over 4,300 digits
        raise _not_json("a number has too many digits", "json_number") from None
    return plain_json(value)


def dump_json(value: Json, *, indent: int | None = None) -> str:
    """Return *value* as JSON text; characters beyond ASCII stay as they are."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)


def plain_json(value: object) -> Json:
    """Return *value* as plain JSON (tuples become lists); `InvalidDocument` names what is not.

    Not plain: NaN and infinities, text with NUL or lone surrogates, keys that are no text, more
    than `MAX_DEPTH` levels, and everything that JSON has no form for.
    """
    faults: list[Fault] = []
    plain = _plain(value, "", 0, lambda *fault: faults.append(Fault(*fault)))
    if faults:
        raise InvalidDocument(faults)
    return plain


def step(pointer: str, name: str | int) -> str:
    """Return the JSON pointer one step below *pointer* (RFC 6901)."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def say(value: object) -> str:
    """Return words for a JSON value that was found where another was wanted."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "an array"
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


_SHOWN: Final = 60
_HALVES: Final = re.compile("[\ud800-\udfff]")
_TOO_DEEP: Final = f"it is nested deeper than {MAX_DEPTH} levels"


def _not_json(message: str, code: str) -> InvalidDocument:
    return InvalidDocument([Fault("", message, code)])


def _is_text(text: str) -> bool:
    return "\0" not in text and not _HALVES.search(text)


def _plain(value: object, pointer: str, depth: int, fault: Callable[[str, str, str], None]) -> Json:
    match value:
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case str() if _is_text(value):
            return str(value)
        case Mapping() | list() | tuple() if depth < MAX_DEPTH:
            return _nested(value, pointer, depth + 1, fault)
    fault(pointer, *_misfit(value))
    return None


def _nested(
    value: Mapping[Any, object] | Sequence[object],
    pointer: str,
    depth: int,
    fault: Callable[[str, str, str], None],
) -> Json:
    if not isinstance(value, Mapping):
        return [_plain(item, step(pointer, n), depth, fault) for n, item in enumerate(value)]
    for key in value:
        if not isinstance(key, str):
            fault(pointer, f"the key {say(key)} is no text", "json_text")
        elif not _is_text(key):
            fault(pointer, "a key holds NUL or half a surrogate pair", "json_text")
    return {str(k): _plain(item, step(pointer, str(k)), depth, fault) for k, item in value.items()}


def _misfit(value: object) -> tuple[str, str]:
    """Return what is wrong with *value*, and the code of that."""
    match value:
        case str():
            return "the text holds NUL or half a surrogate pair", "json_text"
        case float():
            return f"{value} is no JSON number", "json_number"
        case Mapping() | list() | tuple():
            return _TOO_DEEP, "json_depth"
    return f"{type(value).__name__} has no form in JSON", "invalid_value"


def _refuse(constant: str) -> NoReturn:
    raise _not_json(f"{constant} is no JSON number", "json_number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _not_json(f"the number {text[:_SHOWN]} is too large", "json_number")
    return number


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        message = f"the key {say(twice)} stands twice in one object"
        raise _not_json(message, "json_duplicate_key")
    return found
