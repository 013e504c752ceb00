"""The floor of product-export: the same file from the same database, written by hand.

This is what a competent person writes for one catalogue and one afternoon: one process, pages of
products from a list of ids that is read once, one query a page for each kind of child, tuples and
dicts, and `csv.writer`.  It knows nothing of batchjob, keeps no job, and survives no crash.

    floor_export.py DATABASE_URL OUT [--imports]

``--imports`` loads what batchjob's command has to load too, so that whole commands compare.
"""

import argparse
import csv
import importlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, cast

Row = Sequence[Any]
Ask = Callable[..., list[Row]]
"""Asks a query, with the ids that its ``{ids}`` stands for, and returns all rows."""

PAGE = 500
FORMULA = frozenset("=+-@\t\r")
ZERO_DECIMAL = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split()  # noqa: SIM905  as above
)

HEADER = (  # noqa: SIM905  39 names, read best as the file has them
    "Product Id;Product Handle;Product Title;Product Subtitle;Product Description;Product Status;"
    "Product Thumbnail;Product Weight;Product Length;Product Width;Product Height;Product HS Code;"
    "Product Origin Country;Product MID Code;Product Material;Product Collection Title;"
    "Product Collection Handle;Product Type;Product Tags;Product Discountable;Product External Id;"
    "Product Profile Name;Product Profile Type;Variant Id;Variant Title;Variant SKU;"
    "Variant Barcode;Variant Inventory Quantity;Variant Allow Backorder;Variant Manage Inventory;"
    "Variant Weight;Variant Length;Variant Width;Variant Height;Variant HS Code;"
    "Variant Origin Country;Variant MID Code;Variant Material"
).split(";")

IDS = "SELECT id FROM product WHERE deleted_at IS NULL ORDER BY created_at DESC, id"
MOST = """SELECT max(n) FROM (SELECT count(*) AS n FROM {link} l
    JOIN product p ON p.id = l.product_id AND p.deleted_at IS NULL {alive} GROUP BY p.id) x"""
# IS TRUE keeps SQLite from the index of prices in no list: all prices, read again for each page.
PLAIN = """product_variant_money_amount l
    JOIN money_amount m ON m.id = l.money_amount_id
    LEFT JOIN region r ON r.id = m.region_id
    WHERE l.deleted_at IS NULL AND m.deleted_at IS NULL AND (m.price_list_id IS NULL) IS TRUE
        AND m.min_quantity IS NULL AND m.max_quantity IS NULL
        AND (m.region_id IS NULL
            OR r.deleted_at IS NULL AND lower(r.currency_code) = lower(m.currency_code))"""
KINDS = f"""SELECT DISTINCT lower(m.currency_code), r.id, r.name FROM product p
    JOIN product_variant v ON v.product_id = p.id AND v.deleted_at IS NULL
    JOIN {PLAIN.replace("amount l", "amount l ON l.variant_id = v.id", 1)}
        AND p.deleted_at IS NULL"""  # noqa: S608  constants
PRODUCTS = """SELECT p.id, p.handle, p.title, p.subtitle, p.description, CAST(p.status AS text),
    p.thumbnail, p.weight, p.length, p.width, p.height, p.hs_code, p.origin_country, p.mid_code,
    p.material, c.title, c.handle, t.value, p.discountable, p.external_id
    FROM product p
    LEFT JOIN product_collection c ON c.id = p.collection_id AND c.deleted_at IS NULL
    LEFT JOIN product_type t ON t.id = p.type_id AND t.deleted_at IS NULL
    WHERE p.id {ids} AND p.deleted_at IS NULL"""
TAGS = """SELECT l.product_id, t.value FROM product_tags l
    JOIN product_tag t ON t.id = l.product_tag_id
    WHERE l.product_id {ids} AND t.deleted_at IS NULL ORDER BY t.value, t.id"""
PROFILES = """SELECT l.product_id, s.name, CAST(s.type AS text) FROM product_shipping_profile l
    JOIN shipping_profile s ON s.id = l.profile_id
    WHERE l.product_id {ids} AND s.deleted_at IS NULL ORDER BY s.created_at, s.id"""
IMAGES = """SELECT l.product_id, i.url FROM product_images l JOIN image i ON i.id = l.image_id
    WHERE l.product_id {ids} AND i.deleted_at IS NULL ORDER BY i.created_at, i.id"""
CHANNELS = """SELECT l.product_id, s.id, s.name, s.description FROM product_sales_channel l
    JOIN sales_channel s ON s.id = l.sales_channel_id
    WHERE l.product_id {ids} AND s.deleted_at IS NULL ORDER BY s.created_at, s.id"""
OPTIONS = """SELECT product_id, id, title FROM product_option
    WHERE product_id {ids} AND deleted_at IS NULL ORDER BY created_at, id"""
VARIANTS = """SELECT product_id, id, title, sku, barcode, inventory_quantity, allow_backorder,
    manage_inventory, weight, length, width, height, hs_code, origin_country, mid_code, material
    FROM product_variant WHERE product_id {ids} AND deleted_at IS NULL
    ORDER BY variant_rank NULLS LAST, created_at, id"""
VALUES = """SELECT variant_id, option_id, value FROM product_option_value
    WHERE variant_id {ids} AND deleted_at IS NULL ORDER BY created_at DESC, id DESC"""
PRICES = f"""SELECT l.variant_id, lower(m.currency_code), r.id, r.name, m.amount FROM {PLAIN}
    AND l.variant_id {{ids}} ORDER BY m.created_at DESC, m.id DESC"""  # noqa: S608  constants


class Shape(NamedTuple):
    """How many columns of each kind the file has; ``slots`` says where a price goes."""

    titles: list[str]
    slots: dict[tuple[str, str | None, str | None], int]
    options: int
    images: int
    channels: int


def connect(url: str) -> tuple[Any, Ask]:
    """Return a connection to the database at *url*, and how to ask it."""
    connection: Any
    parameter: Callable[[Sequence[str]], Any]
    if url.startswith("sqlite:///"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        chosen, parameter = "IN (SELECT value FROM json_each(?))", json.dumps
    else:
        import psycopg

        connection = psycopg.connect(url)
        chosen, parameter = "= ANY(%s)", list

    def ask(sql: str, ids: Sequence[str] | None = None) -> list[Row]:
        given = () if ids is None else (parameter(ids),)
        rows = connection.execute(sql.replace("{ids}", chosen), given).fetchall()
        return cast("list[Row]", rows)

    return connection, ask


def export(url: str, out: Path) -> None:
    """Write the catalogue at *url* to the file *out*."""
    connection, ask = connect(url)
    with closing(connection), out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        shape = read_shape(ask)
        writer.writerow(header(shape))
        ids = [row[0] for row in ask(IDS)]
        for start in range(0, len(ids), PAGE):
            writer.writerows(page_rows(ask, ids[start : start + PAGE], shape))


def read_shape(ask: Ask) -> Shape:
    """Return the columns that the catalogue needs, counted by the database."""

    def most(link: str, alive: str) -> int:
        return ask(MOST.format(link=link, alive=alive))[0][0] or 0

    kinds = sorted(ask(KINDS), key=lambda kind: (kind[0], kind[2] or "", kind[1] or ""))
    titles: list[str] = []
    slots: dict[tuple[str, str | None, str | None], int] = {}
    for code, region, name in kinds:
        plain = f"Price {code.upper()}"
        own = plain if region is None else f"Price {name} [{code.upper()}]"
        for title in (plain, own):
            if title not in titles:
                titles.append(title)
        slots[code, None, None] = titles.index(plain)
        slots[code, region, name] = titles.index(own)
    return Shape(
        titles=titles,
        slots=slots,
        options=most("product_option", "AND l.deleted_at IS NULL"),
        images=most("product_images", "JOIN image i ON i.id=l.image_id AND i.deleted_at IS NULL"),
        channels=most(
            "product_sales_channel",
            "JOIN sales_channel s ON s.id = l.sales_channel_id AND s.deleted_at IS NULL",
        ),
    )


def header(shape: Shape) -> list[str]:
    """Return the names of the columns."""
    names = [*HEADER, *shape.titles]
    for n in range(1, shape.options + 1):
        names += (f"Option {n} Name", f"Option {n} Value")
    names += (f"Image {n} Url" for n in range(1, shape.images + 1))
    for n in range(1, shape.channels + 1):
        names += (f"Sales Channel {n} {part}" for part in ("Id", "Name", "Description"))
    return names


def page_rows(ask: Ask, ids: Sequence[str], shape: Shape) -> Iterator[Row]:
    """Yield the rows of a page of products: a row for each variant."""
    products = {row[0]: row for row in ask(PRODUCTS, ids)}
    tags = grouped(ask(TAGS, ids))
    profiles = {product: (name, kind) for product, name, kind in ask(PROFILES, ids)}
    images, channels = grouped(ask(IMAGES, ids)), grouped(ask(CHANNELS, ids))
    options, variants = grouped(ask(OPTIONS, ids)), grouped(ask(VARIANTS, ids))
    names = [variant[0] for product in ids for variant in variants[product]]
    values = {(variant, option): value for variant, option, value in ask(VALUES, names)}
    prices: dict[str, list[str | None]] = {name: [None] * len(shape.titles) for name in names}
    for variant, code, region, name, amount in ask(PRICES, names):
        prices[variant][shape.slots[code, region, name]] = price_text(amount, code)

    for product in ids:
        cells = products[product]
        listed = ",".join(quoted(tag) for (tag,) in tags[product])
        profile = profiles.get(product, (None, None))
        head = safe([*cells[:18], listed, boolean(cells[18]), cells[19], *profile])
        urls = [url for (url,) in images[product]]
        shops = [cell for channel in channels[product] for cell in channel]
        tail = safe(filled(urls, shape.images) + filled(shops, 3 * shape.channels))
        for id_, title, sku, barcode, quantity, backorder, managed, *rest in variants[product]:
            own = safe([id_, title, sku, barcode, quantity, boolean(backorder), boolean(managed)])
            chosen = [
                cell
                for option, name in options[product]
                for cell in (name, values.get((id_, option)))
            ]
            pairs = safe(filled(chosen, 2 * shape.options))
            yield [*head, *own, *safe(rest), *prices[id_], *pairs, *tail]


def grouped(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return rows by their first cell, without it."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row[1:])
    return groups


def filled(cells: list[Any], size: int) -> list[Any]:
    """Return *cells* with empty ones up to *size*."""
    return cells + [None] * (size - len(cells))


def boolean(value: object) -> str:
    """Return the text of a boolean, which SQLite keeps as a number."""
    return "true" if value else "false"


def quoted(tag: str) -> str:
    """Return a tag that can stand in a list with commas."""
    return '"' + tag.replace('"', '""') + '"' if "," in tag or '"' in tag else tag


def safe(cells: Iterable[Any]) -> list[Any]:
    """Return *cells*, those that a spreadsheet would take for formulas with an apostrophe."""
    return [
        "'" + cell if isinstance(cell, str) and cell.lstrip("'")[:1] in FORMULA else cell
        for cell in cells
    ]


def price_text(amount: int, currency: str) -> str:
    """Return *amount*, in minor units, as an exact number without zeros at its end."""
    if currency in ZERO_DECIMAL:
        return str(amount)
    sign, (whole, cents) = "-" * (amount < 0), divmod(abs(amount), 100)
    return f"{sign}{whole}.{cents:02d}".rstrip("0").rstrip(".")


def load_imports(url: str) -> None:
    """Load the packages that batchjob's command needs for a catalogue at *url*."""
    dialect = "sqlite.pysqlite" if url.startswith("sqlite:") else "postgresql.psycopg"
    for name in ("sqlalchemy", f"sqlalchemy.dialects.{dialect}", "click", "rich"):
        importlib.import_module(name)
    if not url.startswith("sqlite:"):
        importlib.import_module("psycopg")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from a command line."""
    parser = argparse.ArgumentParser(description="Export a catalogue to a CSV file.")
    parser.add_argument("database", help="sqlite:///FILE or postgresql://...")
    parser.add_argument("out", type=Path, help="the CSV file to write")
    parser.add_argument("--imports", action="store_true", help="load what batchjob loads first")
    given = parser.parse_args(arguments)
    if given.imports:
        load_imports(given.database)
    export(given.database, given.out)


if __name__ == "__main__":
    main()
