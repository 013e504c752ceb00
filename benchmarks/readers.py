"""What the suite ``reading`` times: files read by a bare `csv.reader`, and with all checks."""

import csv
from pathlib import Path
from typing import Final

from batchjob.errors import FileFault
from batchjob.tabular import (
    Boolean,
    Choice,
    Column,
    Columns,
    FileLimits,
    Integer,
    Key,
    Kind,
    Number,
    Records,
    Text,
    bind,
)

_TEXTS: Final = ("Subtitle", "Description", "Thumbnail", "HS Code", "Origin", "MID", "Material")
_SIZES: Final = ("Weight", "Length", "Width", "Height")
HEADER: Final = (
    *("Product Id", "Product Handle", "Product Title", "Product Status", "Product Discountable"),
    *(f"Product {name}" for name in (*_TEXTS, *_SIZES, "Collection", "Type", "Tags")),
    *("Variant Id", "Variant Title", "Variant SKU", "Variant Barcode", "Variant Quantity"),
    *("Variant Backorder", "Variant Managed"),
    *(f"Variant {name}" for name in _SIZES),
    *("Price EUR", "Price USD", "Option 1 Value", "Option 2 Value", "Image 1 Url", "Image 2 Url"),
)
"""36 columns as an export of products has them."""

_KEYS: Final = ("Id", "Handle", "SKU", "Barcode")
_FLAGS: Final = ("Discountable", "Backorder", "Managed")


def bare(path: Path) -> int:
    """Split the file at *path* into cells; return how many rows it has."""
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file, delimiter=";")) - 1


def checked(path: Path) -> int:
    """Read and check the file at *path*; return how many rows are good, 0 of a refused file."""
    columns = Columns([Column(name=name, kind=_kind(name)) for name in HEADER])
    with path.open("rb") as file:
        try:
            records = Records(file, columns.name_of, FileLimits(file=1 << 40))
            rows = bind(records.header, columns).rows(records)
            return sum(not row.errors for row in rows)
        except FileFault:
            return 0


def _kind(name: str) -> Kind:
    last = name.rsplit(maxsplit=1)[-1]
    if name.startswith("Price"):
        return Number(digits=8, decimals=2, minimum=0)
    if last in _KEYS:
        return Key()
    if last in (*_SIZES, "Quantity"):
        return Integer(bits=32)
    if last == "Status":
        return Choice({name: name for name in ("draft", "proposed", "published", "rejected")})
    return Boolean() if last in _FLAGS else Text()
