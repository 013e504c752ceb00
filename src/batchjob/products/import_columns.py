"""The columns of a product import: those of the export, and what may stand in them.

Columns for prices, options, images and sales channels are found by their names; which currencies
and regions there are is the catalogue's to say.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import attrs

from batchjob.products.columns import STATUSES, ZERO_DECIMAL
from batchjob.products.states import Known
from batchjob.tabular import (
    CellFault,
    Column,
    FixedColumns,
    boolean,
    choice,
    decimal,
    integer,
    key_text,
)
from batchjob.tabular.columns import Convert
from batchjob.tabular.records import show

INT4: Final = 2**31 - 1
"""The largest number that Medusa's integer columns hold."""

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
_REGION_PRICE: Final = re.compile(r"price (.+) \[([a-z]{3})\]", re.IGNORECASE | re.DOTALL)
_PRICE: Final = re.compile(r"price ([a-z]{3})", re.IGNORECASE)
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
        if (found := _REGION_PRICE.fullmatch(name)) is not None:
            return self._region_price(found[1], found[2].lower())
        if (found := _PRICE.fullmatch(name)) is not None:
            code = found[1].lower()
            if code not in self.known.currencies:
                raise CellFault(
                    "unknown_currency", f"the catalogue has no currency {code.upper()}", found=code
                )
            return Column(name=f"Price {code.upper()}", convert=_price(code), is_text=False)
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
        regions = [f"Price {n} [{code.upper()}]" for n, (_, code) in self.known.regions.items()]
        prices = [f"Price {code.upper()}" for code in sorted(self.known.currencies)]
        numbered = ["Option 1 Name", "Option 1 Value", "Image 1 Url", "Sales Channel 1 Name"]
        return [*_FIXED.names, *prices, *regions, *numbered, "Sales Channel 1 Id"]

    @property
    def required(self) -> Sequence[Column]:
        """See `batchjob.tabular.Columns`; which ones are needed depends on what is there."""
        return ()

    def _region_price(self, region: str, code: str) -> Column:
        found = self.known.regions.get(region)
        if found is None:
            message = f"the catalogue has no region {show(region)}"
            raise CellFault("unknown_region", message, found=region[:100])
        if found[1] != code:
            message = f"the region {show(region)} has the currency {found[1].upper()}"
            raise CellFault("currency_mismatch", message, found=code, expected=found[1])
        name = f"Price {region} [{code.upper()}]"
        return Column(name=name, convert=_price(code), is_text=False)


def price_key(name: str, known: Known) -> str | None:
    """Return the key in ``prices`` of a column that `ProductColumns` found; None for others."""
    if (found := _REGION_PRICE.fullmatch(name)) is not None:
        return f"{found[2].lower()} {known.regions[found[1]][0]}"
    found = _PRICE.fullmatch(name)
    return None if found is None else found[1].lower()


def numbered(name: str) -> tuple[str, int, str] | None:
    """Return (kind, number, what) of ``Option 2 Value``; None for other columns."""
    if (found := _NUMBERED.fullmatch(name)) is None:
        return None
    kind, number, what = (each for each in found.groups() if each)
    return kind.lower(), int(number), what.lower()


def _price(code: str) -> Callable[[str], Any]:
    decimals = 0 if code in ZERO_DECIMAL else 2
    read, unit = decimal(digits=12, decimals=decimals), 10**decimals

    def convert(cell: str) -> int:
        value: Decimal = read(cell)
        minor = int(value * unit)
        if minor > INT4:
            most = f"{Decimal(INT4) / unit:f}"
            raise CellFault("out_of_range", f"{show(cell)} is too large; {most} is the most")
        return minor

    return convert
