"""Products as they are, for imports: what planning compares rows with, and applying looks at again.

Here belong the queries, one for each kind of thing for many products. What is soft-deleted is not
there. Orders are those of the export, so that both see the same.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from batchjob.products.catalog import POSTGRESQL, SQLITE
from batchjob.products.changes import PRODUCT_FIELDS, VARIANT_FIELDS, Values
from batchjob.products.survey import PLAIN_PRICE

if TYPE_CHECKING:
    from sqlalchemy import Connection

Row = tuple[Any, ...]

_PRODUCTS: Final = f"""SELECT p.id, {
    ", ".join(
        "CAST(p.status AS text)" if name == "status" else f"p.{name}" for name in PRODUCT_FIELDS
    )
}, t.value FROM product p LEFT JOIN product_type t ON t.id = p.type_id AND t.deleted_at IS NULL
    WHERE p.id {{ids}} AND p.deleted_at IS NULL{{lock}}"""  # noqa: S608 - constants
_TAGS: Final = """SELECT l.product_id, t.value FROM product_tags l
    JOIN product_tag t ON t.id = l.product_tag_id
    WHERE l.product_id {ids} AND t.deleted_at IS NULL ORDER BY t.value{c}, t.id{c}"""
_IMAGES: Final = """SELECT l.product_id, i.url FROM product_images l
    JOIN image i ON i.id = l.image_id
    WHERE l.product_id {ids} AND i.deleted_at IS NULL ORDER BY i.created_at, i.id{c}"""
_CHANNELS: Final = """SELECT l.product_id, s.id FROM product_sales_channel l
    JOIN sales_channel s ON s.id = l.sales_channel_id
    WHERE l.product_id {ids} AND s.deleted_at IS NULL ORDER BY s.id{c}"""
_OPTIONS: Final = """SELECT o.product_id, o.id, o.title FROM product_option o
    WHERE o.product_id {ids} AND o.deleted_at IS NULL ORDER BY o.created_at, o.id{c}"""
_SCANNED_OPTIONS: Final = _OPTIONS.replace("o.product_id {ids}", "(o.product_id {within}) IS TRUE")
# Medusa's own layout has no such index.
_IS_INDEXED: Final = """SELECT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a
    ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = to_regclass('product_option') AND a.attname = 'product_id')"""
_VARIANTS: Final = f"""SELECT v.product_id, v.id, v.variant_rank,
    {", ".join(f"v.{name}" for name in VARIANT_FIELDS)} FROM product_variant v
    WHERE v.product_id {{ids}} AND v.deleted_at IS NULL
    ORDER BY v.variant_rank NULLS LAST, v.created_at, v.id{{c}}"""  # noqa: S608 - constants
_VALUES: Final = """SELECT w.variant_id, w.option_id, w.value FROM product_option_value w
    WHERE w.variant_id {ids} AND w.deleted_at IS NULL ORDER BY w.created_at DESC, w.id{c} DESC"""
_PRICES: Final = """SELECT l.variant_id, m.currency_code, m.region_id, m.amount, m.id
    FROM product_variant_money_amount l JOIN money_amount m ON m.id = l.money_amount_id
    WHERE l.variant_id {ids} AND {which} ORDER BY m.created_at DESC, m.id{c} DESC"""
_LISTED_PRICE: Final = """l.deleted_at IS NULL AND m.deleted_at IS NULL
    AND m.price_list_id = :list AND m.min_quantity IS NULL AND m.max_quantity IS NULL"""
_BY_INDEX: Final = "SELECT " + ", ".join(
    f"set_config('{name}', 'off', true)"
    for name in ("jit", "enable_hashjoin", "enable_mergejoin", "enable_seqscan")
)
_FLAGS: Final = ("discountable", "allow_backorder", "manage_inventory")


@attrs.define
class State:
    """A product as it is: its values, the ids of its options by title, its variants by id.

    ``rank`` is the highest of its variants, -1 where it has none.
    """

    id: str
    values: dict[str, Any]
    options: dict[str, str] = attrs.field(factory=dict)
    variants: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    rank: int = -1


class Asker:
    """Asks for many things at a time, over one connection."""

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self.is_sqlite = connection.dialect.name == "sqlite"
        self._dialect = SQLITE if self.is_sqlite else POSTGRESQL
        if not self.is_sqlite:
            # Each question is about few rows that an index has; tables that were just filled have
            # no statistics, and the planner would scan them for each page. Compiling costs more.
            connection.exec_driver_sql(_BY_INDEX)

    def __call__(
        self, sql: str, ids: Iterable[str], given: Mapping[str, str] | None = None, **more: str
    ) -> Sequence[Row]:
        """Return the driver's own tuples; ``{ids}`` of *sql* is true of *ids*, ``{within}`` too.

        *given* are other parameters of *sql*, *more* other parts of its text.
        """
        from sqlalchemy import text

        wanted = json.dumps(list(ids))
        if wanted == "[]":
            return ()
        is_one = {"ids": self._dialect.among, "within": self._dialect.within}
        words = {name: each.format("ids") for name, each in is_one.items()}
        words |= {"c": self._dialect.c, **more}
        result = self.connection.execute(
            text(sql.format(**words)), {"ids": wanted, **(given or {})}
        )
        found: Sequence[Row] = result.cursor.fetchall()
        return found


def read_states(ask: Asker, ids: Sequence[str], *, lock: bool = False) -> dict[str, State]:
    """Return the products of *ids* that are there; with *lock* nobody else changes them then."""
    locks = lock and not ask.is_sqlite  # there the transaction that writes has locked all
    words = " ORDER BY p.id FOR UPDATE OF p" if locks else ""
    states = {
        row[0]: State(row[0], _values(PRODUCT_FIELDS, row[1:-1]) | {"type": row[-1]})
        for row in ask(_PRODUCTS, ids, lock=words)
    }
    for name, sql in (("tags", _TAGS), ("images", _IMAGES), ("channels", _CHANNELS)):
        for state in states.values():
            state.values[name] = []
        for product, value in ask(sql, states):
            states[product].values[name].append(value)
    titles: dict[str, str] = {}
    options = _OPTIONS if _options_are_indexed(ask) else _SCANNED_OPTIONS
    for product, option, title in ask(options, states):
        states[product].options.setdefault(title, option)
        titles[option] = title
    owners: dict[str, dict[str, Any]] = {}
    for product, variant, rank, *cells in ask(_VARIANTS, states):
        found = _values(VARIANT_FIELDS, cells) | {"options": {}, "prices": {}}
        owners[variant] = states[product].variants[variant] = found
        states[product].rank = max(states[product].rank, rank or 0)
    for variant, option, value in ask(_VALUES, owners):
        if option in titles:
            owners[variant]["options"][titles[option]] = value
    for variant, key, amount, _ in read_prices(ask, owners):
        owners[variant]["prices"][key] = amount
    for state in states.values():
        state.values["options"] = list(state.options)
    return states


def _options_are_indexed(ask: Asker) -> bool:
    """Tell whether the options of products are found by an index; else they are scanned, once."""
    return ask.is_sqlite or bool(ask.connection.exec_driver_sql(_IS_INDEXED).scalar())


def read_prices(
    ask: Asker, variants: Iterable[str], price_list: str | None = None
) -> Iterator[tuple[str, str, int, str]]:
    """Yield (variant, key, amount, id) of prices for any quantity; of equal keys the oldest last.

    They are those of *price_list*, or where it is None those that are in none.
    """
    which = PLAIN_PRICE if price_list is None else _LISTED_PRICE
    for variant, currency, region, amount, id_ in ask(
        _PRICES, variants, {} if price_list is None else {"list": price_list}, which=which
    ):
        code = currency.lower()
        yield variant, code if region is None else f"{code} {region}", amount, id_


def prices_of(ask: Asker, variants: Iterable[str], price_list: str) -> dict[str, dict[str, int]]:
    """Return the prices of variants in a price list, amounts by key."""
    found: dict[str, dict[str, int]] = {}
    for variant, key, amount, _ in read_prices(ask, variants, price_list):
        found.setdefault(variant, {})[key] = amount
    return found


def _values(names: Sequence[str], cells: Iterable[Any]) -> dict[str, Any]:
    found = dict(zip(names, cells, strict=True))
    for name in _FLAGS:  # SQLite has no truth of its own
        if name in found:
            found[name] = bool(found[name])
    return found


def part(values: Values, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of *values* that *names* has, of ``prices`` and ``options`` of a variant too."""
    found: dict[str, Any] = {}
    for name, new in names.items():
        value = values.get(name)
        if isinstance(new, Mapping):
            value = {key: (value or {}).get(key) for key in new}
        found[name] = value
    return found


@attrs.frozen(kw_only=True)
class Known:
    """What else there is in a catalogue that rows may name.

    ``currencies`` are codes in lower case, ``regions`` (id, currency) by name. ``profile`` is the
    id of the default shipping profile, None where there is none.
    """

    currencies: frozenset[str]
    regions: Mapping[str, tuple[str, str]]
    profile: str | None


def read_known(ask: Asker) -> Known:
    """Return the currencies, the regions and the default shipping profile."""
    from sqlalchemy import text

    run = ask.connection.execute
    regions = run(
        text(
            "SELECT r.name, r.id, r.currency_code FROM region r WHERE r.deleted_at IS NULL"
            " ORDER BY r.created_at DESC, r.id DESC"
        )
    )
    profiles = run(
        text(
            "SELECT s.id FROM shipping_profile s WHERE CAST(s.type AS text) = 'default'"
            " AND s.deleted_at IS NULL ORDER BY s.created_at, s.id"
        )
    )
    return Known(
        currencies=frozenset(
            code.lower() for (code,) in run(text("SELECT c.code FROM currency c"))
        ),
        regions={name: (region, code.lower()) for name, region, code in regions},
        profile=next((profile for (profile,) in profiles), None),
    )


_PRICE_LIST: Final = "SELECT p.id FROM price_list p WHERE p.id {ids} AND p.deleted_at IS NULL"
_HELD: Final = """SELECT v.id FROM product_variant v
    WHERE v.id {ids} AND v.deleted_at IS NULL ORDER BY v.id{lock}"""
_IDS_OF_HANDLES: Final = """SELECT p.handle, p.id FROM product p
    WHERE p.handle {ids} AND p.deleted_at IS NULL"""
_VARIANTS_OF: Final = """SELECT v.{column}, v.id, v.product_id FROM product_variant v
    WHERE v.{column} {ids} AND v.deleted_at IS NULL"""
# One by one, and "OFFSET 0" keeps it so: asked for an array of SKUs, PostgreSQL may go by Medusa's
# index of trigrams, which takes it seconds, and a join scans where there are no statistics.
_VARIANTS_OF_EACH: Final = """SELECT v.*
    FROM json_array_elements_text(CAST(:ids AS json)) AS w(given),
    LATERAL (SELECT v.{column}, v.id, v.product_id FROM product_variant v
    WHERE v.{column} = w.given AND v.deleted_at IS NULL OFFSET 0) v"""
_COLLECTIONS: Final = """SELECT c.{column}, c.id FROM product_collection c
    WHERE c.{column} {ids} AND c.deleted_at IS NULL ORDER BY c.created_at DESC, c.id{c} DESC"""
_CHANNELS_OF: Final = """SELECT s.{column}, s.id FROM sales_channel s
    WHERE s.{column} {ids} AND s.deleted_at IS NULL ORDER BY s.created_at DESC, s.id{c} DESC"""


def ids_of_handles(ask: Asker, handles: Iterable[str]) -> dict[str, str]:
    """Return the ids of products by their handles."""
    return dict(ask(_IDS_OF_HANDLES, handles))


def variants_of(ask: Asker, column: str, values: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return (variant, product) by the values of ``id``, ``sku`` or ``barcode``."""
    found = ask(_VARIANTS_OF if ask.is_sqlite else _VARIANTS_OF_EACH, values, column=column)
    return {value: (variant, product) for value, variant, product in found}


def collections_of(ask: Asker, column: str, values: Iterable[str]) -> dict[str, str]:
    """Return ids of collections by ``handle`` or ``title``; of equal titles the oldest one's."""
    return dict(ask(_COLLECTIONS, values, column=column))


def channels_of(ask: Asker, column: str, values: Iterable[str]) -> dict[str, str]:
    """Return ids of sales channels by ``id`` or ``name``; of equal names the oldest one's."""
    return dict(ask(_CHANNELS_OF, values, column=column))


def is_price_list(ask: Asker, id_: str) -> bool:
    """Tell whether there is a price list of this id."""
    return bool(ask(_PRICE_LIST, [id_]))


def hold_variants(ask: Asker, ids: Iterable[str]) -> set[str]:
    """Return those of the variants that are there; nobody else changes them then."""
    lock = "" if ask.is_sqlite else " FOR NO KEY UPDATE"
    return {id_ for (id_,) in ask(_HELD, ids, lock=lock)}
