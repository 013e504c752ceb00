"""Files of products to import, and what a catalogue holds, told without ids and times."""

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import create_engine, make_url, text

HEADER: Final = (  # noqa: SIM905  33 names, read best as the file has them
    "Product Handle;Product Title;Product Subtitle;Product Description;Product Status;"
    "Product Weight;Product Height;Product HS Code;Product Origin Country;Product Material;"
    "Product Collection Handle;Product Type;Product Tags;Product Discountable;Product External Id;"
    "Variant Title;Variant SKU;Variant Barcode;Variant Inventory Quantity;Variant Allow Backorder;"
    "Variant Manage Inventory;Variant Origin Country;Variant Material;Option 1 Name;Option 1 Value;"
    "Option 2 Name;Option 2 Value;Price EUR;Price USD;Image 1 Url;Image 2 Url;"
    "Sales Channel 1 Name;Sales Channel 2 Name"
).split(";")
VARIANTS: Final = 3
"""How many rows each product has."""

_QUERIES: Final = (
    """SELECT p.handle, p.title, p.subtitle, p.description, CAST(p.status AS text), p.weight,
        p.height, p.hs_code, p.origin_country, p.material, c.handle, t.value, p.external_id,
        p.thumbnail FROM product p LEFT JOIN product_collection c ON c.id = p.collection_id
        LEFT JOIN product_type t ON t.id = p.type_id ORDER BY 1""",
    """SELECT p.handle, v.sku, v.title, v.barcode, v.inventory_quantity, v.origin_country,
        v.material, v.variant_rank FROM product_variant v JOIN product p ON p.id = v.product_id
        ORDER BY v.sku""",
    """SELECT v.sku, m.currency_code, m.amount FROM product_variant_money_amount l
        JOIN money_amount m ON m.id = l.money_amount_id
        JOIN product_variant v ON v.id = l.variant_id ORDER BY v.sku, m.currency_code""",
    """SELECT v.sku, o.title, w.value FROM product_option_value w
        JOIN product_option o ON o.id = w.option_id
        JOIN product_variant v ON v.id = w.variant_id ORDER BY v.sku, o.title""",
    """SELECT p.handle, x.value FROM product_tags l JOIN product_tag x ON x.id = l.product_tag_id
        JOIN product p ON p.id = l.product_id ORDER BY 1, 2""",
    """SELECT p.handle, x.url FROM product_images l JOIN image x ON x.id = l.image_id
        JOIN product p ON p.id = l.product_id ORDER BY 1, 2""",
    """SELECT p.handle, x.name FROM product_sales_channel l
        JOIN sales_channel x ON x.id = l.sales_channel_id
        JOIN product p ON p.id = l.product_id ORDER BY 1, 2""",
    """SELECT p.handle, s.name FROM product_shipping_profile l
        JOIN shipping_profile s ON s.id = l.profile_id
        JOIN product p ON p.id = l.product_id ORDER BY 1, 2""",
)


def write_products(path: Path, products: int, *, changed: Literal["none", "half"] = "none") -> None:
    """Write a file of so many *products*, with 3 variants and 2 prices each.

    Where half are *changed*, every other one has another title, stock and price.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADER)
        for number in range(products):
            writer.writerows(_rows(number, changed=changed == "half" and number % 2 == 0))


def _rows(number: int, *, changed: bool) -> Iterator[list[object]]:
    url = f"https://cdn.example.com/p/{number:06d}"
    product = [
        f"p-{number:06d}-lamp",
        f"Größe-L Lamp {number}" + " new" * changed,
        "",
        "Fresco; cómodo 🌞",
        "published" if number % 8 else "draft",
        number % 900,
        "",
        f"{number:06d}",
        "pl",
        "steel",
        f"collection-{number % 10}",
        f"Type {number % 10}",
        f"tag-{number % 10},tag-{(number + 3) % 10}",
        "true",
        f"ERP-{number}",
    ]
    for rank in range(VARIANTS):
        at = VARIANTS * number + rank
        size, color = "SML"[rank], ("White", "Navy Blue", "Forêt")[rank]
        cents = 999 + at % 9000 + changed
        yield [
            *product,
            *(f"{size} / {color}", f"SKU-{number:06d}-{rank}", f"40{number:09d}{rank:02d}"),
            *(at % 250 + changed, "false", "true", "jp", "100% merino wool"),
            *("Size", size, "Color", color),
            *(f"{cents // 100}.{cents % 100:02d}", f"{cents // 100 + 1}.50"),
            *(f"{url}/1.jpg?w=8,h=6", f"{url}/2.jpg"),
            *("Web Store", "B2B, Wholesale" if number % 2 else ""),
        ]


def content(url: str) -> str:
    """Return the SHA-256 of what a catalogue holds, by handles and SKUs."""
    given = make_url(url)
    name = "postgresql+psycopg" if given.drivername == "postgresql" else given.drivername
    engine, found = create_engine(given.set(drivername=name)), hashlib.sha256()
    with engine.connect().execution_options(stream_results=True) as connection:
        for query in _QUERIES:
            for row in connection.execute(text(query)):
                found.update(repr(tuple(row)).encode())
    engine.dispose()
    return found.hexdigest()
