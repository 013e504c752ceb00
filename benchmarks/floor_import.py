"""The floor of product-import: the same catalogue from the same file, written by hand.

This is what a competent person writes for one shop: read, check, look up and stage a page of 500
products after the other, with one query a page for each kind of thing; then apply the staged pages,
each in a transaction by `executemany`, after a look at whether what was shown still holds. It knows
the columns of one kind of file, keeps no job, survives no crash, and stops at the first error
without a report.

    floor_import.py DATABASE_URL FILE FOLDER
"""

import csv
import json
import os
import re
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from benchmarks.floor_export import Ask, connect

PAGE = 500
MOST = 2**31 - 1
CONTROL = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
TAG = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(?:,|\Z)')
PRICE = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?")

PRODUCT = {
    "Product Handle": "handle",
    "Product Title": "title",
    "Product Subtitle": "subtitle",
    "Product Description": "description",
    "Product Status": "status",
    "Product Weight": "weight",
    "Product Height": "height",
    "Product HS Code": "hs_code",
    "Product Origin Country": "origin_country",
    "Product Material": "material",
    "Product Discountable": "discountable",
    "Product External Id": "external_id",
}
VARIANT = {
    "Variant Title": "title",
    "Variant SKU": "sku",
    "Variant Barcode": "barcode",
    "Variant Inventory Quantity": "inventory_quantity",
    "Variant Allow Backorder": "allow_backorder",
    "Variant Manage Inventory": "manage_inventory",
    "Variant Origin Country": "origin_country",
    "Variant Material": "material",
}
PRODUCT_CELLS = ", ".join(
    "CAST(p.status AS text)" if name == "status" else f"p.{name}" for name in PRODUCT.values()
)
PRODUCTS = f"""SELECT p.id, p.collection_id, t.value, {PRODUCT_CELLS} FROM product p
    LEFT JOIN product_type t ON t.id = p.type_id
    WHERE p.id {{ids}} AND p.deleted_at IS NULL"""  # noqa: S608  constants
LINKS = {
    "tags": "SELECT l.product_id, x.value FROM product_tags l JOIN product_tag x"
    " ON x.id = l.product_tag_id WHERE l.product_id {ids} ORDER BY 2",
    "images": "SELECT l.product_id, x.url FROM product_images l JOIN image x"
    " ON x.id = l.image_id WHERE l.product_id {ids} ORDER BY x.created_at, x.id",
    "channels": "SELECT product_id, sales_channel_id FROM product_sales_channel"
    " WHERE product_id {ids} ORDER BY 2",
}
OPTIONS = """SELECT product_id, id, title FROM product_option
    WHERE product_id {ids} AND deleted_at IS NULL ORDER BY created_at, id"""
VARIANTS = f"""SELECT product_id, id, {", ".join(VARIANT.values())} FROM product_variant
    WHERE product_id {{ids}} AND deleted_at IS NULL ORDER BY variant_rank, id"""  # noqa: S608
VALUES = """SELECT variant_id, option_id, value FROM product_option_value
    WHERE variant_id {ids} AND deleted_at IS NULL"""
PRICES = """SELECT l.variant_id, m.currency_code, m.amount, m.id
    FROM product_variant_money_amount l JOIN money_amount m ON m.id = l.money_amount_id
    WHERE l.variant_id {ids} AND m.deleted_at IS NULL AND (m.price_list_id IS NULL) IS TRUE
    AND m.min_quantity IS NULL AND m.max_quantity IS NULL"""

TABLES = {
    "product_type": "id value created_at updated_at",
    "product_tag": "id value created_at updated_at",
    "image": "id url created_at updated_at",
    "product": f"id is_giftcard type_id collection_id thumbnail {' '.join(PRODUCT.values())}"
    " created_at updated_at",
    "product_shipping_profile": "profile_id product_id",
    "product_option": "id title product_id created_at updated_at",
    "product_variant": f"id product_id variant_rank {' '.join(VARIANT.values())}"
    " created_at updated_at",
    "product_option_value": "id value option_id variant_id created_at updated_at",
    "money_amount": "id currency_code amount created_at updated_at",
    "product_variant_money_amount": "id money_amount_id variant_id created_at updated_at",
    "product_tags": "product_id product_tag_id",
    "product_images": "product_id image_id",
    "product_sales_channel": "product_id sales_channel_id",
}
Row = dict[str, Any]
States = dict[str, dict[str, Any]]


def whole(cell: str) -> int:
    """Check a whole number."""
    if not (cell.isascii() and cell.isdecimal()) or (value := int(cell)) > MOST:
        raise ValueError(f"{cell!r} is no whole number")
    return value


def truth(cell: str) -> bool:
    """Check a boolean."""
    return {"true": True, "false": False}[cell.lower()]


def status(cell: str) -> str:
    """Check a status."""
    if (found := cell.lower()) not in ("draft", "proposed", "published", "rejected"):
        raise ValueError(f"{cell!r} is no status")
    return found


def key(cell: str) -> str:
    """Check a text that something is found by."""
    if not cell.isprintable():
        raise ValueError(f"{cell!r} holds a control character")
    return cell


def cents(cell: str) -> int:
    """Check a price."""
    found = PRICE.fullmatch(cell)
    if found is None or (value := int(found[1] + (found[2] or "").ljust(2, "0"))) > MOST:
        raise ValueError(f"{cell!r} is no price")
    return value


CHECKS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("Product Weight", "Product Height", "Variant Inventory Quantity"), whole),
    **dict.fromkeys(
        ("Product Discountable", "Variant Allow Backorder", "Variant Manage Inventory"), truth
    ),
    **dict.fromkeys(("Product Handle", "Variant SKU", "Variant Barcode"), key),
    **dict.fromkeys(("Price EUR", "Price USD"), cents),
    "Product Status": status,
}


def rows_of(file: Path) -> Iterator[Row]:
    """Yield the rows of *file*, checked, with their numbers under an empty name."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.reader(opened, delimiter=";", strict=True)
        header = next(reader)
        checks = [(header.index(name), check) for name, check in CHECKS.items()]
        skus, barcodes = set[str](), set[str]()
        sku, barcode = header.index("Variant SKU"), header.index("Variant Barcode")
        for number, cells in enumerate(reader, 2):
            if len(cells) != len(header) or CONTROL.search("".join(cells)):
                raise ValueError(f"row {number} cannot be read")
            values: list[Any] = [
                (cell[1:] if cell[0] == "'" else cell) if cell else None for cell in cells
            ]
            for at, check in checks:
                if (cell := values[at]) is not None:
                    values[at] = check(cell)
            if values[sku] in skus or values[barcode] in barcodes:
                raise ValueError(f"row {number} repeats a key")
            skus.add(values[sku])
            barcodes.add(values[barcode])
            yield {**dict(zip(header, values, strict=True)), "": number}


def pages(file: Path) -> Iterator[list[list[Row]]]:
    """Yield 500 products at a time, each as its rows."""
    page = []
    for _, rows in groupby(rows_of(file), itemgetter("Product Handle")):
        page.append(list(rows))
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def states_of(ask: Ask, ids: Sequence[str]) -> States:
    """Return the products of *ids* as they are."""
    states: States = {}
    for id_, collection, kind, *cells in ask(PRODUCTS, ids) if ids else ():
        values = dict(zip(PRODUCT.values(), cells, strict=True))
        values["discountable"] = bool(values["discountable"])
        more: Row = {"tags": [], "images": [], "channels": []}
        states[id_] = {
            "values": {**values, "collection_id": collection, "type": kind, **more},
            "options": {},
            "variants": {},
        }
    found = list(states)
    for name, sql in LINKS.items():
        for product, value in ask(sql, found) if found else ():
            states[product]["values"][name].append(value)
    titles = {}
    for product, option, title in ask(OPTIONS, found) if found else ():
        states[product]["options"][title] = option
        titles[option] = title
    variants = {}
    for product, id_, *cells in ask(VARIANTS, found) if found else ():
        values = dict(zip(VARIANT.values(), cells, strict=True))
        for name in ("allow_backorder", "manage_inventory"):
            values[name] = bool(values[name])
        variants[id_] = states[product]["variants"][id_] = {**values, "options": {}, "prices": {}}
    for variant, option, value in ask(VALUES, list(variants)) if variants else ():
        variants[variant]["options"][titles[option]] = value
    for variant, code, amount, _ in ask(PRICES, list(variants)) if variants else ():
        variants[variant]["prices"][code] = amount
    return states


def by(ask: Ask, table: str, column: str, values: set[Any]) -> dict[str, Any]:
    """Return ids by what they are called."""
    sql = f"SELECT {column}, id FROM {table} WHERE {column} {{ids}} AND deleted_at IS NULL"  # noqa: S608
    return {value: id_ for value, id_ in ask(sql, list(values - {None}))}  # noqa: C416


def one(rows: list[Row], name: str) -> Any:
    """Return the one value of a product's column."""
    found = {row[name] for row in rows} - {None}
    if len(found) > 1:
        raise ValueError(f"row {rows[0]['']}: {name} has two values")
    return next(iter(found), None)


class Ids:
    """Makes ids that rise."""

    def __init__(self) -> None:
        self._head, self._next = f"{int(time.time() * 1000):010X}{secrets.token_hex(4)}", 0

    def __call__(self, prefix: str) -> str:
        """Return a new id."""
        self._next += 1
        return f"{prefix}_{self._head}{self._next:08d}"


def plan(ask: Ask, file: Path, folder: Path) -> list[Path]:
    """Stage what a file would change, page by page; return the pages."""
    staged, new_id = list[Path](), Ids()
    for number, page in enumerate(pages(file)):
        rows = [row for each in page for row in each]

        def given(*names: str, rows: list[Row] = rows) -> set[Any]:
            return {row[name] for row in rows for name in names}

        ids = by(ask, "product", "handle", given("Product Handle"))
        skus = by(ask, "product_variant", "sku", given("Variant SKU"))
        by(ask, "product_variant", "barcode", given("Variant Barcode"))
        collections = by(ask, "product_collection", "handle", given("Product Collection Handle"))
        names = "Sales Channel 1 Name", "Sales Channel 2 Name"
        channels = by(ask, "sales_channel", "name", given(*names))
        states = states_of(ask, list(ids.values()))
        path = folder / f"{number}.jsonl"
        with path.open("w", encoding="utf-8") as out:
            for group in page:
                id_ = ids.get(group[0]["Product Handle"])
                wanted = product_of(group, collections, channels)
                lines = changes(group, wanted, id_, states.get(id_ or ""), skus, new_id)
                out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            out.flush()
            os.fsync(out.fileno())
        staged.append(path)
    return staged


def product_of(rows: list[Row], collections: Row, channels: Row) -> Row:
    """Return what the rows of a product say of it."""
    wanted: Row = {field: one(rows, name) for name, field in PRODUCT.items()}
    collection = one(rows, "Product Collection Handle")
    wanted["collection_id"] = None if collection is None else collections[collection]
    wanted["type"] = one(rows, "Product Type")
    tags = TAG.finditer(one(rows, "Product Tags") or "")
    wanted["tags"] = sorted({(each[1] or each[2] or "").strip() for each in tags} - {""})
    images = (one(rows, f"Image {n} Url") for n in (1, 2))
    wanted["images"] = [url for url in images if url]
    named = (one(rows, f"Sales Channel {n} Name") for n in (1, 2))
    wanted["channels"] = sorted(channels[name] for name in named if name)
    if wanted["handle"] is None or wanted["title"] is None:
        raise ValueError(f"row {rows[0]['']}: a product needs a handle and a title")
    return wanted


def changes(
    rows: list[Row], wanted: Row, id_: str | None, state: Any, skus: Row, new_id: Ids
) -> Iterator[Row]:
    """Yield what becomes of each row of a product."""
    seen = set[tuple[Any, ...]]()
    id_, is_new = id_ or new_id("prod"), state is None
    if is_new:
        wanted["thumbnail"] = next(iter(wanted["images"]), None)
        wanted["options"] = [rows[0][f"Option {n} Name"] for n in (1, 2)]
    product = difference(id_, None if is_new else state["values"], wanted)
    for rank, row in enumerate(rows):
        options = {row[f"Option {n} Name"]: row[f"Option {n} Value"] for n in (1, 2)}
        combination = tuple(options.values())
        if combination in seen or None in combination:
            raise ValueError(f"row {row['']}: its options are missing, or not new")
        seen.add(combination)
        values = {field: row[name] for name, field in VARIANT.items()}
        values["title"] = values["title"] or " / ".join(combination)
        values |= {"options": options, "prices": {"eur": row["Price EUR"], "usd": row["Price USD"]}}
        variant = skus.get(row["Variant SKU"])
        if is_new or variant is None:
            values["rank"] = rank
            change = difference(new_id("variant"), None, values)
        else:
            change = difference(variant, state["variants"][variant], values)
        line = {"row": row[""], "key": wanted["handle"], "variant": {**change, "product": id_}}
        yield line if rank else {**line, "product": product}


def difference(id_: str, old: Row | None, new: Row) -> Row:
    """Return what differs."""
    if old is None:
        return {"id": id_, "old": None, "new": new}
    names = [name for name, value in new.items() if old[name] != value]
    return {
        "id": id_,
        "old": {name: old[name] for name in names},
        "new": {name: new[name] for name in names},
    }


class Page:
    """One staged page, to be applied in one transaction."""

    def __init__(self, connection: Any, ask: Ask, lines: Sequence[Row]) -> None:
        self._connection, self._ask, self._id = connection, ask, Ids()
        self._is_sqlite = type(connection).__module__.startswith("sqlite3")
        self._products = [line["product"] for line in lines if "product" in line]
        self._variants = [line["variant"] for line in lines]
        now = datetime.now(UTC)
        self._now: Any = now.strftime("%Y-%m-%d %H:%M:%S.%f") if self._is_sqlite else now
        self._rows: dict[str, list[Sequence[Any]]] = defaultdict(list)
        self._updates: dict[str, list[Sequence[Any]]] = defaultdict(list)

    def apply(self) -> None:
        """Write it; raises if something is not as it was shown."""
        made = [each for each in self._products if each["old"] is None]
        if by(self._ask, "product", "handle", {each["new"]["handle"] for each in made}):
            raise ValueError("a handle was taken meanwhile")
        old = [each["id"] for each in self._products if each["old"] is not None]
        states = states_of(self._ask, old)
        for each in self._products:
            if each["old"] is not None:
                there = states[each["id"]]["values"]
                if any(there[name] != value for name, value in each["old"].items()):
                    raise ValueError("a product was changed meanwhile")
        types = self._shared("product_type", "ptyp", [p["new"].get("type") for p in self._products])
        tags = [tag for p in self._products for tag in p["new"].get("tags", ())]
        made_tags = self._shared("product_tag", "ptag", tags)
        urls = {url for p in self._products for url in p["new"].get("images", ())}
        images = by(self._ask, "image", "url", urls)
        (profile,) = self._ask("SELECT id FROM shipping_profile WHERE type = 'default'")
        options: dict[str, dict[str, str]] = {id_: s["options"] for id_, s in states.items()}
        for each in self._products:
            self._product(each, types, made_tags, images, profile[0], options)
        priced = [v["id"] for v in self._variants if v["old"] and "prices" in v["new"]]
        money = {
            (v, code): id_ for v, code, _, id_ in (self._ask(PRICES, priced) if priced else ())
        }
        for each in self._variants:
            there = states.get(each["product"], {"variants": {}})["variants"].get(each["id"])
            if each["old"] is None:
                self._new_variant(each, options[each["product"]])
            elif any(there[name] != value for name, value in each["old"].items()):
                raise ValueError("a variant was changed meanwhile")
            elif each["new"]:
                self._variant(each, money)
        self._write()

    def _add(self, table: str, *cells: Any) -> None:
        self._rows[table].append((*cells, self._now, self._now))

    def _shared(self, table: str, prefix: str, values: Sequence[Any]) -> dict[str, str]:
        wanted = set(values) - {None}
        there = by(self._ask, table, "value", wanted)
        for value in sorted(wanted - there.keys()):
            there[value] = self._id(prefix)
            self._add(table, there[value], value)
        return there

    def _product(
        self,
        change: Row,
        types: Row,
        tags: Row,
        images: Row,
        profile: str,
        options: dict[str, dict[str, str]],
    ) -> None:
        id_, new = change["id"], change["new"]
        if change["old"] is None:
            kind = None if new["type"] is None else types[new["type"]]
            cells = (new[field] for field in PRODUCT.values())
            self._add("product", id_, False, kind, new["collection_id"], new["thumbnail"], *cells)
            self._rows["product_shipping_profile"].append((profile, id_))
            options[id_] = {title: self._id("opt") for title in new["options"]}
            for title, option in options[id_].items():
                self._add("product_option", option, title, id_)
        else:
            fields = {field: new[field] for field in PRODUCT.values() if field in new}
            self._update("product", id_, fields)
        for name, table in (
            ("tags", "product_tags"),
            ("images", "product_images"),
            ("channels", "product_sales_channel"),
        ):
            if name in new:
                if change["old"] is not None:
                    self._updates[f"DELETE FROM {table} WHERE product_id = ?"].append((id_,))  # noqa: S608
                for value in new[name]:
                    other = tags[value] if name == "tags" else value
                    if name == "images":
                        if value not in images:
                            images[value] = self._id("img")
                            self._add("image", images[value], value)
                        other = images[value]
                    self._rows[table].append((id_, other))

    def _new_variant(self, change: Row, options: dict[str, str]) -> None:
        id_, new = change["id"], change["new"]
        cells = (new[field] for field in VARIANT.values())
        self._add("product_variant", id_, change["product"], new["rank"], *cells)
        for title, value in new["options"].items():
            self._add("product_option_value", self._id("optval"), value, options[title], id_)
        for code, amount in new["prices"].items():
            if amount is not None:
                self._price(id_, code, amount)

    def _price(self, variant: str, code: str, amount: int) -> None:
        money = self._id("ma")
        self._add("money_amount", money, code, amount)
        self._add("product_variant_money_amount", self._id("pvma"), money, variant)

    def _variant(self, change: Row, money: dict[tuple[str, str], str]) -> None:
        id_, new = change["id"], change["new"]
        self._update("product_variant", id_, {f: new[f] for f in VARIANT.values() if f in new})
        for code, amount in new.get("prices", {}).items():
            if (id_, code) not in money:
                self._price(id_, code, amount)
            elif amount != change["old"]["prices"][code]:
                sql = "UPDATE money_amount SET amount = ?, updated_at = ? WHERE id = ?"
                self._updates[sql].append((amount, self._now, money[id_, code]))

    def _update(self, table: str, id_: str, fields: Row) -> None:
        if fields:
            sets = ", ".join(f"{name} = ?" for name in fields)
            sql = f"UPDATE {table} SET {sets}, updated_at = ? WHERE id = ?"  # noqa: S608
            self._updates[sql].append((*fields.values(), self._now, id_))

    def _write(self) -> None:
        cursor = self._connection.cursor()
        mark = "?" if self._is_sqlite else "%s"
        for sql, rows in self._updates.items():
            cursor.executemany(sql.replace("?", mark), rows)
        for table, names in TABLES.items():
            if rows := self._rows[table]:
                columns = names.split()
                marks = ", ".join([mark] * len(columns))
                sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
                cursor.executemany(sql, rows)


def load_imports(url: str) -> None:
    """Load what the work will need, so that it is not in its time."""
    if not url.startswith("sqlite:"):
        __import__("psycopg")


def import_file(url: str, file: Path, folder: Path) -> None:
    """Import *file* into the catalogue at *url*; pages are staged in *folder*."""
    connection, ask = connect(url)
    if not url.startswith("sqlite:"):
        # Plans for the array that is given: those for any are slow for a long one.
        connection.prepare_threshold = None
    staged = plan(ask, file, folder)
    connection.commit()
    for path in staged:
        with path.open(encoding="utf-8") as lines:
            Page(connection, ask, list(map(json.loads, lines))).apply()
        connection.commit()
    connection.close()


if __name__ == "__main__":
    import_file(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
