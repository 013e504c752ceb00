"""What a product import plans to change: between the rules that plan and the code that writes.

A product's rows are one group of changes. The first one's ``data`` has the product's change under
``product``, each that is about a variant has the variant's under ``variant``. Values are JSON.
"""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

Values = Mapping[str, Any]
"""Fields by name: columns of the table, and ``type``, ``tags``, ``images``, ``channels``,
``options`` of a product, ``options`` and ``prices`` of a variant.

``type`` is a value, ``tags`` are values in order, ``images`` URLs in order, ``channels`` ids in
order, ``options`` of a product the titles in order, of a variant its value by title. ``prices`` are
minor units by ``eur``, or ``eur reg_1`` for a region; null is no price.
"""

PRODUCT_TEXTS: Final = (
    *("handle", "title", "subtitle", "description", "status", "thumbnail", "hs_code"),
    *("origin_country", "mid_code", "material", "external_id"),
)
SIZES: Final = ("weight", "length", "height", "width")
PRODUCT_FIELDS: Final = (*PRODUCT_TEXTS, *SIZES, "discountable", "collection_id")
"""Columns of table ``product`` that an import writes as they are."""

VARIANT_FIELDS: Final = (
    *("title", "sku", "barcode", "inventory_quantity", "allow_backorder", "manage_inventory"),
    *("hs_code", "origin_country", "mid_code", "material", *SIZES),
)
"""Columns of table ``product_variant`` that an import writes as they are."""


class ProductChange(TypedDict):
    """What becomes of a product: ``old`` is None where it is created, with all of ``new``.

    What ``new`` of something created has not is null.
    """

    id: str
    old: Values | None
    new: Values


class VariantChange(TypedDict):
    """What becomes of a variant of the product whose id is ``product``."""

    id: str
    product: str
    old: Values | None
    new: Values


def given_of(values: Values) -> dict[str, Any]:
    """Return what is to be written of something new: all else is null."""
    return {name: value for name, value in values.items() if value is not None}


def difference(there: Values, wanted: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs: the values that are there, and those that shall be."""
    old, new = dict[str, Any](), dict[str, Any]()
    for name, value in wanted.items():
        if (was := there.get(name)) == value or (value is None and was == ""):
            continue  # nothing in a cell is both null and an empty text
        if not isinstance(value, dict):
            old[name], new[name] = was, value
        elif differ := [key for key in value if (was or {}).get(key) != value[key]]:
            old[name] = {key: (was or {}).get(key) for key in differ}
            new[name] = {key: value[key] for key in differ}
    return old, new
