"""The recorded files, imported from end to end, on each database."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from batchjob import BatchJob, BatchJobs
from batchjob.products.catalog import Catalog
from batchjob.products.fill import Tables
from products.conftest import MakeCatalog

IMPORT: Final = Path(__file__).parents[1] / "data" / "medusa" / "import"
EXPECTED: Final = json.loads((IMPORT / "expected.json").read_text("utf-8"))
CATALOG: Final = json.loads((IMPORT.parent / "export" / "catalog_n20.json").read_text("utf-8"))
KINDS: Final = ("sqlite", "postgresql", "medusa")
SHARED: Final = (
    *("region", "sales_channel", "product_collection", "product_type", "product_tag"),
    *("currency", "shipping_profile"),
)


def bare() -> Tables:
    """Return a catalogue with all that products share, and no product."""
    tables = {name: CATALOG[name] for name in SHARED if name in CATALOG}
    if "shipping_profile" not in tables:
        columns = ["id", "name", "type"]
        rows = [["sp_default", "Default Shipping Profile", "default"]]
        tables["shipping_profile"] = {"columns": columns, "rows": rows}
    return tables


def imported(
    catalog: Catalog,
    content: bytes,
    folder: Path,
    *,
    batch_type: str = "product-import",
    dry_run: bool = False,
    **context: Any,
) -> tuple[BatchJobs, BatchJob]:
    """Import a file into *catalog*; the jobs are to be closed."""
    url = catalog.engine.url.render_as_string(hide_password=False)
    url = url.replace("postgresql+psycopg", "postgresql")
    if url.startswith("sqlite"):
        url = f"sqlite:///{catalog.engine.url.database}".replace("file:", "").partition("?")[0]
    jobs = BatchJobs.open("memory:", files=str(folder / "files"), catalog=url)
    key = jobs.upload(io.BytesIO(content), "products.csv").key
    job = jobs.create(batch_type, {"fileKey": key, **context}, dry_run=dry_run)
    return jobs, jobs.work(job.id)


def products_of(catalog: Catalog) -> list[dict[str, Any]]:
    """Return all products as ``expected.json`` has them."""
    with catalog.read() as connection:

        def rows(sql: str) -> list[Mapping[str, Any]]:
            return [dict(row) for row in connection.execute(text(sql)).mappings()]

        products = rows(
            "SELECT p.*, c.handle AS collection, t.value AS type FROM product p"
            " LEFT JOIN product_collection c ON c.id = p.collection_id"
            " LEFT JOIN product_type t ON t.id = p.type_id WHERE p.deleted_at IS NULL"
        )
        links = {
            "tags": "SELECT l.product_id, t.value AS x FROM product_tags l"
            " JOIN product_tag t ON t.id = l.product_tag_id",
            "images": "SELECT l.product_id, i.url AS x FROM product_images l"
            " JOIN image i ON i.id = l.image_id ORDER BY i.created_at, i.id",
            "channels": "SELECT l.product_id, s.name AS x FROM product_sales_channel l"
            " JOIN sales_channel s ON s.id = l.sales_channel_id",
            "profiles": "SELECT l.product_id, s.name AS x FROM product_shipping_profile l"
            " JOIN shipping_profile s ON s.id = l.profile_id",
            "options": "SELECT o.product_id, o.title AS x FROM product_option o",
        }
        found = {name: rows(sql) for name, sql in links.items()}
        variants = rows("SELECT * FROM product_variant v WHERE v.deleted_at IS NULL")
        values = rows(
            "SELECT w.variant_id, o.title, w.value FROM product_option_value w"
            " JOIN product_option o ON o.id = w.option_id"
        )
        prices = rows(
            "SELECT l.variant_id, m.currency_code, m.amount, r.id AS region"
            " FROM product_variant_money_amount l JOIN money_amount m ON m.id = l.money_amount_id"
            " LEFT JOIN region r ON r.id = m.region_id"
        )
    return [
        {
            **product,
            **{
                name: [each["x"] for each in rows_ if each["product_id"] == product["id"]]
                for name, rows_ in found.items()
            },
            "variants": [
                {
                    **variant,
                    "options": [
                        f"{v['title']}={v['value']}"
                        for v in values
                        if v["variant_id"] == variant["id"]
                    ],
                    "prices": [
                        {
                            "currency": p["currency_code"],
                            "amount": p["amount"],
                            "region": p["region"],
                        }
                        for p in prices
                        if p["variant_id"] == variant["id"]
                    ],
                }
                for variant in variants
                if variant["product_id"] == product["id"]
            ],
        }
        for product in products
    ]


def plain(value: Any) -> Any:
    """Return *value* so that what means the same is equal: no text is null, lists have no order."""
    if isinstance(value, list):
        return sorted(map(plain, value), key=json.dumps) or None
    if isinstance(value, dict):
        return {name: plain(each) for name, each in sorted(value.items()) if name != "rank"}
    return None if value == "" else value


def alike(found: Any, wanted: Any) -> Any:
    """Return *found* with the keys alone that *wanted* has."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        kept = {name: alike(found.get(name), each) for name, each in wanted.items()}
        for flag in ("is_giftcard", "discountable", "allow_backorder", "manage_inventory"):
            if flag in kept:
                kept[flag] = bool(kept[flag])
        return kept
    if isinstance(wanted, list) and wanted and isinstance(found, list):
        return [alike(each, wanted[0]) for each in found]
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list(EXPECTED))
def test_a_recorded_file_ends_as_expected(
    kind: str, name: str, make_catalog: Callable[[str], MakeCatalog], tmp_path: Path
) -> None:
    """It is refused with row, column and code and changes nothing, or its products are there."""
    expected = EXPECTED[name]
    catalog = make_catalog(kind)(CATALOG if name.startswith("roundtrip") else bare())
    content = (IMPORT / f"{name}.csv").read_bytes()
    jobs, job = imported(catalog, content, tmp_path)
    with jobs:
        assert job.result
        found = [(error.row, error.column, error.code) for error in job.result.errors]
        if expected["outcome"] == "refused":
            assert job.status == "failed"
            assert len(found) <= len(expected["errors"]) + 1, found
            for error in expected["errors"]:
                place = error["row"], error["column"], error["code"]
                assert any(
                    all(want in (None, have) for want, have in zip(place, each, strict=True))
                    for each in found
                ), found
            assert products_of(catalog) == []
            return
        assert (job.status, found) == ("completed", [])
        wanted = {each["handle"]: plain(each) for each in expected["products"]}
        there = {each["handle"]: each for each in products_of(catalog)}
        assert there.keys() == wanted.keys()
        for each in expected["products"]:
            assert plain(alike(there[each["handle"]], each)) == plain(each)
    again, second = imported(catalog, content, tmp_path)
    with again:
        assert second.status == "completed"
        assert second.result
        if second.result.outcomes:
            assert second.result.outcomes.total == second.result.outcomes.unchanged
