"""The cells of an export: a page of products, read with all that hangs on them.

Here belong the queries for what hangs on the products of one page (one query for each kind of
thing) and the order of cells. Which products those are was decided before, in
`batchjob.products.selection`; cells become text in `batchjob.products.lines`.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from batchjob.products.catalog import POSTGRESQL, SQLITE
from batchjob.products.columns import ZERO_DECIMAL
from batchjob.products.shape import Shape
from batchjob.products.survey import PLAIN_PRICE
from batchjob.tabular import Cell

if TYPE_CHECKING:
    from sqlalchemy import Connection

Row = tuple[Any, ...]

_PRODUCTS: Final = """SELECT p.id, p.handle, p.title, p.subtitle, p.description,
    CAST(p.status AS text), p.thumbnail, p.weight, p.length, p.width, p.height, p.hs_code,
    p.origin_country, p.mid_code, p.material, c.title, c.handle, t.value,
    CASE WHEN p.discountable THEN 'true' ELSE 'false' END, p.external_id
    FROM product p
    LEFT JOIN product_collection c ON c.id = p.collection_id AND c.deleted_at IS NULL
    LEFT JOIN product_type t ON t.id = p.type_id AND t.deleted_at IS NULL
    WHERE p.id {ids} AND p.deleted_at IS NULL"""
_TAGS: Final = """SELECT l.product_id, t.value FROM product_tags l
    JOIN product_tag t ON t.id = l.product_tag_id
    WHERE l.product_id {ids} AND t.deleted_at IS NULL ORDER BY t.value{c}, t.id{c}"""
_PROFILES: Final = """SELECT l.product_id, s.name, CAST(s.type AS text)
    FROM product_shipping_profile l JOIN shipping_profile s ON s.id = l.profile_id
    WHERE l.product_id {ids} AND s.deleted_at IS NULL ORDER BY s.created_at, s.id{c}"""
_IMAGES: Final = """SELECT l.product_id, i.url FROM product_images l
    JOIN image i ON i.id = l.image_id
    WHERE l.product_id {ids} AND i.deleted_at IS NULL ORDER BY i.created_at, i.id{c}"""
_CHANNELS: Final = """SELECT l.product_id, s.id, s.name, s.description
    FROM product_sales_channel l JOIN sales_channel s ON s.id = l.sales_channel_id
    WHERE l.product_id {ids} AND s.deleted_at IS NULL ORDER BY s.created_at, s.id{c}"""
_OPTIONS: Final = """SELECT o.product_id, o.id, o.title FROM product_option o
    WHERE o.product_id {ids} AND o.deleted_at IS NULL ORDER BY o.created_at, o.id{c}"""
_VARIANTS: Final = """SELECT v.product_id, v.id, v.title, v.sku, v.barcode, v.inventory_quantity,
    CASE WHEN v.allow_backorder THEN 'true' ELSE 'false' END,
    CASE WHEN v.manage_inventory THEN 'true' ELSE 'false' END,
    v.weight, v.length, v.width, v.height, v.hs_code, v.origin_country, v.mid_code, v.material
    FROM product_variant v WHERE v.product_id {ids} AND v.deleted_at IS NULL
    ORDER BY v.variant_rank NULLS LAST, v.created_at, v.id{c}"""
_VALUES: Final = """SELECT w.variant_id, w.option_id, w.value FROM product_option_value w
    WHERE w.variant_id {ids} AND w.deleted_at IS NULL ORDER BY w.created_at DESC, w.id{c} DESC"""
_PRICES: Final = f"""SELECT l.variant_id, m.currency_code, m.region_id, m.amount
    FROM product_variant_money_amount l JOIN money_amount m ON m.id = l.money_amount_id
    WHERE l.variant_id {{ids}} AND {PLAIN_PRICE}
    ORDER BY m.created_at DESC, m.id{{c}} DESC"""  # noqa: S608  constants
_REGIONS: Final = """SELECT r.id, r.name, r.currency_code FROM region r
    WHERE r.id {ids} AND r.deleted_at IS NULL"""


class Variant(NamedTuple):
    """The cells of one row that are not its product's: fixed columns, prices, options.

    Prices are numbers as text, empty where there is none; other cells are text, a whole number or
    None.
    """

    fixed: Sequence[Any]
    prices: Sequence[str]
    options: Sequence[str | None]


class Product(NamedTuple):
    """The cells that all rows of a product share, before and after those of its variants."""

    head: Sequence[Any]
    tail: Sequence[str | None]
    variants: Sequence[Variant]


@attrs.frozen(kw_only=True)
class Page:
    """Some products, and how many of those asked for were not there any more."""

    products: Sequence[Product]
    gone: int

    def rows(self) -> Iterator[Sequence[Cell]]:
        """Yield a row for each variant, with prices as numbers; nothing is escaped."""
        for product in self.products:
            for variant in product.variants:
                prices = [Decimal(price) if price else None for price in variant.prices]
                yield [*product.head, *variant.fixed, *prices, *variant.options, *product.tail]


def read_page(connection: "Connection", ids: Sequence[str], shape: Shape) -> Page:
    """Return the products *ids*, in that order, each with its variants by rank.

    Values that have no column in *shape* are left out.
    """
    ask = _Asker(connection=connection)
    heads, tails = _heads(ask, ids), _tails(ask, ids, shape)
    variants: dict[str, list[Row]] = {product: [] for product in heads}
    for row in ask(_VARIANTS, ids):
        if row[0] in variants:
            variants[row[0]].append(row)
    prices = _prices(ask, [row[1] for rows in variants.values() for row in rows], shape)
    options, blank = _options(ask, variants, shape), [""] * len(shape.price_titles)
    products = [
        Product(
            heads[product],
            tails[product],
            [
                Variant(row[1:], prices.get(row[1], blank), options.get(row[1], ()))
                for row in variants[product]
            ],
        )
        for product in ids
        if product in heads
    ]
    return Page(products=products, gone=len(ids) - len(heads))


@attrs.frozen(kw_only=True)
class _Asker:
    """Asks for one kind of thing after the other."""

    connection: "Connection"

    def __call__(self, sql: str, ids: Sequence[str]) -> Sequence[Row]:
        """Return the driver's own tuples: rows of SQLAlchemy's cost a tenth more."""
        from sqlalchemy import text

        dialect = SQLITE if self.connection.dialect.name == "sqlite" else POSTGRESQL
        query = text(sql.format(ids=dialect.among.format("ids"), c=dialect.c))
        result = self.connection.execute(query, {"ids": json.dumps(ids)})
        rows: Sequence[Row] = result.cursor.fetchall()
        return rows


def _heads(ask: _Asker, ids: Sequence[str]) -> dict[str, Row]:
    """Return the cells of each product that stand before those of its variants."""
    tags: dict[str, list[str]] = defaultdict(list)
    for product, value in ask(_TAGS, ids):
        tags[product].append(value)
    profiles = {product: (name, kind) for product, name, kind in ask(_PROFILES, ids)}
    return {
        row[0]: (
            *row[:18],
            tags_cell(tags[row[0]]) if row[0] in tags else None,
            *row[18:],
            *profiles.get(row[0], (None, None)),
        )
        for row in ask(_PRODUCTS, ids)
    }


def _tails(ask: _Asker, ids: Sequence[str], shape: Shape) -> dict[str, list[Any]]:
    """Return the cells of each product that stand after those of its variants."""
    images: dict[str, list[Any]] = {product: [] for product in ids}
    for product, url in ask(_IMAGES, ids) if shape.images else ():
        images[product].append(url)
    channels: dict[str, list[Any]] = {product: [] for product in ids}
    for product, *cells in ask(_CHANNELS, ids) if shape.channels else ():
        channels[product] += cells
    return {
        product: _fit(urls, shape.images) + _fit(channels[product], 3 * shape.channels)
        for product, urls in images.items()
    }


def _fit(cells: list[Any], size: int) -> list[Any]:
    return cells[:size] + [None] * (size - len(cells))


def _prices(ask: _Asker, variants: Sequence[str], shape: Shape) -> dict[str, list[str]]:
    """Return the price cells of each variant that has one; of equal prices the oldest counts."""
    slots, blank = _slots(ask, shape), [""] * len(shape.price_titles)
    cells: dict[str, list[str]] = {}
    for variant, currency, region, amount in ask(_PRICES, variants) if blank else ():
        code = currency.lower()
        at = slots.get((code, region))
        if at is not None:
            if variant not in cells:
                cells[variant] = blank.copy()
            cells[variant][at] = price_text(amount, code)
    return cells


def _slots(ask: _Asker, shape: Shape) -> dict[tuple[str, str | None], int]:
    """Return where prices belong, by currency and region's id.

    A region that is gone, or has another name or currency than its column says, has no place.
    """
    named = [region for _, region, _ in shape.slots if region is not None]
    regions = {id_: (code.lower(), id_, name) for id_, name, code in ask(_REGIONS, named)}
    return {
        (code, region): at
        for (code, region, name), at in shape.slots.items()
        if region is None or regions.get(region) == (code, region, name)
    }


def price_text(amount: int, currency: str) -> str:
    """Return *amount*, in minor units of *currency* (lower case), as a plain exact number.

    1099 cents are ``10.99``, 1050 are ``10.5``, 1000 are ``10``; yen have no minor unit.
    """
    if currency in ZERO_DECIMAL:
        return str(amount)
    if amount < 0:
        return "-" + price_text(-amount, currency)
    return f"{amount // 100}{_CENTS[amount % 100]}"


_CENTS: Final = tuple(f".{n:02d}".rstrip("0").rstrip(".") for n in range(100))


def _options(
    ask: _Asker, variants: Mapping[str, Iterable[Row]], shape: Shape
) -> dict[str, list[str | None]]:
    """Return the option cells of each variant: the names of its product, and its own values."""
    if not shape.options:
        return {}
    names: dict[str, list[str | None]] = {product: [] for product in variants}
    slots: dict[str, dict[str, int]] = {product: {} for product in variants}
    for product, option, title in ask(_OPTIONS, list(variants)):
        cells = names[product]
        if len(cells) < 2 * shape.options:
            slots[product][option] = len(cells) + 1
            cells += (title, None)
    places = {}
    for product, rows in variants.items():
        cells = _fit(names[product], 2 * shape.options)
        places.update({row[1]: (cells.copy(), slots[product]) for row in rows})
    for variant, option, value in ask(_VALUES, list(places)):
        cells, known = places[variant]
        if option in known:
            cells[known[option]] = value
    return {variant: cells for variant, (cells, _) in places.items()}


def tags_cell(values: Iterable[str]) -> str:
    """Return tags as one cell; quoted as CSV does where they have a comma or a quote."""
    return ",".join(
        '"' + value.replace('"', '""') + '"' if "," in value or '"' in value else value
        for value in values
    )
