"""The columns of a product import: those of the export, and what may stand in them.

Columns for options, images and sales channels are found by their names, and those for prices as
`batchjob.products.price_columns` has it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from batchjob.products.columns import STATUSES
from batchjob.products.price_columns import INT4, price_column, price_names
from batchjob.products.states import Known
from batchjob.tabular import (
    Column,
    FixedColumns,
    boolean,
    choice,
    integer,
    key_text,
)
from batchjob.tabular.columns import Convert

PRODUCT_ID, HANDLE = "Product Id", "Product Handle"
VARIANT_ID, SKU, BARCODE = "Variant Id", "Variant SKU", "Variant Barcode"
COLLECTION_TITLE, COLLECTION_HANDLE = "Product Collection Title", "Product Collection Handle"
TYPE, TAGS, THUMBNAIL = "Product Type", "Product Tags", "Product Thumbnail"

PRODUCT_NAMES: Final[Mapping[str, str]] = {
    HANDLE: "handle",
    "Product Title": "title",
    "Product Subtitle": "subtitle",
    "Product Description": "description",
    "Product Status": "status",
    THUMBNAIL: "thumbnail",
    "Product Weight": "weight",
    "Product Length": "length",
    "Product Width": "width",
    "Product Height": "height",
    "Product HS Code": "hs_code",
    "Product Origin Country": "origin_country",
    "Product MID Code": "mid_code",
    "Product Material": "material",
    "Product Discountable": "discountable",
    "Product External Id": "external_id",
}
"""Fields of a product by their columns."""

VARIANT_NAMES: Final[Mapping[str, str]] = {
    "Variant Title": "title",
    SKU: "sku",
    BARCODE: "barcode",
    "Variant Inventory Quantity": "inventory_quantity",
    "Variant Allow Backorder": "allow_backorder",
    "Variant Manage Inventory": "manage_inventory",
    "Variant Weight": "weight",
    "Variant Length": "length",
    "Variant Width": "width",
    "Variant Height": "height",
    "Variant HS Code": "hs_code",
    "Variant Origin Country": "origin_country",
    "Variant MID Code": "mid_code",
    "Variant Material": "material",
}
"""Fields of a variant by their columns."""

_WHOLE: Final = integer(least=-INT4 - 1, most=INT4)
_KINDS: Final[Mapping[str, Convert]] = {
    "status": choice(STATUSES),
    "discountable": boolean,
    "allow_backorder": boolean,
    "manage_inventory": boolean,
    **dict.fromkeys(("weight", "length", "width", "height", "inventory_quantity"), _WHOLE),
    **dict.fromkeys(("handle", "sku", "barcode"), key_text()),
}
_TEXTS: Final = {"handle", "sku", "barcode"}
_NUMBERED: Final = re.compile(
    r"(?:(option) ([0-9]{1,4}) (name|value)|(image) ([0-9]{1,4}) (url)|"
    r"(sales channel) ([0-9]{1,4}) (id|name|description))",
    re.IGNORECASE,
)
_READ_OVER: Final = re.compile(r"product (profile (name|type)|category [0-9]+ .+)", re.IGNORECASE)
CATEGORY: Final = re.compile(r"product category [0-9]+ .+", re.IGNORECASE)
"""Columns that are read over with a notice."""


def _fixed() -> FixedColumns:
    made = [
        Column(name=PRODUCT_ID, convert=key_text()),
        *(_column(name, field) for name, field in PRODUCT_NAMES.items()),
        *(Column(name=n) for n in (COLLECTION_TITLE, COLLECTION_HANDLE, TYPE, TAGS)),
        Column(name=VARIANT_ID, convert=key_text()),
        *(_column(name, field) for name, field in VARIANT_NAMES.items()),
    ]
    return FixedColumns(tuple(made))


def _column(name: str, field: str) -> Column:
    convert = _KINDS.get(field)
    return Column(
        name=name,
        convert=convert,
        is_text=convert is None or field in _TEXTS,
        unique=field in ("sku", "barcode"),
        of_group=field == "handle",
    )


_FIXED: Final = _fixed()


@attrs.frozen
class ProductColumns:
    """The columns of a product file, for a catalogue with these currencies and regions."""

    known: Known

    def find(self, name: str) -> Column | None:
        """See `batchjob.tabular.Columns`; a price is in minor units of its currency."""
        if (fixed := _FIXED.find(name)) is not None:
            return fixed
        if (price := price_column(name, self.known)) is not None:
            return price
        if (found := _NUMBERED.fullmatch(name)) is not None:
            kind, number, what = (each for each in found.groups() if each)
            return Column(name=f"{kind.title()} {int(number)} {what.title()}")
        return None

    def is_read_over(self, name: str) -> bool:
        """See `batchjob.tabular.Columns`."""
        return _FIXED.is_read_over(name) or _READ_OVER.fullmatch(name) is not None

    @property
    def names(self) -> Sequence[str]:
        """See `batchjob.tabular.Columns`."""
        numbered = ["Option 1 Name", "Option 1 Value", "Image 1 Url", "Sales Channel 1 Name"]
        return [*_FIXED.names, *price_names(self.known), *numbered, "Sales Channel 1 Id"]

    @property
    def required(self) -> Sequence[Column]:
        """See `batchjob.tabular.Columns`; which ones are needed depends on what is there."""
        return ()


def numbered(name: str) -> tuple[str, int, str] | None:
    """Return (kind, number, what) of ``Option 2 Value``; None for other columns."""
    if (found := _NUMBERED.fullmatch(name)) is None:
        return None
    kind, number, what = (each for each in found.groups() if each)
    return kind.lower(), int(number), what.lower()
