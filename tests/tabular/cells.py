"""What tests of columns share: files made of cells, and what a binding makes of them."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from batchjob.core.results import JobError
from batchjob.tabular import Column, Columns, Kind, Records, Row, Special, bind


def rows(columns: Columns, *lines: Sequence[str], escape_formulas: bool = True) -> list[Row]:
    """Write *lines*, the first of which is the header, and read them by *columns*."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL).writerows(lines)
    records = Records(io.BytesIO(text.getvalue().encode()), columns.name_of)
    return list(bind(records.header, columns, escape_formulas=escape_formulas).rows(records))


def values(kind: Kind, cell: str, *, required: bool = False) -> tuple[Any, Sequence[JobError]]:
    """Return what a *cell* in a column ``it`` comes to, "bad" for none, and its errors."""
    columns = Columns([Column(name="it", kind=kind, required=required), Column(name="other")])
    [row] = rows(columns, ["it", "other"], [cell, "x"])
    value = row.values[0]
    return "bad" if value is Special.BAD else value, list(row.errors)
