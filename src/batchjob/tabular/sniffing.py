"""What a file is by its first bytes: text in UTF-8, or something that is refused at once."""

import re
from typing import Final

from batchjob.errors import FileFault
from batchjob.tabular.faults import one_fault

HEAD: Final = 4096
"""How many bytes are looked at."""

_OTHERS: Final = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"PK\x05\x06", "a zip archive"),
    (b"PK\x07\x08", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh91AY&SY", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook or another OLE2 file"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "an RTF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"SQLite format 3\x00", "a SQLite database"),
)
_WIDE: Final = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff", b"\xff\xfe", b"\xfe\xff")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_MOST_CONTROL: Final = 0.05
_WIDE_HEAD: Final = 64
_AGAIN: Final = "save it as CSV in UTF-8"


def refusal(head: bytes) -> FileFault | None:
    """Return why a file that begins with *head* (at most `HEAD` bytes) is not read, if so."""
    if not head:
        return one_fault("empty_file", "the file is empty")
    for signature, what in _OTHERS:
        if head.startswith(signature):
            return one_fault("not_text", f"the file is {what}; {_AGAIN}", found=what)
    if head.startswith(_WIDE) or _alternates(head[:_WIDE_HEAD]):
        return one_fault("encoding", f"the file is in UTF-16 or UTF-32; {_AGAIN}")
    if len(_CONTROL.findall(head)) > _MOST_CONTROL * len(head):
        return one_fault("not_text", f"the file is not text; {_AGAIN}")
    return None


def _alternates(start: bytes) -> bool:
    """Tell whether about every other byte is NUL, as in UTF-16 and UTF-32 of Latin letters."""
    halves = start[::2], start[1::2]
    few, many = sorted(half.count(0) / max(len(half), 1) for half in halves)
    return len(start) > 3 and many > 0.5 and few < 0.75  # noqa: PLR2004
