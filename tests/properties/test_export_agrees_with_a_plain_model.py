"""A product export says what a plain program over the same rows says."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from batchjob.products.catalog import Catalog
from batchjob.products.fill import fill
from batchjob.products.tables import create_tables
from products.exporting import export
from products.shops import DELETED, Shop, at

TEXTS = st.text(st.sampled_from("ab=+-@'\",;\r\n\té🛍 "), max_size=6)
MAYBE = st.none() | TEXTS
GONE = st.sampled_from([None, None, None, DELETED])
TIMES = st.integers(0, 3).map(at)
REGIONS = {"reg_1": ("EU", "eur"), "reg_2": ("North America", "usd"), "reg_3": ("Chad", "xaf")}


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    """Small catalogues, with much that is alike and some that is deleted."""
    shop = Shop()
    for key, (name, code) in REGIONS.items():
        shop.region(key.removeprefix("reg_"), name, code)
    for key in draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=4)):
        numbers = {"weight": draw(st.none() | st.integers(-9, 9))}
        texts = {"title": draw(TEXTS), "subtitle": draw(MAYBE), "discountable": draw(st.booleans())}
        times = {"created_at": draw(TIMES), "deleted_at": draw(GONE)}
        _hang(draw, shop, shop.product(key, **numbers, **texts, **times))
    return shop


def _hang(draw: st.DrawFn, shop: Shop, product: str) -> None:
    for kind, field in (("image", "url"), ("tag", "value"), ("channel", "name")):
        for _ in range(draw(st.integers(0, 2))):
            more = {"is_disabled": False} if kind == "channel" else {}
            row = {field: draw(TEXTS), "created_at": draw(TIMES), "deleted_at": draw(GONE)}
            shop.linked(kind, product, **row, **more)
    options = [
        shop.option(product, draw(TEXTS), created_at=draw(TIMES), deleted_at=draw(GONE))
        for _ in range(draw(st.integers(0, 2)))
    ]
    for _ in range(draw(st.integers(0, 2))):
        rank = draw(st.none() | st.integers(0, 1))
        variant = shop.variant(product, variant_rank=rank, deleted_at=draw(GONE))
        for option in options:
            if draw(st.booleans()):
                shop.value(option, variant, draw(TEXTS), deleted_at=draw(GONE))
        for _ in range(draw(st.integers(0, 2))):
            _price(draw, shop, variant)


def _price(draw: st.DrawFn, shop: Shop, variant: str) -> None:
    region = draw(st.none() | st.sampled_from(sorted(REGIONS)))
    code = REGIONS[region][1] if region else draw(st.sampled_from(["usd", "jpy"]))
    least = draw(st.sampled_from([None, None, 2]))
    gone = {"deleted_at": draw(GONE), "min_quantity": least}
    shop.price(variant, code, draw(st.integers(-2000, 2000)), region_id=region, **gone)


class Model:
    """What an export shall say, row by row and value by value."""

    def __init__(self, shop: Shop) -> None:
        self.rows = shop.rows
        alive = self.alive("product")
        alive.sort(key=lambda row: row["id"])
        self.products = sorted(alive, key=lambda row: row["created_at"], reverse=True)

    def alive(self, table: str, **where: Any) -> list[dict[str, Any]]:
        """Return the rows that are not deleted and have these values, oldest first, then by id."""
        rows = [row for row in self.rows[table] if row.get("deleted_at") is None]
        found = [row for row in rows if all(row.get(k) == v for k, v in where.items())]
        return sorted(found, key=lambda row: (row.get("created_at", ""), row["id"]))

    def linked(self, product: str, link: str, column: str, table: str) -> list[dict[str, Any]]:
        """Return what is linked to a product, oldest first."""
        ids = {row[column] for row in self.rows[link] if row["product_id"] == product}
        return [row for row in self.alive(table) if row["id"] in ids]

    def prices(self, variant: str) -> dict[str, str]:
        """Return the price cells of a variant by column, those without a price too."""
        links = self.alive("product_variant_money_amount", variant_id=variant)
        ids = {row["money_amount_id"] for row in links}
        cells: dict[str, str] = {}
        for row in self.alive("money_amount"):
            if row["id"] in ids and row["min_quantity"] is None:
                code, region = row["currency_code"], row["region_id"]
                plain = f"Price {code.upper()}"
                name = f"Price {REGIONS[region][0]} [{code.upper()}]" if region else plain
                cells[plain] = cells.get(plain, "")
                cells[name] = cells.get(name) or _amount(row["amount"], code)
        return cells

    def export(self) -> Iterator[dict[str, str]]:
        """Yield the cells of each row that are not empty."""
        for product in self.products:
            variants = self.alive("product_variant", product_id=product["id"])
            variants.sort(key=lambda r: (r["variant_rank"] is None, r["variant_rank"] or 0))
            for variant in variants:
                yield {k: v for k, v in self.row(product, variant).items() if v != ""}

    def row(self, product: dict[str, Any], variant: dict[str, Any]) -> dict[str, str]:
        """Return the cells of one variant that the catalogues above vary."""
        key = product["id"]
        tags = self.linked(key, "product_tags", "product_tag_id", "product_tag")
        values = sorted((t["value"], t["id"]) for t in tags)
        cells = {
            "Product Id": key,
            "Product Handle": product["handle"],
            "Product Title": _text(product["title"]),
            "Product Subtitle": _text(product["subtitle"] or ""),
            "Product Weight": "" if product["weight"] is None else str(product["weight"]),
            "Product Discountable": str(product["discountable"]).lower(),
            "Product Tags": _text(",".join(_tag(value) for value, _ in values)),
            "Variant Id": variant["id"],
            **self.prices(variant["id"]),
        }
        for n, option in enumerate(self.alive("product_option", product_id=key), 1):
            where = {"option_id": option["id"], "variant_id": variant["id"]}
            value = next(iter(self.alive("product_option_value", **where)), {"value": ""})
            cells[f"Option {n} Name"] = _text(option["title"])
            cells[f"Option {n} Value"] = _text(value["value"])
        for n, row in enumerate(self.linked(key, "product_images", "image_id", "image"), 1):
            cells[f"Image {n} Url"] = _text(row["url"])
        link = ("product_sales_channel", "sales_channel_id", "sales_channel")
        for n, row in enumerate(self.linked(key, *link), 1):
            cells[f"Sales Channel {n} Id"] = row["id"]
            cells[f"Sales Channel {n} Name"] = _text(row["name"])
        return cells


SAID_ALWAYS = {
    "Product Status": "published",
    "Product Profile Name": "Default Shipping Profile",
    "Product Profile Type": "default",
    "Variant Title": "V",
    "Variant Inventory Quantity": "0",
    "Variant Allow Backorder": "false",
    "Variant Manage Inventory": "true",
}


def _text(text: str) -> str:
    body = text.lstrip("'")
    return "'" + text if body and body[0] in "=+-@\t\r" else text


def _tag(value: str) -> str:
    return f'"{value.replace(chr(34), chr(34) * 2)}"' if "," in value or '"' in value else value


def _amount(amount: int, code: str) -> str:
    number = Decimal(amount) if code in {"jpy", "xaf"} else Decimal(amount) / 100
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@settings(max_examples=150, deadline=None)
@given(shop=shops(), limit=st.integers(1, 5))
def test_an_export_says_what_a_plain_program_says(shop: Shop, limit: int) -> None:
    """For any catalogue, the file holds each row and value that a plain program finds."""
    catalog = Catalog("sqlite://")
    create_tables(catalog.engine)
    with catalog.engine.begin() as connection:
        fill(connection, shop.tables)
    data = export(catalog, {"limit": limit})
    catalog.close()
    head, *rows = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=";")
    found = [
        {name: cell for name, cell in zip(head, row, strict=True) if cell != ""} for row in rows
    ]
    assert found == [{**SAID_ALWAYS, **row} for row in Model(shop).export()]
