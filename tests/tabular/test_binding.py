"""Columns, how a header finds them, and what they make of rows."""

import re
from collections.abc import Sequence

import pytest

from batchjob.core.results import JobError
from batchjob.errors import FileFault
from batchjob.tabular import Boolean, Column, Columns, Integer, Key, Number, Special, Text
from batchjob.tabular.columns import Found
from tabular.cells import rows

FIXED = (
    Column(name="Product Handle", kind=Key(), aliases=("Handle",), required=True),
    Column(name="Straße"),
    Column(name="Weight", kind=Integer()),
)


def dynamic(header: str) -> Found:
    """Know prices of two currencies, images by number, and what is read over."""
    if (price := re.fullmatch(r"price (\w{3})", header, re.IGNORECASE)) is not None:
        code = price[1].upper()
        if code in ("EUR", "USD"):
            return Column(name=f"Price {code}", kind=Number(decimals=2, minimum=0))
        return JobError(code="unknown_currency", message=f"expected a currency, found {code}")
    if (image := re.fullmatch(r"image 0*(\d+) url", header, re.IGNORECASE)) is not None:
        return Column(name=f"Image {image[1]} Url")
    return Special.READ_OVER if header.startswith("Profile ") else None


COLUMNS = Columns(FIXED, dynamic)


def places(*header: str) -> Sequence[tuple[object, ...]]:
    """Return the faults of *header*."""
    with pytest.raises(FileFault) as caught:
        rows(COLUMNS, header)
    errors = [error for error in caught.value.errors if isinstance(error, JobError)]
    return [(error.row, error.column, error.code) for error in errors]


@pytest.mark.parametrize("name", ["Product Handle", "  product HANDLE\t", "handle", "HANDLE "])
def test_names_match_without_regard_to_case_and_outer_spaces(name: str) -> None:
    """So do aliases; what is found goes by our name."""
    [row] = rows(COLUMNS, [name], ["mug"])
    assert row.values == ["mug"]
    assert COLUMNS.name_of(name) == "Product Handle"


@pytest.mark.parametrize("name", ["STRASSE", "strasse", "STRAßE"])
def test_names_match_as_unicode_folds_case(name: str) -> None:
    """Case is folded as Unicode does, and composed characters are equal to their parts."""
    assert COLUMNS.name_of(name) == "Straße"
    assert Columns([Column(name="Größe")]).name_of("GRO\u0308SSE") == "Größe"


def test_columns_without_end_are_found_by_a_function() -> None:
    """It is asked for names that are not fixed, and may say column, fault, or read over."""
    [row] = rows(
        COLUMNS,
        ["Handle", "price eur", "Image 02 Url", "Profile Name"],
        ["mug", "9.50", "u", "x"],
    )
    assert [str(value) for value in row.values] == ["mug", "9.50", "u", "None"]
    assert places("Handle", "Price GBP") == [(1, "Price GBP", "unknown_currency")]


def test_every_fault_of_a_name_is_found_at_once() -> None:
    """Unknown, repeated and missing columns are named once each, in row 1."""
    found = places("Weight", " Wieght ", "weight", "WEIGHT", "Image 1 Url", "image 01 url")
    assert found == [
        (1, "Wieght", "unknown_column"),
        (1, "Weight", "duplicate_column"),
        (1, "Image 1 Url", "duplicate_column"),
        (1, "Product Handle", "missing_column"),
    ]


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    """The name most like it is in the message and in the parameters."""
    with pytest.raises(
        FileFault, match=r"row 1, column Wieght: .*; did you mean 'Weight'\?"
    ) as caught:
        rows(COLUMNS, ["Handle", "Wieght"])
    [error] = caught.value.errors
    assert isinstance(error, JobError)
    assert error.params == {"nearest": "Weight"}


def test_the_column_of_an_error_report_is_read_over() -> None:
    """A file that was given back with its column of errors is read as if without it."""
    [row] = rows(COLUMNS, ["Handle", "import error"], ["mug", "=wrong"])
    assert (row.values, row.errors) == (["mug", None], ())


def test_a_column_without_a_name_is_read_over_while_it_is_blank() -> None:
    """A value in it is unknown_column in the header's row, and says where the value stands."""
    header = ["Handle", "", " "]
    assert [row.values for row in rows(COLUMNS, header, ["a", "", " "])] == [["a", None, None]]
    with pytest.raises(
        FileFault, match="column 3, or nothing in it, found a value in row 3"
    ) as caught:
        rows(COLUMNS, header, ["a", "", ""], ["b", "", "x"])
    [error] = caught.value.errors
    assert isinstance(error, JobError)
    assert (error.code, error.row, error.column) == ("unknown_column", 1, "")


def test_a_row_has_all_its_errors() -> None:
    """Each bad cell of a row has its error; the other cells have their values."""
    columns = Columns([*FIXED, Column(name="On", kind=Boolean())], dynamic)
    [good, bad] = rows(
        columns,
        ["Handle", "Weight", "On", "Price USD", "Straße", "Profile X"],
        ["a", "1", "true", "", "x", ""],
        [" ", "1.5", "true", "-1", "x\x07", "y\x00"],
    )
    assert (good.number, good.errors) == (2, ())
    assert bad.values == [Special.BAD, Special.BAD, True, Special.BAD, Special.BAD, Special.BAD]
    assert [(error.row, error.column, error.code) for error in bad.errors] == [
        (3, "Product Handle", "missing_value"),
        (3, "Weight", "invalid_integer"),
        (3, "Price USD", "out_of_range"),
        (3, "Straße", "control_character"),
        (3, "Profile X", "control_character"),
    ]


def test_a_broken_record_has_no_values() -> None:
    """Where it is not known which cell is which, there is the record's own error alone."""
    [row] = rows(COLUMNS, ["Handle", "Weight"], ["a", "x", "y"])
    assert (row.values, [error.code for error in row.errors]) == ([], ["row_length"])
    assert row.record.cells == ["a", "x", "y"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("'=1+1", "=1+1"),
        ("''=1+1", "'=1+1"),
        ("'-1", "-1"),
        ("'@x", "@x"),
        ("'\tx", "\tx"),
        ("'\rx", "\rx"),
        ("=1+1", "=1+1"),
        ("'a", "'a"),
        ("'", "'"),
        ("''", "''"),
        ("'\nx", "'\nx"),
        ("' =1", "' =1"),
    ],
)
def test_an_apostrophe_before_a_formula_is_taken_off_text(cell: str, text: str) -> None:
    """One is taken off where ``= + - @``, tab or CR follows the run; the record keeps the cell."""
    columns = Columns([Column(name="t", kind=Text()), Column(name="Weight", kind=Integer())])
    [row] = rows(columns, ["t", "Weight"], [cell, "1"])
    assert (row.values, row.record.cells) == ([text, 1], [cell, "1"])
    [row] = rows(columns, ["t", "Weight"], [cell, "1"], escape_formulas=False)
    assert row.values == [cell, 1]


def test_numbers_are_not_text() -> None:
    """An apostrophe before a number is not taken off."""
    [row] = rows(COLUMNS, ["Handle", "Weight"], ["a", "'-1"])
    assert [error.code for error in row.errors] == ["invalid_number"]


def test_values_are_the_same_however_many_there_are() -> None:
    """What is remembered of cells is bounded, and changes no value."""
    lines = [["a", str(number % 30_000)] for number in range(35_000)]
    found = rows(COLUMNS, ["Handle", "Weight"], *lines)
    assert [row.values[1] for row in found] == [int(cell) for _, cell in lines]
