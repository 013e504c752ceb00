"""What a file is taken for by its bytes, and what ends the reading of it."""

import codecs
import gzip
import io
import re
import zipfile

import pytest

from batchjob.tabular import FileLimits
from tabular.tables import HEADER, read

ROW = "mug,Mug,12.50,M-1,3,img/mug.png\n"
GOOD = HEADER + ROW


def archive() -> bytes:
    """Return a zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a.csv", GOOD)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(archive(), id="zip"),
        pytest.param(gzip.compress(GOOD.encode()), id="gzip"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + GOOD.encode(), id="png"),
        pytest.param(b"%PDF-1.7\n" + GOOD.encode(), id="pdf"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), id="ole2"),
        pytest.param(b"\xff\xd8\xff\xe0" + GOOD.encode(), id="jpeg"),
        pytest.param(b"GIF89a" + GOOD.encode(), id="gif"),
        pytest.param(b"7z\xbc\xaf\x27\x1c" + GOOD.encode(), id="7z"),
        pytest.param(b"{\\rtf1 " + GOOD.encode(), id="rtf"),
        pytest.param(b"SQLite format 3\x00" + bytes(100), id="sqlite"),
        pytest.param(bytes(4096), id="only NUL"),
        pytest.param(bytes(1), id="one NUL"),
        pytest.param(bytes(range(256)) * 8, id="all bytes"),
        pytest.param(GOOD.encode() + b"\x07" * 20, id="a fifth of it control bytes"),
    ],
)
def test_what_is_no_text_is_refused_without_a_place(data: bytes) -> None:
    """A signature of another format, or over 5 % control bytes at the beginning: not_text."""
    assert read(data).places == [(None, None, "not_text")]


def test_five_in_a_hundred_control_bytes_are_text() -> None:
    """Up to 5 % control bytes in the first 4 KiB are faults of their cells only."""
    data = f"handle,title,price\na,{'x' * 76}\x07\x07\x07\x07\x07,1\n"
    assert len(data) == 105
    assert read(data).places == [(2, "title", "control_character")]


def test_control_bytes_behind_the_beginning_are_faults_of_cells() -> None:
    """What a file is taken for is decided by its first 4 KiB."""
    data = f"handle,title,price\na,{'x' * 4096},1\nb,{chr(7) * 4096},1\n"
    assert read(data).places == [(3, "title", "control_character")]


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("marked", [True, False])
def test_wide_encodings_are_refused_without_a_place(name: str, marked: bool) -> None:  # noqa: FBT001
    """UTF-16 and UTF-32, by a BOM or by every other byte being NUL, are encoding."""
    bom = {
        "utf-16-le": codecs.BOM_UTF16_LE,
        "utf-16-be": codecs.BOM_UTF16_BE,
        "utf-32-le": codecs.BOM_UTF32_LE,
        "utf-32-be": codecs.BOM_UTF32_BE,
    }[name]
    data = (bom if marked else b"") + (GOOD + "kružka,Кружка,1.00,,,\n").encode(name)
    assert read(data).places == [(None, None, "encoding")]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"handle,title,price\na,A,1\nb,Caf\xe9,1\n", (3, "title")),
        (b"handle,title,price\n\n\nb,B,1\xff\n", (4, "price")),
        (b'handle,title,price\n"a\na",A,1\nb,B\xc3\n', (3, "title")),
        (b"\xef\xbb\xbfhandle,title,price\n\xa0a,A,1\n", (2, "handle")),
        (b"handle,title,pr\xe9is\na,A,1\n", (1, "pr\ufffdis")),
        (b"\xef\xbb", (1, "\ufffd\ufffd")),
        (b"handle,title,price\na,A,1,\xff\n", (2, None)),
        (b"handle,title,price\na,\xed\xa0\x80,1\n", (2, "title")),
        (b"handle,title,price\na,\xc0\xaf,1\n", (2, "title")),
        (b"handle,title,price\na,\xf5\x80\x80\x80,1\n", (2, "title")),
        (b'handle,title,price\na,"b"\xff,1\n', (2, "title")),
        (b"handle,title,price\na,A,1\n" * 1 + b"x" * 9000 + b",\xff,1\n", (3, "title")),
    ],
)
def test_the_first_byte_that_is_not_utf_8_is_named_by_its_place(
    data: bytes, place: tuple[int, str | None]
) -> None:
    """A byte that is not UTF-8 ends the reading with its row and column: encoding."""
    outcome = read(data)
    assert outcome.refused
    assert (*place, "encoding") in outcome.places


def test_errors_can_be_shown_and_kept_anywhere() -> None:
    """No error holds half a surrogate pair or a control character, whatever stood in the file."""
    for data in (b"handle,title,pr\xe9is\x1b[31m\na,A,1\n", b"handle,title,price\na,\x00\x1b,1\n"):
        for error in read(data).errors:
            params = "".join(map(str, error.params.values()))
            text = f"{error.message}{error.column}{params}"
            assert not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", text)


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("text", ["", "\n", "\r\n\r\n", " \n\t\n", ";;;\n", ",,\n;;\n", '"";""\n'])
def test_a_file_of_blank_rows_is_empty(before: bytes, text: str) -> None:
    """A file without a row that is not blank is empty_file, without a place."""
    assert read(before + text.encode()).places == [(None, None, "empty_file")]


def test_a_bom_is_no_part_of_the_first_name() -> None:
    """One BOM is left out, also before quotes; another one is a character like any."""
    assert read("\ufeff" + GOOD).errors == []
    assert read('\ufeff"handle",title,price\na,A,1\n').errors == []
    assert (1, "\ufeffhandle", "unknown_column") in read("\ufeff\ufeff" + GOOD).places


def test_a_file_is_not_read_beyond_its_limit() -> None:
    """The limit of a file's size is a setting, in bytes; at the limit it is read."""
    assert read(GOOD, limits=FileLimits(file=len(GOOD))).errors == []
    [error] = read(GOOD, limits=FileLimits(file=len(GOOD) - 1)).errors
    assert (error.code, error.row, error.params["limit"]) == ("file_too_large", None, 73)


class Dripping(io.RawIOBase):
    """A file that cannot be sought, and gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = io.BytesIO(data), size

    def read(self, size: int = -1) -> bytes:
        """Return a few bytes."""
        return self._data.read(min(size, self._size))


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_file_need_not_be_sought_nor_give_what_is_asked_for(size: int) -> None:
    """Bytes may come in any pieces, in the middle of characters and newlines too."""
    from batchjob.tabular import Records

    text = "\ufeffhandle;title\r\né;漢字\r\n\r\nb;🛍\r\n"
    records = Records(Dripping(text.encode(), size), lambda name: name)  # type: ignore[arg-type]
    assert [(r.number, r.cells) for r in records] == [(2, ["é", "漢字"]), (4, ["b", "🛍"])]
