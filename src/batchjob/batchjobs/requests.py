"""What is made of a request before there is a job: plain contexts, keys and names."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from batchjob._typing import Json
from batchjob.abc import Strategy
from batchjob.converters import context_to_json, plain_json
from batchjob.errors import InvalidContext, InvalidDocument, InvalidStrategy


def plain_context(context: object) -> dict[str, Json]:
    """Return *context* as a plain JSON object; `InvalidContext` if it is none."""
    try:
        plain = plain_json(context_to_json(context))
    except InvalidDocument as error:
        raise InvalidContext(error.faults) from None
    return dict(plain) if isinstance(plain, Mapping) else {}


def digest(value: Json) -> str:
    """Return the SHA-256 of *value*, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def exclusive_key(strategy: Strategy[Any], context: Any) -> str | None:
    """Return the key of the strategy, apart from those of other batch types."""
    key = _text_of(strategy, "exclusive_key", strategy.exclusive_key(context))
    return None if key is None else f"{strategy.batch_type}:{key}"


def check_input_key(strategy: Strategy[Any], context: Any) -> None:
    """Raise `InvalidStrategy` if what the strategy takes for the key of a file is no text."""
    _text_of(strategy, "input_key", strategy.input_key(context))


def _text_of(strategy: Strategy[Any], method: str, found: object) -> str | None:
    if not isinstance(found, str | None):
        fault = f"{method} returned {type(found).__name__}; it must be a text, or None"
        raise InvalidStrategy(type(strategy).__qualname__, fault)
    return found


def plain_name(name: str) -> str:
    """Return a name for people as the last name of a key: letters, digits and ``._-``."""
    path = PurePath(name)
    stem, suffix = (
        re.sub(r"[^\w.-]+", "-", each, flags=re.ASCII) for each in (path.stem, path.suffix)
    )
    return f"{stem.lstrip('.-') or 'file'}{suffix}".rstrip(".-")[-100:]
