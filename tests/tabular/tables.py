"""What tests of reading share: a row class, and what comes of reading a file by it."""

import io
from decimal import Decimal
from typing import Any, Final, NamedTuple

import attrs

from batchjob.core.results import JobError
from batchjob.errors import FileFault
from batchjob.tabular import (
    FileKey,
    FileLimits,
    Key,
    Number,
    Reading,
    UniqueKeys,
    column,
    row_class,
)

HEADER: Final = "handle,title,price,sku,quantity,image_key\n"


@attrs.frozen(kw_only=True)
class Thing:
    """A row of the corpus."""

    handle: str = attrs.field(metadata=column(kind=Key(max_length=255), unique=True))
    title: str
    price: Decimal = attrs.field(metadata=column(kind=Number(digits=12, decimals=2, minimum=0)))
    sku: str | None = attrs.field(default=None, metadata=column(unique=True))
    quantity: int | None = None
    image_key: str | None = attrs.field(default=None, metadata=column(kind=FileKey()))


class Outcome(NamedTuple):
    """The rows that a file came to, by their numbers, and its faults; none is taken with faulty."""

    rows: dict[int, Any]
    errors: list[JobError]
    refused: bool

    @property
    def places(self) -> list[tuple[int | None, str | None, str]]:
        """Row, column and code of each fault."""
        return [(error.row, error.column, error.code) for error in self.errors]


def read(
    data: bytes | str,
    cls: type[Any] = Thing,
    *,
    limits: FileLimits = FileLimits(),  # noqa: B008 - it is frozen
    escape_formulas: bool = True,
) -> Outcome:
    """Read *data* (text is encoded as UTF-8) as an import would."""
    file = io.BytesIO(data.encode() if isinstance(data, str) else data)
    rows, errors = dict[int, Any](), list[JobError]()
    try:
        with UniqueKeys.open() as unique:
            reading = Reading(
                file, row_class(cls), unique, limits=limits, escape_formulas=escape_formulas
            )
            for given in reading:
                errors += given.errors
                if given.row is not None:
                    rows[given.number] = given.row
    except FileFault as fault:
        return Outcome({}, [e for e in fault.errors if isinstance(e, JobError)], refused=True)
    return Outcome(rows, errors, refused=False)


def read_cell(cell: str, name: str = "price") -> Outcome:
    """Read a file of one row that is right but for *cell*, which is put in quotes."""
    cells = {"handle": "a", "title": "A", "price": "1.00"} | {name: cell}
    quoted = ['"' + text.replace('"', '""') + '"' for text in cells.values()]
    return read(f"{','.join(cells)}\n{','.join(quoted)}\n")
