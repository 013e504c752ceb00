"""What is known of a file that is whole in the file store; reading and writing belong elsewhere."""

from datetime import datetime
from typing import Final

import attrs

from batchjob.errors import InvalidKey

MAX_KEY: Final = 512
"""The longest key of a file, in characters."""

JOBS: Final = "jobs"
"""The folder of the file store in which the files of jobs are, each job's in one of its id."""

REPORT: Final = "report"
"""The folder, in that of a job, in which its error report is."""

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


def job_of(key: str) -> str | None:
    """Return the id of the job that a file belongs to by its key, None if to none."""
    parts = key.split("/")
    return parts[1] if parts[0] == JOBS and len(parts) > 2 else None  # noqa: PLR2004


def folder_of(key: str) -> str | None:
    """Return the folder, in that of its job, in which a job's file is; None if it is no job's."""
    return None if job_of(key) is None else key.split("/")[2]


def check_key(key: str) -> None:
    r"""Raise `InvalidKey` unless *key* is relative, canonical, and made of plain names.

    Refused: ``/`` at the ends, ``//``, ``.`` and ``..``, ``\``, ``:``, ``%`` (escapes), control
    characters, names that begin as temporary files do (``.tmp-``), and over 512 characters.
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
