"""Writing what an import has planned, after a look at whether it still fits.

Under the locks of the products concerned, values that are as they shall be are left alone, values
that are as they were shown are changed, and a product that is neither is refused as a whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from batchjob.products.changes import (
    PRODUCT_FIELDS,
    VARIANT_FIELDS,
    ProductChange,
    Values,
    VariantChange,
)
from batchjob.products.sink import Sink
from batchjob.products.states import Asker, State, ids_of_handles, part, read_known, read_states

if TYPE_CHECKING:
    from sqlalchemy import Connection

CHANGED, GONE = "changed_since", "not_there"

_BY_VALUE: Final = """SELECT t.{column}, t.id, t.created_at FROM {table} t
    WHERE (t.{column} {within}) IS TRUE AND t.deleted_at IS NULL
    ORDER BY t.created_at DESC, t.id{c} DESC"""
_OPTION_VALUE: Final = """UPDATE product_option_value SET value = ?, updated_at = ?
    WHERE variant_id = ? AND option_id = ? AND deleted_at IS NULL"""
_LINKS: Final[Mapping[str, str]] = {
    "product_tags": "tags",
    "product_sales_channel": "channels",
    "product_images": "images",
}
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
    """Turns changes into rows."""

    def __init__(self, ask: Asker, states: Mapping[str, State]) -> None:
        self._ask, self._states, self._sink = ask, states, Sink(ask)
        self._products: list[tuple[ProductChange, bool]] = []
        self._made: dict[str, ProductChange] = {}
        self._options: dict[str, dict[str, str]] = {
            state.id: dict(state.options) for state in states.values()
        }

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
        sink, id_, new = self._sink, change["id"], change["new"]
        titles = self._options_of(change["product"])
        there = state.variants.get(id_) if state is not None else None
        if there is None:
            fields = map(new.get, VARIANT_FIELDS)
            sink.add("product_variant", id_, change["product"], new["rank"], *fields)
            for title, value in new["options"].items():
                self._add_value(id_, titles[title], value)
            for key, amount in new["prices"].items():
                sink.add_price(id_, key, amount)
            return
        if part(there, new) == new:
            return
        sink.update("product_variant", id_, {n: new[n] for n in VARIANT_FIELDS if n in new})
        for title, value in new.get("options", {}).items():
            if there["options"].get(title) is None:
                self._add_value(id_, titles[title], value)
            else:
                sink.run(_OPTION_VALUE, value, sink.now, id_, titles[title])
        if new.get("prices"):
            sink.change_prices(id_, new["prices"])

    def write(self) -> None:
        """Write everything that was taken."""
        self._write_products()
        self._sink.write()

    def _options_of(self, product: str) -> dict[str, str]:
        if product not in self._options:
            self._options[product] = {}
            for title in self._made[product]["new"]["options"]:
                self._options[product][title] = id_ = self._sink.new_id("opt")
                self._sink.add("product_option", id_, title, product)
        return self._options[product]

    def _write_products(self) -> None:
        types = self._shared("product_type", "value", "ptyp", self._wanted("type"))
        tags = self._shared("product_tag", "value", "ptag", self._wanted("tags"))
        images = self._images()
        profile = read_known(self._ask).profile
        for change, is_new in self._products:
            product, new = change["id"], change["new"]
            kind = new.get("type")
            type_id = None if kind is None else types[kind]
            if is_new:
                self._options_of(product)
                fields = map(new.get, PRODUCT_FIELDS)
                self._sink.add("product", product, False, type_id, *fields)
                if profile is not None:
                    self._sink.link("product_shipping_profile", profile, product)
            else:
                changed = {name: new[name] for name in PRODUCT_FIELDS if name in new}
                if "type" in new:
                    changed["type_id"] = type_id
                self._sink.update("product", product, changed)
            for table, name in _LINKS.items():
                if name not in new:
                    continue
                if not is_new:
                    self._sink.run(f"DELETE FROM {table} WHERE product_id = ?", product)  # noqa: S608
                others = images[product] if name == "images" else new[name]
                for other in others:
                    self._sink.link(table, product, tags[other] if name == "tags" else other)

    def _wanted(self, name: str) -> set[str]:
        found: set[str] = set()
        for change, _ in self._products:
            value = change["new"].get(name)
            found |= {value} if isinstance(value, str) else set(value or ())
        return found

    def _shared(
        self, table: str, column: str, prefix: str, values: Iterable[str]
    ) -> dict[str, str]:
        """Return the ids of what products share, by value; what is not there is made."""
        wanted = set(values)

        def look() -> dict[str, str]:
            found = self._ask(_BY_VALUE, wanted, table=table, column=column)
            return {value: id_ for value, id_, _ in found}

        there = look()
        if wanted - there.keys() and not self._ask.is_sqlite:
            # Nothing keeps two transactions from making the same value: they take turns.
            self._ask.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            there = look()
        for value in sorted(wanted - there.keys()):
            there[value] = self._sink.new_id(prefix)
            self._sink.add(table, there[value], value)
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
                    place = self._sink.now, self._sink.new_id("img")
                    self._sink.add("image", place[1], url)
                    known.setdefault(url, place)
                mine.append(place)
            ids[change["id"]] = [id_ for _, id_ in mine]
        return ids

    def _add_value(self, variant: str, option: str, value: str) -> None:
        id_ = self._sink.new_id("optval")
        self._sink.add("product_option_value", id_, value, option, variant)
