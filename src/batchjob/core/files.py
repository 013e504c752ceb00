"""What is known of a file that is whole in the file store; reading and writing belong elsewhere."""

from datetime import datetime
from typing import Final

import attrs

from batchjob.errors import InvalidKey

MAX_KEY: Final = 512
"""The longest key of a file, in characters."""

TEMPORARY: Final = ".tmp-"
"""How the names of half-written files begin; no key's name does."""

_MAX_NAME: Final = 255  # bytes that file systems take


@attrs.frozen(kw_only=True)
class StoredFile:
    """A file's key in the file store, its size in bytes and its SHA-256 in hex."""

    key: str
    size: int
    sha256: str


@attrs.frozen(kw_only=True)
class FileRecord:
    """A file that somebody gave or was given: the file, its name for people, and whose it is."""

    file: StoredFile
    name: str
    owner: str | None
    created_at: datetime


def check_key(key: str) -> None:
    r"""Raise `InvalidKey` unless *key* is relative, canonical, and made of plain names.

    Refused: ``/`` at the ends, ``//``, ``.`` and ``..``, ``\``, ``:``, ``%`` (escapes), control
    characters, names that begin as temporary files do, and over `MAX_KEY` characters.
    """
    parts = key.split("/")
    bad = next((char for char in key if char in "\\:%" or not char.isprintable()), None)
    if bad is not None:
        raise InvalidKey(f"the file key holds {bad!r}; write names joined by /")
    if len(key) > MAX_KEY or any(len(part.encode()) > _MAX_NAME for part in parts):
        raise InvalidKey(
            f"the file key is too long; {MAX_KEY} characters, {_MAX_NAME} bytes a name"
        )
    if any(part in ("", ".", "..") for part in parts):
        raise InvalidKey("the file key is not relative and plain; write names joined by /")
    if parts[-1].startswith(TEMPORARY):
        raise InvalidKey(f"the file key's name begins with {TEMPORARY}")
