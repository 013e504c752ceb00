"""Writing what an import has planned, after a look at whether it still fits.

Under the locks of the products concerned, values that are as they shall be are left alone, values
that are as they were shown are changed, and a product that is neither is refused as a whole.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from batchjob.products.changes import (
    PRODUCT_FIELDS,
    VARIANT_FIELDS,
    ProductChange,
    Values,
    VariantChange,
)
from batchjob.products.ids import IdMaker
from batchjob.products.states import Asker, State, ids_of_handles, part, read_known, read_states
from batchjob.products.survey import PLAIN_PRICE

if TYPE_CHECKING:
    from sqlalchemy import Connection

CHANGED, GONE = "changed_since", "not_there"

_BY_VALUE: Final = """SELECT t.{column}, t.id, t.created_at FROM {table} t
    WHERE t.{column} {ids} AND t.deleted_at IS NULL ORDER BY t.created_at DESC, t.id{c} DESC"""
_MONEY: Final = f"""SELECT l.variant_id, m.currency_code, m.region_id, m.id
    FROM product_variant_money_amount l JOIN money_amount m ON m.id = l.money_amount_id
    WHERE l.variant_id {{ids}} AND {PLAIN_PRICE}"""  # noqa: S608 - constants
_LOCK: Final = 0x62_61_74_63_68  # of PostgreSQL's advisory ones, for what products share


def apply_products(
    connection: "Connection",
    products: Sequence[ProductChange],
    variants: Sequence[VariantChange],
) -> dict[str, str]:
    """Write the changes, in the caller's transaction; return why products were refused, by id.

    What the database refuses is raised as SQLAlchemy has it.
    """
    ask = Asker(connection)
    ids = sorted({each["id"] for each in products} | {each["product"] for each in variants})
    states = read_states(ask, ids, lock=True)
    refused = _refused(ask, states, products, variants)
    writer = _Writer(ask, states)
    for product in products:
        if product["id"] not in refused:
            writer.product(product, is_new=product["id"] not in states)
    for variant in variants:
        if variant["product"] not in refused:
            writer.variant(variant, states.get(variant["product"]))
    writer.write()
    return refused


def _refused(
    ask: Asker,
    states: Mapping[str, State],
    products: Sequence[ProductChange],
    variants: Sequence[VariantChange],
) -> dict[str, str]:
    """Return why products cannot be written, by their ids."""
    made = {each["id"] for each in products if each["old"] is None}
    handles = {each["new"]["handle"]: each["id"] for each in products if each["id"] in made}
    taken = ids_of_handles(ask, handles)
    refused = {handles[handle]: CHANGED for handle, id_ in taken.items() if id_ != handles[handle]}
    wanted = {each["id"] for each in products} | {each["product"] for each in variants}
    refused |= dict.fromkeys(wanted - states.keys() - made, GONE)
    for product in products:
        state = states.get(product["id"])
        if state is not None and not _fits(state.values, product):
            refused[product["id"]] = CHANGED
    for variant in variants:
        state = states.get(variant["product"])
        if state is not None and not _fits(state.variants.get(variant["id"]), variant):
            refused[variant["product"]] = CHANGED
    return refused


def _fits(there: Values | None, change: ProductChange | VariantChange) -> bool:
    """Tell whether values are as they shall be, or as they were shown."""
    if there is None:
        return change["old"] is None
    found = part(there, {name: new for name, new in change["new"].items() if name != "rank"})
    return found in ({n: v for n, v in change["new"].items() if n != "rank"}, change["old"])


class _Writer:
    """Gathers rows, and writes them table by table."""

    def __init__(self, ask: Asker, states: Mapping[str, State]) -> None:
        from batchjob.products.times import stored  # which knows SQLAlchemy's types

        self._ask, self._states = ask, states
        self._id = IdMaker(secrets.randbits)
        now = datetime.now(UTC)
        self._now: Any = stored(now) if ask.is_sqlite else now
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._updates: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        self._products: list[tuple[ProductChange, bool]] = []
        self._made: dict[str, ProductChange] = {}
        self._options: dict[str, dict[str, str]] = {
            state.id: dict(state.options) for state in states.values()
        }
        self._prices: list[tuple[str, Mapping[str, Any]]] = []

    def product(self, change: ProductChange, *, is_new: bool) -> None:
        """Take a product that is to be made or changed."""
        state = self._states.get(change["id"])
        if state is not None and part(state.values, change["new"]) == change["new"]:
            return
        self._products.append((change, is_new))
        if is_new:
            self._made[change["id"]] = change

    def variant(self, change: VariantChange, state: State | None) -> None:
        """Take a variant that is to be made or changed."""
        is_new = state is None or change["id"] not in state.variants
        product, new = change["product"], dict(change["new"])
        titles = self._options_of(product)
        if is_new:
            fields = {name: new[name] for name in VARIANT_FIELDS}
            made = {"id": change["id"], "product_id": product, "variant_rank": new["rank"]}
            self._add("product_variant", made | fields)
            for title, value in new["options"].items():
                self._add_value(change["id"], titles[title], value)
            for key, amount in new["prices"].items():
                self._add_price(change["id"], key, amount)
            return
        there = state.variants[change["id"]] if state else {}
        if part(there, new) == new:
            return
        fields = {name: new[name] for name in VARIANT_FIELDS if name in new}
        self._update("product_variant", change["id"], fields)
        for title, value in new.get("options", {}).items():
            if there["options"].get(title) is None:
                self._add_value(change["id"], titles[title], value)
            else:
                self._updates["option value",].append(
                    (value, self._now, change["id"], titles[title])
                )
        if new.get("prices"):
            self._prices.append((change["id"], new["prices"]))

    def write(self) -> None:
        """Write everything that was taken."""
        self._write_products()
        self._change_prices()
        for what, rows in self._updates.items():
            self._run(_statement(what), rows)
        for table in _ORDER:
            self._insert(table, self._rows[table])

    def _options_of(self, product: str) -> dict[str, str]:
        if product not in self._options:
            self._options[product] = {}
            for title in self._made[product]["new"]["options"]:
                self._options[product][title] = self._id("opt")
                row = {"id": self._options[product][title], "title": title, "product_id": product}
                self._add("product_option", row)
        return self._options[product]

    def _write_products(self) -> None:
        types = self._shared("product_type", "value", "ptyp", self._wanted("type"))
        tags = self._shared("product_tag", "value", "ptag", self._wanted("tags"))
        images = self._images()
        profile = read_known(self._ask).profile
        for change, is_new in self._products:
            product, new = change["id"], change["new"]
            fields = {name: new[name] for name in PRODUCT_FIELDS if name in new}
            if "type" in new:
                fields["type_id"] = None if new["type"] is None else types[new["type"]][0]
            if is_new:
                self._options_of(product)
                self._add("product", {"id": product, "is_giftcard": False, **fields})
                if profile is not None:
                    link = {"profile_id": profile, "product_id": product}
                    self._rows["product_shipping_profile"].append(link)
            else:
                self._update("product", product, fields)
            self._link("product_tags", "product_tag_id", change, "tags", is_new=is_new, of=tags)
            channels = "product_sales_channel", "sales_channel_id"
            self._link(*channels, change, "channels", is_new=is_new)
            pictures = (
                change if "images" not in new else {**change, "new": {"images": images[product]}}
            )
            self._link("product_images", "image_id", pictures, "images", is_new=is_new)

    def _link(
        self,
        table: str,
        column: str,
        change: ProductChange,
        name: str,
        *,
        is_new: bool,
        of: Mapping[str, tuple[str, Any]] | None = None,
    ) -> None:
        """Link a product to what it shall have, and to nothing else of that kind."""
        if name not in change["new"]:
            return
        if not is_new:
            self._updates["unlink", table].append((change["id"],))
        for value in change["new"][name]:
            other = value if of is None else of[value][0]
            self._rows[table].append({"product_id": change["id"], column: other})

    def _wanted(self, name: str) -> set[str]:
        found: set[str] = set()
        for change, _ in self._products:
            value = change["new"].get(name)
            found |= {value} if isinstance(value, str) else set(value or ())
        return found

    def _shared(
        self, table: str, column: str, prefix: str, values: Iterable[str]
    ) -> dict[str, tuple[str, Any]]:
        """Return (id, time) of what products share, by value; what is not there is made."""
        wanted = set(values)

        def look() -> dict[str, tuple[str, Any]]:
            found = self._ask(_BY_VALUE, wanted, table=table, column=column)
            return {value: (id_, at) for value, id_, at in found}

        there = look()
        if wanted - there.keys() and not self._ask.is_sqlite:
            # Nothing keeps two transactions from making the same value: they take turns.
            self._ask.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            there = look()
        for value in sorted(wanted - there.keys()):
            there[value] = self._id(prefix), self._now
            self._add(table, {"id": there[value][0], column: value})
        return there

    def _images(self) -> dict[str, list[str]]:
        """Return the ids of the images of each product, such that they show in that order.

        They are ordered by their own times, so an image that others have is shared where it comes
        in its turn, and made anew where it would not.
        """
        wanted = self._wanted("images")
        found = self._ask(_BY_VALUE, wanted, table="image", column="url")
        known = {url: (at, id_) for url, id_, at in found}
        ids: dict[str, list[str]] = {}
        for change, _ in self._products:
            mine: list[tuple[Any, str]] = []
            for url in change["new"].get("images", ()):
                place = known.get(url)
                if place is None or (mine and place <= mine[-1]):
                    place = self._now, self._id("img")
                    self._add("image", {"id": place[1], "url": url})
                    known.setdefault(url, place)
                mine.append(place)
            ids[change["id"]] = [id_ for _, id_ in mine]
        return ids

    def _change_prices(self) -> None:
        """Change, add and take away prices of variants that are there."""
        money = defaultdict[tuple[str, str], list[str]](list)
        for variant, code, region, id_ in self._ask(_MONEY, [v for v, _ in self._prices]):
            key = code.lower() if region is None else f"{code.lower()} {region}"
            money[variant, key].append(id_)
        for variant, prices in self._prices:
            for key, amount in prices.items():
                for id_ in money[variant, key]:
                    if amount is None:
                        self._updates["unlink price",].append((id_,))
                        self._updates["delete price",].append((id_,))
                    else:
                        self._updates["price",].append((amount, self._now, id_))
                if amount is not None and not money[variant, key]:
                    self._add_price(variant, key, amount)

    def _add_value(self, variant: str, option: str, value: str) -> None:
        row = {"id": self._id("optval"), "value": value, "option_id": option}
        self._add("product_option_value", row | {"variant_id": variant})

    def _add_price(self, variant: str, key: str, amount: int) -> None:
        code, _, region = key.partition(" ")
        id_ = self._id("ma")
        row = {"id": id_, "currency_code": code, "amount": amount, "region_id": region or None}
        self._add("money_amount", row)
        link = {"id": self._id("pvma"), "money_amount_id": id_, "variant_id": variant}
        self._add("product_variant_money_amount", link)

    def _add(self, table: str, row: dict[str, Any]) -> None:
        self._rows[table].append({**row, "created_at": self._now, "updated_at": self._now})

    def _update(self, table: str, id_: str, fields: Mapping[str, Any]) -> None:
        if fields:
            row = (*fields.values(), self._now, id_)
            self._updates["update", table, *fields].append(row)

    def _insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        names, cells = tuple(rows[0]), [tuple(row.values()) for row in rows]
        if self._ask.is_sqlite:
            self._run(_statement(("insert", table, *names)), cells)
        else:
            _copy(self._ask.connection, f"COPY {table} ({', '.join(names)}) FROM STDIN", cells)

    def _run(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            mark = "?" if self._ask.is_sqlite else "%s"
            self._ask.connection.exec_driver_sql(sql.replace("?", mark), rows)


_ORDER: Final = (  # so that what a row names is there before it
    *("product_type", "product_tag", "image", "product", "product_shipping_profile"),
    *("product_option", "product_variant", "product_option_value", "money_amount"),
    *("product_variant_money_amount", "product_tags", "product_images", "product_sales_channel"),
)
_FIXED: Final[Mapping[str, str]] = {
    "option value": "UPDATE product_option_value SET value = ?, updated_at = ?"
    " WHERE variant_id = ? AND option_id = ? AND deleted_at IS NULL",
    "price": "UPDATE money_amount SET amount = ?, updated_at = ? WHERE id = ?",
    "unlink price": "DELETE FROM product_variant_money_amount WHERE money_amount_id = ?",
    "delete price": "DELETE FROM money_amount WHERE id = ?",
}


def _copy(connection: "Connection", sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows as PostgreSQL takes them quickest; raises as SQLAlchemy does for statements."""
    import psycopg
    from sqlalchemy.exc import DBAPIError

    cursor: Any = connection.connection.cursor()  # psycopg's own, which SQLAlchemy's types hide
    try:
        with cursor, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            sql, None, error, psycopg.Error, dialect=connection.dialect
        ) from error


def _statement(what: Sequence[str]) -> str:
    """Return the SQL of a kind of write; names are those of our own tables."""
    kind, *more = what
    if kind in _FIXED:
        return _FIXED[kind]
    table, *names = more
    if kind == "unlink":
        return f"DELETE FROM {table} WHERE product_id = ?"  # noqa: S608
    if kind == "update":
        sets = ", ".join(f"{name} = ?" for name in (*names, "updated_at"))
        return f"UPDATE {table} SET {sets} WHERE id = ?"  # noqa: S608
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
