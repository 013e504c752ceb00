"""The columns of an export: the fixed ones, and how many of each other kind (the shape).

Here belong their names, their order, and the shape's form in a job's context. What shape a
catalogue needs is found in `batchjob.products.survey`, cells are made in `batchjob.products.rows`.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from batchjob._typing import Json, JsonObject
from batchjob.converters import structure_context
from batchjob.converters.contexts import json_key
from batchjob.converters.plain import say

PRODUCT_HEADER: Final = (
    *("Product Id", "Product Handle", "Product Title", "Product Subtitle", "Product Description"),
    *("Product Status", "Product Thumbnail", "Product Weight", "Product Length", "Product Width"),
    *("Product Height", "Product HS Code", "Product Origin Country", "Product MID Code"),
    *("Product Material", "Product Collection Title", "Product Collection Handle"),
    *("Product Type", "Product Tags", "Product Discountable", "Product External Id"),
    *("Product Profile Name", "Product Profile Type"),
)
VARIANT_HEADER: Final = (
    *("Variant Id", "Variant Title", "Variant SKU", "Variant Barcode"),
    *("Variant Inventory Quantity", "Variant Allow Backorder", "Variant Manage Inventory"),
    *("Variant Weight", "Variant Length", "Variant Width", "Variant Height", "Variant HS Code"),
    *("Variant Origin Country", "Variant MID Code", "Variant Material"),
)


@attrs.frozen
class PriceColumn:
    """A kind of price: a currency (lower case), and the region if it holds for one only."""

    currency: str
    region_id: str | None = None
    region_name: str | None = None

    @property
    def titles(self) -> tuple[str, ...]:
        """The one or two columns that this kind of price leads to (Medusa v1 adds both)."""
        plain = f"Price {self.currency.upper()}"
        if self.region_id is None:
            return (plain,)
        return plain, f"Price {self.region_name} [{self.currency.upper()}]"


@attrs.frozen(kw_only=True)
class Shape:
    """How many columns of each kind an export has."""

    prices: tuple[PriceColumn, ...] = ()
    options: int = 0
    images: int = 0
    channels: int = 0

    @property
    def price_titles(self) -> tuple[str, ...]:
        """The price columns: those of each kind in turn, equal names once."""
        return tuple(dict.fromkeys(title for price in self.prices for title in price.titles))

    @property
    def header(self) -> tuple[str, ...]:
        """The names of all columns, in the file's order."""
        return (
            *PRODUCT_HEADER,
            *VARIANT_HEADER,
            *self.price_titles,
            *(f"Option {n + 1} {part}" for n in range(self.options) for part in ("Name", "Value")),
            *(f"Image {n + 1} Url" for n in range(self.images)),
            *(
                f"Sales Channel {n + 1} {part}"
                for n in range(self.channels)
                for part in ("Id", "Name", "Description")
            ),
        )

    @property
    def slots(self) -> Mapping[tuple[str, str | None, str | None], int]:
        """Where among the price columns a price (currency, region's id and name) belongs."""
        at = {title: n for n, title in enumerate(self.price_titles)}
        slots: dict[tuple[str, str | None, str | None], int] = {}
        for price in self.prices:
            slots[price.currency, None, None] = at[price.titles[0]]
            slots[price.currency, price.region_id, price.region_name] = at[price.titles[-1]]
        return slots


@attrs.frozen(kw_only=True)
class _Region:
    id: str
    name: str
    currency_code: str


@attrs.frozen(kw_only=True)
class _Price:
    currency_code: str
    region: _Region | None = None

    def __attrs_post_init__(self) -> None:
        if self.region and self.region.currency_code.lower() != self.currency_code.lower():
            raise ValueError(
                f"expected the currency of the region ({self.region.currency_code}), "
                f"found {self.currency_code}"
            )


def _columns(name: str, most: int) -> dict[str, Any]:
    def check(value: Any) -> int:
        if type(value) is not int or not 0 <= value <= most:
            words = f"a whole number from 0 to {most}" if most else "0: categories have no columns"
            raise ValueError(f"expected {words}, found {say(value)}")
        return value

    return json_key(name, structure=check)


_MOST: Final = 10_000  # far over what a file is good for, and little enough for memory


@attrs.frozen(kw_only=True)
class _Counts:
    """A shape as Medusa v1 keeps it in a job's context."""

    prices: list[_Price] = attrs.field(factory=list)
    images: int = attrs.field(default=0, metadata=_columns("dynamicImageColumnCount", _MOST))
    options: int = attrs.field(default=0, metadata=_columns("dynamicOptionColumnCount", _MOST))
    channels: int = attrs.field(
        default=0, metadata=_columns("dynamicSalesChannelsColumnCount", _MOST)
    )
    categories: int = attrs.field(
        default=0, metadata=_columns("dynamicProductCategoriesColumnCount", 0)
    )


def shape_from_json(given: object) -> Shape:
    """Return the shape of a job's context; `InvalidDocument` with every fault.

    The keys are Medusa v1's; one that is absent stands for no columns of its kind.
    """
    read = structure_context(given, _Counts)
    prices = tuple(_column(price) for price in read.prices)
    return Shape(prices=prices, images=read.images, options=read.options, channels=read.channels)


def _column(price: _Price) -> PriceColumn:
    code, region = price.currency_code.lower(), price.region
    return PriceColumn(code, region.id, region.name) if region else PriceColumn(code)


def shape_to_json(shape: Shape) -> JsonObject:
    """Return *shape* as Medusa v1 keeps it in a job's context."""
    return {
        "prices": [_price_to_json(price) for price in shape.prices],
        "dynamicImageColumnCount": shape.images,
        "dynamicOptionColumnCount": shape.options,
        "dynamicSalesChannelsColumnCount": shape.channels,
        "dynamicProductCategoriesColumnCount": 0,
    }


def _price_to_json(price: PriceColumn) -> Json:
    region: Json = None
    if price.region_id is not None:
        name = price.region_name
        region = {"id": price.region_id, "name": name, "currency_code": price.currency}
    return {"currency_code": price.currency, "region": region}
