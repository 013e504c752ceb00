"""Catalogues for measuring: every product alike, in batches, so that size costs no memory.

Here belongs nothing that a person would look at: believable goods are in
`batchjob.products.demo`.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from batchjob.products.fill import Rows, Tables

_START: Final = datetime(2024, 1, 1, tzinfo=UTC)
_SHARED: Final = 10  # collections, types and tags each
_NOW: Final = "2024-01-01 00:00:00.000+00"

_COLUMNS: Final = {
    "image": "id url created_at",
    "product": "id title description handle thumbnail weight height hs_code origin_country "
    "material created_at updated_at collection_id type_id status external_id",
    "product_variant": "id title product_id sku barcode inventory_quantity origin_country "
    "material created_at updated_at variant_rank",
    "product_option": "id title product_id created_at",
    "product_option_value": "id value option_id variant_id created_at",
    "money_amount": "id currency_code amount created_at",
    "product_variant_money_amount": "id money_amount_id variant_id created_at",
    "product_images": "product_id image_id",
    "product_tags": "product_id product_tag_id",
    "product_sales_channel": "product_id sales_channel_id",
}


def bench_batches(products: int, *, size: int = 1000) -> Iterator[Tables]:
    """Yield a catalogue of so many *products* as parts to `fill` one after the other.

    The first part is what products share; each further one has up to *size* products with exactly
    3 variants, 2 prices a variant, 2 images, 2 options, 2 tags and 1 or 2 sales channels.
    """
    yield _shared()
    for start in range(0, products, size):
        rows: dict[str, list[Sequence[str | None]]] = {table: [] for table in _COLUMNS}
        for number in range(start, min(start + size, products)):
            _add_product(rows, number)
        yield {
            table: Rows(columns=columns.split(), rows=rows[table])
            for table, columns in _COLUMNS.items()
        }


def _id(prefix: str, number: int) -> str:
    return f"{prefix}_01HK153X{number:018d}"


def _shared() -> Tables:
    numbers = range(_SHARED)
    return {
        "region": Rows(
            columns=["id", "name", "currency_code", "tax_rate"],
            rows=[("reg_eu", "EU", "eur", "0"), ("reg_na", "North America", "usd", "0")],
        ),
        "sales_channel": Rows(
            columns=["id", "name", "description", "created_at"],
            rows=[
                (_id("sc", 0), "Web Store", "The public storefront", _NOW),
                (_id("sc", 1), "B2B, Wholesale", "Business customers; net 30", _NOW),
            ],
        ),
        "product_collection": Rows(
            columns=["id", "title", "handle", "created_at"],
            rows=[(_id("pcol", n), f"Collection {n}", f"collection-{n}", _NOW) for n in numbers],
        ),
        "product_type": Rows(
            columns=["id", "value", "created_at"],
            rows=[(_id("ptyp", n), f"Type {n}", _NOW) for n in numbers],
        ),
        "product_tag": Rows(
            columns=["id", "value", "created_at"],
            rows=[(_id("ptag", n), f"tag-{n}", _NOW) for n in numbers],
        ),
    }


def _add_product(rows: dict[str, list[Sequence[str | None]]], number: int) -> None:
    product = _id("prod", number)
    now = (_START + timedelta(seconds=number)).isoformat(timespec="milliseconds")
    rows["product"].append(_product(product, number, now))
    for at in (0, 1):
        twice = 2 * number + at
        image, option = _id("img", twice), _id("opt", twice)
        rows["image"].append((image, _url(number, at), now))
        rows["product_images"].append((product, image))
        rows["product_option"].append((option, ("Size", "Color")[at], product, now))
        tag = _id("ptag", (number + at * 3) % _SHARED)
        rows["product_tags"].append((product, tag))
        if at <= number % 2:
            rows["product_sales_channel"].append((product, _id("sc", at)))
    for rank in range(3):
        _add_variant(rows, number, rank, now)


def _url(number: int, at: int) -> str:
    return f"https://cdn.example.com/p/{number:06d}/{at + 1}.jpg?w=800,h=600"


def _product(product: str, number: int, now: str) -> tuple[str | None, ...]:
    return (
        product,
        f"Größe-L Lamp {number}",
        "Ideal para el verano: fresco, cómodo y ligero; hecho a mano 🌞",
        f"p-{number:06d}-lamp",
        _url(number, 0),
        str(number % 900),
        None,
        f"{number:06d}",
        "pl",
        "steel",
        now,
        now,
        _id("pcol", number % _SHARED),
        _id("ptyp", number % _SHARED),
        "published" if number % 8 else "draft",
        f"ERP-{number}",
    )


def _add_variant(
    rows: dict[str, list[Sequence[str | None]]], number: int, rank: int, now: str
) -> None:
    at = 3 * number + rank
    variant, size, color = _id("variant", at), "SML"[rank], ("White", "Navy Blue", "Forêt")[rank]
    sku, barcode = f"SKU-{number:06d}-{rank}", f"40{number:09d}{rank:02d}"
    numbers = (str(at % 250), "jp", "100% merino wool", now, now, str(rank))
    texts = (variant, f"{size} / {color}", _id("prod", number), sku, barcode)
    rows["product_variant"].append((*texts, *numbers))
    for n, value in enumerate((size, color)):
        option = _id("opt", 2 * number + n)
        rows["product_option_value"].append(
            (_id("optval", 2 * at + n), value, option, variant, now)
        )
        money, code = _id("ma", 2 * at + n), ("usd", "eur")[n]
        rows["money_amount"].append((money, code, str(999 + at % 9000 + n), now))
        link = _id("pvma", 2 * at + n)
        rows["product_variant_money_amount"].append((link, money, variant, now))
