"""The text of a file, line by line: bytes are judged, counted and decoded here, and no more."""

import io
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

from typing_extensions import Buffer

from batchjob.tabular.faults import one_fault
from batchjob.tabular.limits import FileLimits
from batchjob.tabular.sniffing import HEAD, refusal

_BOM: Final = b"\xef\xbb\xbf"
_BUFFER: Final = 64 * 1024


def read_lines(file: BinaryIO, limits: FileLimits) -> Iterator[str]:
    """Return the lines of *file* with their newlines; `FileFault` if it is no text, or too large.

    A line ends at CR, LF or both. A byte that is not UTF-8 comes as a lone surrogate (the error
    handler ``surrogateescape``). What is longer than ``limits.row`` comes in pieces of one
    character more. *file* is read once, from where it stands, and not closed.
    """
    head = _read_head(file)
    if (fault := refusal(head)) is not None:
        raise fault
    source = io.BufferedReader(_Source(file, head, limits.file), _BUFFER)
    text = io.TextIOWrapper(source, "utf-8", "surrogateescape", newline="")
    return iter(partial(text.readline, limits.row + 1), "")


def _read_head(file: BinaryIO) -> bytes:
    head = b""
    while len(head) < HEAD and (more := file.read(HEAD - len(head))):
        head += more
    return head


class _Source(io.RawIOBase):
    """The file from its *head* on, which was read already; a BOM is left out."""

    def __init__(self, file: BinaryIO, head: bytes, most: int) -> None:
        self._file, self._head, self._most = file, head.removeprefix(_BOM), most
        self._count = len(head)

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill *buffer*, or a part of it; `FileFault` beyond the limit."""
        view = memoryview(buffer)
        block, self._head = self._head[: len(view)], self._head[len(view) :]
        if not block:
            block = self._file.read(len(view))
            self._count += len(block)
        if self._count > self._most:
            message = f"expected a file of at most {self._most} bytes, found more; split it"
            raise one_fault("file_too_large", message, limit=self._most)
        view[: len(block)] = block
        return len(block)
