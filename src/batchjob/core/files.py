"""What is known of a file that is whole in the file store; reading and writing belong elsewhere."""

from datetime import datetime

import attrs


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
