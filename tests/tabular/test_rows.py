"""Row classes: what an attrs class says of a file."""

import io
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

import attrs
import pytest

from batchjob.errors import InvalidRowClass
from batchjob.tabular import FileKey, Integer, Number, RowClass, Text, column, row_class
from tabular.tables import Thing, read


class Size(Enum):
    """How large a shirt is."""

    SMALL = "S"
    LARGE = "L"


@attrs.frozen(kw_only=True)
class Shirt:
    """A row with a field of each type."""

    code: str = attrs.field(
        metadata=column("Shirt Code", aliases=["SKU"], unique=True, doc="What it is called.")
    )
    price: Decimal = attrs.field(metadata=column("Price", kind=Number(decimals=2, minimum=0)))
    stock: int = attrs.field(default=0)
    sold: bool = False
    size: Size | None = None
    fit: Literal["slim", "wide"] = attrs.field(default="wide", metadata=column("Fit"))
    note: str | None = attrs.field(default="none yet", metadata=column(example="=A1"))

    @stock.validator
    def _check(self, attribute: Any, value: int) -> None:
        if value > 100:
            raise ValueError(f"there is room for 100 shirts, not for {value}")


def test_a_row_is_an_object_of_the_class() -> None:
    """Cells make the fields; an empty one is None where the field takes it, else the default."""
    found = read(
        "sku;PRICE;stock;sold;size;fit;note\ns-1;9.50;7;TRUE;l;Slim;x\ns-2;1;;;;;\n", Shirt
    )
    assert found.rows == {
        2: Shirt(
            code="s-1",
            price=Decimal("9.50"),
            stock=7,
            sold=True,
            size=Size.LARGE,
            fit="slim",
            note="x",
        ),
        3: Shirt(code="s-2", price=Decimal(1), note=None),
    }


def test_columns_that_are_absent_leave_the_defaults() -> None:
    """A field with a default need not have a column."""
    assert read("SKU;Price\na;1\n", Shirt).rows == {2: Shirt(code="a", price=Decimal(1))}
    assert read("Price\n1\n", Shirt).places == [(1, "Shirt Code", "missing_column")]


def test_a_check_of_the_class_is_an_error_of_the_row() -> None:
    """A ValueError of the class is invalid_value with its words, and the next rows are read."""
    found = read("SKU;Price;stock\na;1;101\nb;1;100\n", Shirt)
    assert list(found.rows) == [3]
    [error] = found.errors
    assert (error.code, error.row, error.column) == ("invalid_value", 2, None)
    assert error.message == "there is room for 100 shirts, not for 101"


def test_a_unique_column_has_each_value_once() -> None:
    """A later row with the same value after NFC is duplicate_key and names the first one."""
    found = read("SKU;Price\ncafé;1\nb;1\ncafe\u0301;x\ncafé;1\n", Shirt)
    assert list(found.rows) == [2, 3]
    assert found.places == [
        (4, "Price", "invalid_number"),
        (4, "Shirt Code", "duplicate_key"),
        (5, "Shirt Code", "duplicate_key"),
    ]
    assert found.errors[2].params["first_row"] == 2
    assert "'café', which row 2 has" in found.errors[2].message


def test_keys_of_empty_and_bad_cells_are_not_compared() -> None:
    """Two rows without a value are no repetition, nor are two with a bad one."""
    found = read("handle;title;price;sku\na;A;1;\nb;B;1;\nc\x07;C;1;x\nc\x07;C;1;y\n")
    assert [place[2] for place in found.places] == ["control_character", "control_character"]


def test_a_key_of_a_bad_row_is_taken() -> None:
    """A row with a fault elsewhere still has its key."""
    found = read("handle;title;price\na;A;x\na;B;1\n")
    assert found.places == [(2, "price", "invalid_number"), (3, "handle", "duplicate_key")]


def test_the_template_is_a_file_that_can_be_read() -> None:
    """It has the header and a row of examples, with ``;`` and CRLF, formulas escaped."""
    template = row_class(Shirt).template
    assert template == (
        "Shirt Code;Price;stock;sold;size;Fit;note\r\nkey-1;1.00;1;true;S;slim;'=A1\r\n"
    )
    [row] = read(template, Shirt).rows.values()
    assert (row.size, row.note) == (Size.SMALL, "=A1")
    assert len(read(row_class(Thing).template).rows) == 1


def test_the_schema_says_what_rows_are() -> None:
    """JSON Schema by the names of columns, with bounds, choices, defaults and documentation."""
    schema: dict[str, Any] = row_class(Shirt).schema
    assert schema["required"] == ["Shirt Code", "Price"]
    properties = schema["properties"]
    assert properties["Shirt Code"] == {"type": "string", "description": "What it is called."}
    assert properties["Price"] == {"type": "number", "minimum": 0}
    assert properties["stock"]["default"] == 0
    assert properties["size"] == {"anyOf": [{"enum": ["S", "L"]}, {"type": "null"}]}
    assert properties["Fit"] == {"enum": ["slim", "wide"], "default": "wide"}


def make(**fields: Any) -> type[Any]:
    """Return an attrs class."""
    return attrs.make_class("Made", fields)


def field(hint: Any, metadata: Any = None, default: Any = attrs.NOTHING) -> Any:
    """Return a field."""
    return attrs.field(type=hint, metadata=metadata, default=default)


@pytest.mark.parametrize(
    ("cls", "fault"),
    [
        (io.StringIO, "it is no attrs class"),
        (make(), "it has no fields"),
        (make(a=field(float)), "field a has a type that no cell has: <class 'float'>"),
        (make(a=field(int | str)), "field a has a type that no cell has: int | str"),
        (
            make(a=field(int | None)),
            "field a takes None, so its column may be absent: give it a default",
        ),
        (make(a=field(str), b=field(str, column("A"))), "two columns are called 'A'"),
        (make(a=field(str), b=field(str, column(aliases=[" A"]))), "two columns are called ' A'"),
        (make(a=field(str, column(" "))), "a column has no name"),
        (
            make(a=field(int, column(example="1.5"))),
            "example of column 'a': expected a whole number without a point, found '1.5'",
        ),
        (
            make(a=field(str, column(kind=Integer()))),
            "cells of column 'a' are int, not str",
        ),
        (
            make(a=field(Decimal, column(kind=Text(), example="1"))),
            "cells of column 'a' are str, not Decimal",
        ),
        (
            make(a=field(str, column(kind=Text(max_length=3)))),
            "example of column 'a': expected at most 3 characters, not 4, found 'text'",
        ),
        (
            make(a=field(str, column(example=""))),
            "example of column 'a': expected a value, found nothing",
        ),
    ],
)
def test_a_class_that_no_file_can_be_read_by_is_refused_in_words(
    cls: type[Any], fault: str
) -> None:
    """What is wrong with a row class is said when it is looked at."""
    with pytest.raises(InvalidRowClass) as caught:
        row_class(cls)
    assert str(caught.value) == f"row class {cls.__name__}: {fault}"


def test_fields_that_are_no_arguments_are_no_columns() -> None:
    """A field that the class makes itself has no column, and private ones go by their alias."""

    @attrs.frozen
    class Pair:
        _left: str = attrs.field(metadata=column("left", kind=FileKey()))
        both: str = attrs.field(init=False, default="x")

    found: RowClass[Pair] = row_class(Pair)
    assert [each.name for each in found.columns.fixed] == ["left"]
    assert read("left\na/b\n", Pair).rows == {2: Pair("a/b")}
