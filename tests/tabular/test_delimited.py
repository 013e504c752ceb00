"""How delimited files are written."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchjob.tabular import csv_writer, escape_formula, to_cell, unescape_formula


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@cmd", "'@cmd"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("'=1", "''=1"),
        ("''@", "'''@"),
        ("'", "'"),
        ("''", "''"),
        ("'a", "'a"),
        ("a=1", "a=1"),
        (" =1", " =1"),
        ("", ""),
    ],
)
def test_formulas_are_made_harmless(text: str, cell: str) -> None:
    """A text that a spreadsheet would run, or that looks escaped, gets an apostrophe."""
    assert escape_formula(text) == cell


@given(st.text("'=+-@\t\ra", max_size=6))
def test_escaping_can_be_undone(text: str) -> None:
    """Taking one apostrophe off, where one of the characters follows the run, gives the text."""
    assert unescape_formula(escape_formula(text)) == text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-5, "-5"),
        (Decimal("10.50"), "10.50"),
        (Decimal("1E+3"), "1000"),
        (0.5, "0.5"),
        ("-5", "'-5"),
    ],
)
def test_values_become_cells(value: Any, cell: str) -> None:
    """Numbers are plain and never escaped; None is empty; booleans are words."""
    assert to_cell(value, escape=True) == cell


@given(st.lists(st.lists(st.text(), min_size=2, max_size=3), max_size=4))
def test_rows_come_back_from_the_file(rows: list[list[str]]) -> None:
    """Whatever is in the cells, a reader of RFC 4180 with semicolons reads it."""
    file = io.StringIO(newline="")
    csv_writer(file).writerows(rows)
    file.seek(0)
    assert list(csv.reader(file, delimiter=";", strict=True)) == rows


def test_the_form_of_the_file() -> None:
    """Semicolons, CRLF after each row, and quotes only where they are needed."""
    file = io.StringIO(newline="")
    csv_writer(file).writerows([["a", "b;c", 'd"'], ["\r", "", "x,y"]])
    assert file.getvalue() == 'a;"b;c";"d"""\r\n"\r";;x,y\r\n'
