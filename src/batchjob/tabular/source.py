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
_CONTROL: Final = bytes([*range(9), *range(14, 32), 127])


class Source(io.RawIOBase):
    """The bytes of *file*, from where it stands; it is read once, and not closed.

    `FileFault` if it is no text, when this is made, or too large, when the limit is passed. A BOM
    is left out. ``clean`` is true as long as no control character of ASCII was read but those that
    part words, cells and lines (tab to CR).
    """

    def __init__(self, file: BinaryIO, limits: FileLimits) -> None:
        head = _read_head(file)
        if (fault := refusal(head)) is not None:
            raise fault
        self._file, self._limits, self._count = file, limits, len(head)
        self._head = head.removeprefix(_BOM)
        self.clean = True

    def lines(self) -> Iterator[str]:
        """Return the lines of the text with their newlines: CR, LF or both.

        A byte that is not UTF-8 comes as a lone surrogate (the error handler ``surrogateescape``).
        What is longer than ``limits.row`` comes in pieces of one character more.
        """
        buffer = io.BufferedReader(self, _BUFFER)
        text = io.TextIOWrapper(buffer, "utf-8", "surrogateescape", newline="")
        return iter(partial(text.readline, self._limits.row + 1), "")

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill *buffer*, or a part of it."""
        view = memoryview(buffer)
        block, self._head = self._head[: len(view)], self._head[len(view) :]
        if not block:
            block = self._file.read(len(view))
            self._count += len(block)
        if self._count > self._limits.file:
            message = f"expected a file of at most {self._limits.file} bytes, found more; split it"
            raise one_fault("file_too_large", message, limit=self._limits.file)
        self.clean = self.clean and len(block.translate(None, _CONTROL)) == len(block)
        view[: len(block)] = block
        return len(block)


def _read_head(file: BinaryIO) -> bytes:
    head = b""
    while len(head) < HEAD and (more := file.read(HEAD - len(head))):
        head += more
    return head
