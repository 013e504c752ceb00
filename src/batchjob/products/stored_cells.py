"""Cells that are what is stored already: they are right, whatever checks would say of them.

So an export given back is all unchanged, although others wrote what no file could have brought in,
such as a handle with an invisible character. Here belongs how stored values stand in cells.
"""

from collections.abc import Iterator
from typing import Any

from batchjob.products.import_columns import (
    PRODUCT_NAMES,
    SKU,
    TAGS,
    TYPE,
    VARIANT_ID,
    VARIANT_NAMES,
)
from batchjob.products.import_layout import Cells, Layout
from batchjob.products.price_columns import price_cell
from batchjob.products.rows import tags_cell
from batchjob.products.states import State
from batchjob.tabular.planning import Row


def take_stored(row: Row[Cells], state: State, layout: Layout) -> None:
    """Give the cells of *row* that are at fault, and are what is stored, the stored value."""
    if not row.bad:
        return
    cells: Any = row.value
    for name, value, text in _stored(row, state, layout):
        if name in row.bad and row.bad[name] == text:
            del row.bad[name]
            cells[name] = value


def _stored(row: Row[Cells], state: State, layout: Layout) -> Iterator[tuple[str, Any, str | None]]:
    """Yield (column, value, its text) of what is stored of a row's product and variant."""
    product = state.values
    for name, field in PRODUCT_NAMES.items():
        yield name, product[field], _text(product[field])
    yield TYPE, product["type"], product["type"]
    tags = tags_cell(product["tags"])
    yield TAGS, tags, tags
    for name, url in zip(layout.images, product["images"], strict=False):
        yield name, url, url
    variant = _variant(row, state)
    if variant is None:
        return
    for name, field in VARIANT_NAMES.items():
        yield name, variant[field], _text(variant[field])
    for (name, value), title in zip(layout.options, state.options, strict=False):
        yield name, title, title
        yield value, variant["options"].get(title), variant["options"].get(title)
    for name, key in layout.prices.items():
        amount = variant["prices"].get(key)
        yield name, amount, price_cell(key, amount)


def _variant(row: Row[Cells], state: State) -> dict[str, Any] | None:
    """Return the variant that a row names by its id or SKU, also by one that is at fault."""
    given = row.value.get(VARIANT_ID) or row.bad.get(VARIANT_ID)
    if given is not None:
        return state.variants.get(given)
    sku = row.value.get(SKU) or row.bad.get(SKU)
    mine = (values for values in state.variants.values() if values["sku"] == sku)
    return None if sku is None else next(mine, None)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
