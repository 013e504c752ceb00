"""What cells may hold, by kind of column."""

from decimal import Decimal
from typing import Any

import pytest

from batchjob.tabular import (
    Boolean,
    CellFault,
    Choice,
    Column,
    Columns,
    FileKey,
    Integer,
    Key,
    Kind,
    Number,
    Text,
)
from tabular.cells import values

PRICE = Number(digits=12, decimals=2, minimum=0)
STATUS = Choice({"Draft": 1, "published": 2, "-": 3})


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        (Text(), " a b ", " a b "),
        (Text(), "   ", "   "),
        (Text(), "a\tb\r\nc\x0b\x0c\x85", "a\tb\r\nc\x0b\x0c\x85"),
        (Text(), "a\u200bb\ufeff", "a\u200bb\ufeff"),
        (Text(max_length=3), "äöü", "äöü"),
        (Key(), "00123", "00123"),
        (Key(), "1.23E+12", "1.23E+12"),
        (Key(), " käse\u00a0", " käse\u00a0"),
        (Key(), "\ue000", "\ue000"),
        (Integer(), "007", 7),
        (Integer(), " 12\u00a0", 12),
        (Integer(), "-0", 0),
        (Integer(), "-9223372036854775808", -(2**63)),
        (Integer(), "9223372036854775807", 2**63 - 1),
        (Integer(), "0" * 5000 + "1", 1),
        (Integer(bits=32), "-2147483648", -(2**31)),
        (Integer(minimum=-1, maximum=1), "-1", -1),
        (Integer(), "  ", None),
        (PRICE, "12", Decimal(12)),
        (PRICE, " 12.50 ", Decimal("12.50")),
        (PRICE, "0" * 13 + "1.5", Decimal("1.5")),
        (PRICE, "999999999999.99", Decimal("999999999999.99")),
        (PRICE, "0.00", Decimal(0)),
        (PRICE, " ", None),
        (Number(), "-1.500000", Decimal("-1.5")),
        (Number(decimals=0), "12", Decimal(12)),
        (Boolean(), " TRUE ", True),
        (Boolean(), "False", False),
        (Boolean(), " ", None),
        (STATUS, " DRAFT ", 1),
        (STATUS, "Published", 2),
        (STATUS, "-", 3),
        (STATUS, "'-", 3),
        (STATUS, " ", None),
        (FileKey(), "img/mug 1.png", "img/mug 1.png"),
    ],
)
def test_a_cell_that_is_right_makes_a_value(kind: Kind, cell: str, value: object) -> None:
    """Text stays as it is; other cells are read without outer spaces, and blank ones are None."""
    assert values(kind, cell) == (value, [])


@pytest.mark.parametrize(
    ("kind", "cell", "code"),
    [
        (Text(), "a\x00b", "control_character"),
        (Text(), "a\x07", "control_character"),
        (Text(), "a\x1b[31m", "control_character"),
        (Text(), "a\x7f", "control_character"),
        (Text(), "a\x84", "control_character"),
        (Text(), "\x1c", "control_character"),
        (Text(max_length=3), "abcd", "too_long"),
        (Key(), "a\tb", "control_character"),
        (Key(), "a\n", "control_character"),
        (Key(), "a\x85", "control_character"),
        (Key(), "a\u00adb", "control_character"),
        (Key(), "a\u200b", "control_character"),
        (Key(), "\ufeffa", "control_character"),
        (Key(), "a\u202eb", "control_character"),
        (Key(max_length=3), "abcd", "too_long"),
        (Integer(), "1.0", "invalid_integer"),
        (Integer(), "-1.5", "invalid_integer"),
        (Integer(), "x", "invalid_number"),
        (Integer(), "+1", "invalid_number"),
        (Integer(), "1_000", "invalid_number"),
        (Integer(), "\uff11\uff12", "invalid_number"),
        (Integer(), "٣", "invalid_number"),
        (Integer(), "²", "invalid_number"),
        (Integer(), "1e3", "invalid_number"),
        (Integer(), "1.", "invalid_number"),
        (Integer(), "- 1", "invalid_number"),
        (Integer(), "1\x07", "control_character"),
        (Integer(), "9223372036854775808", "out_of_range"),
        (Integer(), "-9223372036854775809", "out_of_range"),
        (Integer(), "9" * 5000, "out_of_range"),
        (Integer(bits=32), "2147483648", "out_of_range"),
        (Integer(minimum=0), "-0", "out_of_range"),
        (Integer(minimum=0), "-1.0", "out_of_range"),
        (Integer(minimum=5, maximum=9), "4", "out_of_range"),
        (Integer(minimum=5, maximum=9), "10", "out_of_range"),
        (PRICE, "12,50", "invalid_number"),
        (PRICE, "1,234.50", "invalid_number"),
        (PRICE, "1 234", "invalid_number"),
        (PRICE, "1\u00a0234.00", "invalid_number"),
        (PRICE, ".5", "invalid_number"),
        (PRICE, "5.", "invalid_number"),
        (PRICE, "+1", "invalid_number"),
        (PRICE, "1e999999", "invalid_number"),
        (PRICE, "NaN", "invalid_number"),
        (PRICE, "-Infinity", "invalid_number"),
        (PRICE, "0x10", "invalid_number"),
        (PRICE, "1_000", "invalid_number"),
        (PRICE, "१२", "invalid_number"),
        (PRICE, "€12", "invalid_number"),
        (PRICE, "\u22121", "invalid_number"),
        (PRICE, "--1", "invalid_number"),
        (PRICE, "1.2.3", "invalid_number"),
        (PRICE, "\u200b1", "invalid_number"),
        (PRICE, "'-1", "invalid_number"),
        (PRICE, "-1", "out_of_range"),
        (PRICE, "-0.00", "out_of_range"),
        (PRICE, "1000000000000", "out_of_range"),
        (PRICE, "9" * 5000, "out_of_range"),
        (PRICE, "10.500", "too_many_decimals"),
        (Number(decimals=0), "12.0", "too_many_decimals"),
        (Number(minimum=Decimal("0.5"), maximum=2), "0.4", "out_of_range"),
        (Number(minimum=Decimal("0.5"), maximum=2), "2.1", "out_of_range"),
        (Number(maximum=2), "2.1", "out_of_range"),
        (Boolean(), "yes", "invalid_boolean"),
        (Boolean(), "1", "invalid_boolean"),
        (STATUS, "publishd", "invalid_choice"),
        (FileKey(), "/etc/passwd", "invalid_key"),
        (FileKey(), "../a", "invalid_key"),
        (FileKey(), "a/./b", "invalid_key"),
        (FileKey(), "a\\b", "invalid_key"),
        (FileKey(), "a%2fb", "invalid_key"),
        (FileKey(), "https://example.org/a", "invalid_key"),
        (FileKey(), "a\u200bb", "invalid_key"),
        (FileKey(), "a" * 600, "invalid_key"),
        (FileKey(), "a/", "invalid_key"),
    ],
)
def test_a_cell_that_is_wrong_says_why(kind: Kind, cell: str, code: str) -> None:
    """Each rule has its code; the message has what was found, cut, and what would be right."""
    value, [error] = values(kind, cell)
    assert (value, error.code, error.row, error.column) == ("bad", code, 2, "it")
    assert error.message.startswith("expected ")
    assert len(error.message) < 400
    assert len(str(error.params["found"])) < 110


@pytest.mark.parametrize("kind", [Text(), Key(), Integer(), PRICE, Boolean(), STATUS, FileKey()])
def test_an_empty_cell_is_none_and_missing_where_a_value_is_required(kind: Kind) -> None:
    """An empty cell is None; in a required column it is missing_value, and so are only spaces."""
    assert values(kind, "") == (None, [])
    for cell in ("", "  ", "\u00a0"):
        _, [error] = values(kind, cell, required=True)
        assert (error.code, error.column) == ("missing_value", "it")


@pytest.mark.parametrize(
    "kind",
    [
        Text(),
        Text(max_length=9),
        Key(),
        Integer(),
        Integer(minimum=3),
        Integer(maximum=-3),
        Number(),
        Number(decimals=0),
        Number(minimum=Decimal("0.01")),
        Boolean(),
        STATUS,
        FileKey(),
    ],
)
def test_a_sample_is_right(kind: Kind) -> None:
    """The cell that a kind has for templates is one that it takes."""
    assert values(kind, kind.sample, required=True)[1] == []


def test_a_choice_names_the_nearest() -> None:
    """What is no choice is answered with all of them, and the one that is most like it."""
    _, [error] = values(STATUS, "publishd")
    assert error.message.endswith(
        "one of Draft, published, -, found 'publishd'; did you mean published?"
    )
    assert error.params["nearest"] == "published"


class Colour:
    """A kind of somebody's own."""

    text = False
    schema: dict[str, Any] = {"pattern": "#[0-9a-f]{6}"}  # noqa: RUF012 - as a plugin would
    sample = "#ff0000"

    @staticmethod
    def convert(cell: str) -> int:
        """Make a number of it."""
        if not cell.startswith("#"):
            raise CellFault("invalid_colour", "a colour such as #ff0000", cell, hint=1)
        return int(cell[1:], 16)


def test_a_kind_of_ones_own_is_as_good() -> None:
    """Any object with a kind's four names makes values, and errors with its own codes."""
    assert values(Colour(), "#00000f") == (15, [])
    _, [error] = values(Colour(), "red")
    assert (error.code, error.params["hint"]) == ("invalid_colour", 1)
    assert error.message == "expected a colour such as #ff0000, found 'red'"
    assert Columns([Column(name="c", kind=Colour())]).name_of(" C ") == "c"
