"""What the products of an export have: counted by aggregate queries, without reading it all.

Here belong which prices count, the shape that a catalogue needs, and how much of it has no column
in a shape that was given.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from batchjob.products.selection import Selection
from batchjob.products.shape import PriceColumn, Shape

if TYPE_CHECKING:
    from sqlalchemy import Connection

PLAIN_PRICE: Final = """l.deleted_at IS NULL AND m.deleted_at IS NULL
    AND (m.price_list_id IS NULL) IS TRUE AND m.min_quantity IS NULL AND m.max_quantity IS NULL"""
"""True of a price (``m``, linked by ``l``) outside price lists and for any quantity.

Prices by quantity would be taken for plain ones when the file is imported.  ``IS TRUE`` keeps
SQLite from an index of prices that are in no list: that is nearly all of them.
"""

_COUNT: Final = """SELECT n, count(*) FROM (SELECT count(*) AS n FROM ({chosen}) x
    JOIN {link} l ON l.product_id = x.id {alive} GROUP BY x.id) y GROUP BY n ORDER BY n"""
_COUNTED: Final = {
    "images": ("product_images", "JOIN image i ON i.id = l.image_id AND i.deleted_at IS NULL"),
    "options": ("product_option", "AND l.deleted_at IS NULL"),
    "channels": (
        "product_sales_channel",
        "JOIN sales_channel s ON s.id = l.sales_channel_id AND s.deleted_at IS NULL",
    ),
}
# A price left over from a region's former currency is none: its column would say another one.
_PRICES: Final = f"""SELECT lower(y.code), r.id, r.name, sum(y.n) FROM (
    SELECT m.currency_code AS code, m.region_id AS region, count(*) AS n FROM ({{chosen}}) x
    JOIN product_variant v ON v.product_id = x.id AND v.deleted_at IS NULL
    JOIN product_variant_money_amount l ON l.variant_id = v.id
    JOIN money_amount m ON m.id = l.money_amount_id
    WHERE {PLAIN_PRICE} GROUP BY m.currency_code, m.region_id) y
    LEFT JOIN region r ON r.id = y.region
    WHERE y.region IS NULL OR r.deleted_at IS NULL AND lower(r.currency_code) = lower(y.code)
    GROUP BY 1, 2, 3"""  # noqa: S608  constants


@attrs.frozen(kw_only=True)
class Survey:
    """What there is in the products an export is about.

    For images, options and channels: how many products have so many. For prices: how many there
    are of each kind.
    """

    products: int
    counts: Mapping[str, Mapping[int, int]]
    prices: Mapping[PriceColumn, int]

    @property
    def shape(self) -> Shape:
        """The columns that all of it needs; prices by currency, then by region's name and id."""
        order = sorted(
            self.prices, key=lambda p: (p.currency, p.region_name or "", p.region_id or "")
        )
        most = {kind: max(counts, default=0) for kind, counts in self.counts.items()}
        return Shape(prices=tuple(order), **most)

    def left_out(self, shape: Shape) -> Mapping[str, int]:
        """Return how many values of each kind have no column in *shape*; kinds with none are not.

        An image, an option or a sales channel of a product is one value, a price of a variant too.
        """
        slots = shape.slots
        missing = {
            "prices": sum(
                n
                for price, n in self.prices.items()
                if (price.currency, price.region_id, price.region_name) not in slots
            )
        }
        for kind, counts in self.counts.items():
            room = getattr(shape, kind)
            missing[kind] = sum(max(0, n - room) * products for n, products in counts.items())
        return {kind: n for kind, n in missing.items() if n}


def survey(connection: "Connection", selection: Selection) -> Survey:
    """Count what the selected products have, by five aggregate queries."""
    from sqlalchemy import text

    def ask(sql: str) -> Sequence[Any]:
        query = text(sql.format(chosen=selection.sql))
        return connection.execute(query, selection.parameters).all()

    counts = {
        kind: {row[0]: row[1] for row in ask(_count(link, alive))}
        for kind, (link, alive) in _COUNTED.items()
    }
    prices = {PriceColumn(code, id_, name): int(n) for code, id_, name, n in ask(_PRICES)}
    [(products,)] = ask("SELECT count(*) FROM ({chosen}) x")
    return Survey(products=products, counts=counts, prices=prices)


def _count(link: str, alive: str) -> str:
    return _COUNT.format(chosen="{chosen}", link=link, alive=alive)
