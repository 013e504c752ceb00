"""Files that are whole or not there: written with their size and digest, read against them."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, TextIO

from batchjob.abc import FileStore, JobStore
from batchjob.core.files import StoredFile
from batchjob.errors import InputChanged, PartCorrupt, UnknownFile

_BLOCK: Final = 1 << 20


@contextmanager
def writing(files: FileStore, key: str) -> Iterator["Sheet"]:
    """Open *key* to write text, newlines as they are; nothing is left if the block raises."""
    with files.write(key) as raw:
        digest = Digest(raw)
        text = io.TextIOWrapper(io.BufferedWriter(digest, _BLOCK), "utf-8", newline="")
        sheet = Sheet(text)
        try:
            yield sheet
            text.flush()
        except BaseException:
            digest.drop()
            raise
        finally:
            text.detach().detach()
    sheet.ended(StoredFile(key=key, size=digest.size, sha256=digest.hexdigest()))


class Sheet:
    """A file that is being written, and what it is when it is whole."""

    def __init__(self, text: TextIO) -> None:
        self.text = text
        self._stored: StoredFile | None = None

    @property
    def stored(self) -> StoredFile:
        """The file, once it is whole."""
        if self._stored is None:
            raise RuntimeError("a file is stored when its block has ended")
        return self._stored

    def ended(self, stored: StoredFile) -> None:
        """Remember what the file is."""
        self._stored = stored


def blocks(files: FileStore, stored: StoredFile, *, seq: int | None = None) -> Iterator[bytes]:
    """Yield what a file holds; `PartCorrupt`, after the last block, if it is not as written."""
    digest, size = hashlib.sha256(), 0
    try:
        with files.read(stored.key) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
                yield block
    except UnknownFile:
        raise PartCorrupt(seq, "is missing") from None
    if (size, digest.hexdigest()) != (stored.size, stored.sha256):
        raise PartCorrupt(seq, "is not as it was written")


def lines(files: FileStore, stored: StoredFile) -> Iterator[str]:
    """Yield the lines of a file with their newlines; raises as `blocks`."""
    rest = b""
    for block in blocks(files, stored):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line.decode() + "\n"
    if rest:
        yield rest.decode()


def check_input(store: JobStore, files: FileStore, key: str) -> None:
    """Raise `InputChanged` unless the upload *key* is there and as it was uploaded."""
    try:
        for _ in blocks(files, store.get_file(key).file):
            pass
    except UnknownFile:
        raise InputChanged("is not there any more") from None
    except PartCorrupt as error:
        raise InputChanged(error.fault) from None


class Digest(io.RawIOBase):
    """Passes bytes on to *target* and knows their number and SHA-256."""

    def __init__(self, target: BinaryIO) -> None:
        self._target, self._sha256, self.size = target, hashlib.sha256(), 0
        self._dropped = False

    def writable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def write(self, data: Any) -> int:
        """Write all of *data*."""
        if self._dropped:
            return len(data)
        self._sha256.update(data)
        self.size += len(data)
        self._target.write(data)
        return len(data)

    def drop(self) -> None:
        """Write nothing any more: what a buffer above still holds is of a file that failed."""
        self._dropped = True

    def hexdigest(self) -> str:
        """Return the SHA-256 of what was written, in hex."""
        return self._sha256.hexdigest()
