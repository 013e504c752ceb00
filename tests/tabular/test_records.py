"""Header, delimiter and records of a file: where things stand, whatever they mean."""

import csv
import io
from collections.abc import Iterator

import pytest

from batchjob.errors import FileFault
from batchjob.tabular import FileLimits, Records
from tabular.tables import HEADER, read

NAMES = ("handle", "title", "price")


def name_of(header: str) -> str | None:
    """Know three names."""
    return header if header in NAMES else None


def records(text: str, limits: FileLimits = FileLimits()) -> Records:  # noqa: B008 - it is frozen
    """Open *text*."""
    return Records(io.BytesIO(text.encode()), name_of, limits)


def rows(text: str) -> list[tuple[int, list[str]]]:
    """Return number and cells of each record of *text* behind a header."""
    return [(each.number, each.cells) for each in records(f"handle,title\n{text}")]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("handle;title", ";"),
        ("handle,title", ","),
        ("handle\ttitle", "\t"),
        ("handle|title", "|"),
        ("handle", ";"),
        ("a,b|c|d", "|"),
        ("x;handle,y", ";"),
        ("x;y;z,handle,title", ","),
        ('"handle;title",price', ","),
        ('"handle",title;price', ","),
        ("sep=|\nhandle", "|"),
        ("sep=|\nhandle,title", ","),
        ("SEP=,\r\nhandle", ","),
        ('"sep=\t"\nhandle', "\t"),
        ("sep=\nhandle,title", ","),
        ("sep=:\nhandle,title", ","),
    ],
)
def test_the_delimiter_is_the_one_under_which_most_names_are_known(
    text: str, delimiter: str
) -> None:
    """Then the one that a ``sep=`` line names, then that with most cells, then ``; , tab |``."""
    assert records(f"{text}\n").header.delimiter == delimiter


@pytest.mark.parametrize("text", ["handle;title\na;b\n", "sep=;\nhandle;title\na;b\n"])
def test_a_sep_line_is_no_row(text: str) -> None:
    """The row behind the header is row 2, with and without a ``sep=`` line."""
    assert [each.number for each in records(text)] == [2]


def test_a_sep_line_is_the_first_one_only() -> None:
    """Anywhere else it is a row."""
    assert rows("sep=;,x\n") == [(2, ["sep=;", "x"])]


@pytest.mark.parametrize("body", ["", "\n", "\r\n \r\n"])
def test_nothing_behind_a_sep_line_is_an_empty_file(body: str) -> None:
    """A file of a ``sep=`` line alone is empty_file."""
    assert read(f"sep=;\n{body}").places == [(None, None, "empty_file")]
    assert read("sep=;").places == [(None, None, "empty_file")]


def test_the_header_is_the_first_row_that_is_not_blank() -> None:
    """Blank rows before the header count, and so do lines of delimiters."""
    found = records('\n  \n;;;\n""," "\n\nhandle,title\n\na,b\n')
    assert (found.header.number, found.header.cells) == (6, ("handle", "title"))
    assert [each.number for each in found] == [8]


def test_a_header_may_have_many_lines() -> None:
    """Quoted names may hold newlines, also more of them than a single cell may hold."""
    limits = FileLimits(cell=20)
    found = records('handle,title,"' + '","'.join(["a\nb\nc"] * 20) + '"\n', limits)
    assert found.header.labels == ("handle", "title", *["a\nb\nc"] * 20)


def test_faults_of_names_stand_where_the_header_does() -> None:
    """Behind blank lines the header's faults have the header's row."""
    assert read("\n\nhandle,title,price,colour\n").places == [(3, "colour", "unknown_column")]


def test_the_header_is_kept_as_given_and_labelled_by_our_names() -> None:
    """Cells of the header keep their spaces; labels are trimmed, and cut where they are long."""
    header = records(f'handle,  Odd one ,"{"x" * 200}","two\nlines"\n').header
    assert header.cells == ("handle", "  Odd one ", "x" * 200, "two\nlines")
    assert header.labels == ("handle", "Odd one", "x" * 100 + "...", "two\nlines")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\r\nc,\n,e\rf,", [(2, ["a", "b"]), (3, ["c", ""]), (4, ["", "e"]), (5, ["f", ""])]),
        ("a,b\r\r\nc,d", [(2, ["a", "b"]), (4, ["c", "d"])]),
        ('"a\r\n\r\n\rb\n",x\nc,d\n', [(2, ["a\r\n\r\n\rb\n", "x"]), (3, ["c", "d"])]),
        ("a\u2028b,c\x0bd\x0ce\x85f\n", [(2, ["a\u2028b", "c\x0bd\x0ce\x85f"])]),
        ('\n,\n \t, \n\u3000,\n"","\n"\na,b\n', [(7, ["a", "b"])]),
        ('a,"b"\n', [(2, ["a", "b"])]),
        ('a,"b""c"\n', [(2, ["a", 'b"c'])]),
        ('a,""""\n', [(2, ["a", '"'])]),
        ('a,5" x\n', [(2, ["a", '5" x'])]),
        ('a, "b"\n', [(2, ["a", ' "b"'])]),
        ("'a','b'\n", [(2, ["'a'", "'b'"])]),
        ('a,b\\"\n', [(2, ["a", 'b\\"'])]),
        ('a,"b,\nc"', [(2, ["a", "b,\nc"])]),
        (" a , b \n", [(2, [" a ", " b "])]),
        ("a,\n", [(2, ["a", ""])]),
        ("a,", [(2, ["a", ""])]),
        ('a,""', [(2, ["a", ""])]),
    ],
)  # fmt: skip
def test_records_and_cells_are_those_of_rfc_4180(
    text: str, expected: list[tuple[int, list[str]]]
) -> None:
    """Lines end at CR, LF or both, and nowhere else; a record is a row; outer spaces are text."""
    assert rows(text) == expected


@pytest.mark.parametrize(
    ("text", "count"), [("a\n", 1), ("a,b,c\n", 3), ("a,b,\n", 3), ("a;b\n", 1), ('"a,b"\n', 1)]
)
def test_a_row_has_as_many_cells_as_the_header(text: str, count: int) -> None:
    """Any other number is row_length, for that row alone and for no column."""
    first, second = records(f"handle,title\n{text}x,y\n")
    [error] = first.errors
    assert (error.code, error.row, error.column) == ("row_length", 2, None)
    assert error.params == {"found": count, "expected": 2}
    assert (second.number, second.errors) == (3, ())


def test_blank_rows_may_have_any_length() -> None:
    """Rows with nothing but spaces in their cells are skipped before their cells are counted."""
    assert rows(f",,,,\n{',' * 1500}\n \na,b\n") == [(5, ["a", "b"])]
    [record] = records(f"handle,title\n{',' * 1500}x\n")
    assert record.errors[0].params["found"] == 1501


@pytest.mark.parametrize(
    ("text", "columns", "cells"),
    [
        ('"a"b,c', ["handle"], ['"a"b', "c"]),
        ('"a" ,"c"', ["handle"], ['"a" ', "c"]),
        ('a,"b"c"', ["title"], ["a", '"b"c"']),
        ('"a"b,"c""d"e', ["handle", "title"], ['"a"b', '"c""d"e']),
        ('"a\nb"c,d', ["handle"], ['"a\nb"c', "d"]),
        ('"a"b,"c\nd"', ["handle"], ['"a"b', "c\nd"]),
        ('a,b,"c"d', [None], ["a", "b", '"c"d']),
    ],
)
def test_text_behind_a_closing_quote_is_a_fault_of_its_row_alone(
    text: str, columns: list[str | None], cells: list[str]
) -> None:
    """It is syntax for each such cell; the rest of the record is read, and so are the next ones."""
    first, second = records(f"handle,title\n{text}\nx,y\n")
    assert [(e.code, e.row, e.column) for e in first.errors] == [("syntax", 2, c) for c in columns]
    assert first.cells == cells
    assert (second.number, second.cells, second.errors) == (3, ["x", "y"], ())


@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        ('a,b\nc,"d\n', 3, "title"),
        ('"a,b\nc,d\n', 2, "handle"),
        ('a,b\n\n\n"', 5, "handle"),
        ('a,"b""', 2, "title"),
        ('a,b,"c', 2, None),
        ('"a"x,"b\n', 2, "title"),
        ('a,"' + "b,c\n" * 100_000, 2, "title"),
    ],
)
def test_a_quote_that_is_never_closed_is_named_where_it_opens(
    text: str, row: int, column: str | None
) -> None:
    """It is syntax, and a fault of the file, however much of the file it takes in."""
    with pytest.raises(FileFault) as caught:
        list(records(f"handle,title\n{text}"))
    [error] = caught.value.errors
    assert (error.code, error.row, error.column) == ("syntax", row, column)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "column"), [('"handle,title\na,b\n', "handle"), ('handle,"title\na,b\n', "title")]
)
def test_a_header_whose_quote_is_never_closed_is_named(text: str, column: str) -> None:
    """What stands behind the quote is the column's name, as far as the line goes."""
    [place] = read(text).places
    assert place[::2] == (1, "syntax")
    assert str(place[1]).startswith(column)


def test_a_header_with_text_behind_a_closing_quote_is_a_fault_of_the_file() -> None:
    """Without its header a file cannot be read."""
    outcome = read('handle,"title"x,price\na,b,1\n')
    assert (outcome.refused, outcome.places) == (True, [(1, '"title"x', "syntax")])


def test_limits_are_settings() -> None:
    """A cell, a row and a header may be as large as the limits, and no larger."""
    limits = FileLimits(cell=9, columns=3, row=30)
    assert len(list(records("handle,title,price\n123456789,1,\n", limits))) == 1
    for text, place in {
        "handle,title,price\n1,1234567890,\n": (2, "title", "cell_too_large"),
        'handle,title,price\n1,"123456789""",\n': (2, "title", "cell_too_large"),
        'handle,title,price\n1,2,3\n"123456789",123456789,12345678\n': (3, None, "cell_too_large"),
        "handle,title,price,\n": (1, None, "too_many_columns"),
        f"handle,title\n{',' * 40}\n": (2, None, "too_many_columns"),
    }.items():
        assert read_places(text, limits) == [place]


def read_places(text: str, limits: FileLimits) -> list[tuple[object, ...]]:
    """Return the faults that end the reading of *text*."""
    with pytest.raises(FileFault) as caught:
        list(records(text, limits))
    return [(e.row, e.column, e.code) for e in caught.value.errors]  # type: ignore[attr-defined]


def test_a_cell_that_is_too_large_is_told_from_a_quote_that_stays_open() -> None:
    """A large cell in quotes is cell_too_large if they are closed, and else syntax."""
    large = "x\n" * 200_000
    assert read(f'{HEADER}a,"{large}",1,,,\n').places == [(2, "title", "cell_too_large")]
    assert read(f'{HEADER}a,"{large},1,,,\n').places == [(2, "title", "syntax")]


@pytest.fixture
def field_limit() -> Iterator[None]:
    """Have another user of the csv module set its limit, which all share."""
    before = csv.field_size_limit(4)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("field_limit")
def test_the_limit_of_the_csv_module_is_none_of_ours() -> None:
    """A host that sets the module's own limit does not change what is read."""
    assert rows('abcdefgh,"1""2,\n345678"\n\nx,y\n') == [
        (2, ["abcdefgh", '1"2,\n345678']),
        (4, ["x", "y"]),
    ]


def test_records_know_what_stands_in_the_file() -> None:
    """A record has its own text, and tells whether there are control characters in it."""
    first, second = records('handle,title\na,"b\nc"\nd,\x07\n')
    assert (first.text, first.odd) == ('a,"b\nc"\n', False)
    assert (second.text, second.odd) == ("d,\x07\n", True)
