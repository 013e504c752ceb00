"""How delimited files are written: RFC 4180 with ``;`` and CRLF, and formulas made harmless."""

import csv
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, Protocol, TextIO

Cell = str | int | float | Decimal | bool | None
"""What a cell is made from; only text is escaped."""

TRIGGERS: Final = frozenset("=+-@\t\r")
"""With one of these at its beginning, spreadsheets take a text for a formula (OWASP, CSV
Injection)."""


class Writer(Protocol):
    """What `csv.writer` returns."""

    def writerow(self, row: Iterable[Any], /) -> Any:
        """Write one row."""

    def writerows(self, rows: Iterable[Iterable[Any]], /) -> None:
        """Write rows."""


def csv_writer(file: TextIO) -> Writer:
    """Return a writer of rows to *file*, which must keep newlines as they are written."""
    return csv.writer(file, delimiter=";", lineterminator="\r\n")


def escape_formula(text: str) -> str:
    """Return *text* with an apostrophe before it, if a spreadsheet would take it for a formula.

    So is text that begins with apostrophes and then such a character, so that an import can take
    one off without losing any.
    """
    return "'" + text if text.lstrip("'")[:1] in TRIGGERS and text.lstrip("'") else text


def unescape_formula(cell: str) -> str:
    """Return the text that `escape_formula` made *cell* of."""
    escaped = cell.startswith("'") and cell.lstrip("'")[:1] in TRIGGERS and cell.lstrip("'")
    return cell[1:] if escaped else cell


def to_cell(value: Cell, *, escape: bool) -> str:
    """Return the text of a cell: None is empty, booleans are true and false, numbers are plain."""
    if isinstance(value, str):
        return escape_formula(value) if escape else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
