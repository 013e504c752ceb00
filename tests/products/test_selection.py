"""Which products an export holds, and in which order."""

from collections.abc import Callable
from typing import Any

import pytest

from batchjob.products.catalog import Catalog
from batchjob.products.demo import demo_catalog
from products.conftest import DATABASES, MakeCatalog
from products.exporting import column, export
from products.shops import DELETED, Shop, at


def _shop() -> Shop:
    shop = Shop()
    shop.add("product_collection", id="pcol", title="Summer Sale", handle="c")
    shop.product("a", title="Éclair ABC", weight=1, status="draft", created_at=at(1))
    shop.product("b", title="100%_sure", weight=2, description="x\\y", created_at=at(2))
    shop.product("c", title="éclair abc", is_giftcard=True, created_at=at(3))
    shop.product("d", title="abC", weight=10, collection_id="pcol", created_at=at(3))
    for key in "abcd":
        shop.variant(f"prod_{key}", sku=f"SKU-{key}", title=f"Variant {key}")
    return shop


@pytest.fixture(scope="module", params=DATABASES)
def shop(
    request: pytest.FixtureRequest, make_shared_catalog: Callable[[str], MakeCatalog]
) -> Catalog:
    """The four products above, on each database in turn."""
    return make_shared_catalog(request.param)(_shop().tables)


def _keys(data: bytes) -> str:
    return "".join(handle.removeprefix("h-") for handle in column(data, "Product Handle"))


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({}, "abcd"),
        ({"id": "prod_a"}, "a"),
        ({"id": ["prod_a", "prod_d", "prod_x"]}, "ad"),
        ({"id": []}, ""),
        ({"weight": []}, ""),
        ({"id": ["prod_b", *map(str, range(70_000))]}, "b"),
        ({"weight": list(range(2, 40_000))}, "bd"),
        ({"is_giftcard": [True, False]}, "abcd"),
        ({"created_at": ["2024-01-01T00:00:02Z", "2024-01-01T00:00:03Z"]}, "bcd"),
        ({"weight": None}, "c"),
        ({"weight": 2}, "b"),
        ({"weight": [1, 10]}, "ad"),
        ({"weight": {"gt": 1, "lte": 10}}, "bd"),
        ({"weight": {"lt": 2}}, "a"),
        ({"is_giftcard": True}, "c"),
        ({"is_giftcard": False, "weight": {"gte": 2}}, "bd"),
        ({"status": "draft"}, "a"),
        ({"status": ["draft", "published"]}, "abcd"),
        ({"created_at": {"gte": "2024-01-01T00:00:03.000Z"}}, "cd"),
        ({"created_at": "2024-01-01T01:00:02+01:00"}, "b"),
        ({"title": {"contains": "ABC"}}, "acd"),
        ({"title": {"starts_with": "ÉCLAIR"}}, "a"),
        ({"title": {"starts_with": "éCLAIR"}}, "c"),
        ({"title": {"contains": "%_"}}, "b"),
        ({"title": {"contains": "%"}}, "b"),
        ({"title": {"contains": ""}}, "abcd"),
        ({"title": {"ends_with": "BC"}}, "acd"),
        ({"title": {"ends_with": ""}}, "abcd"),
        ({"title": {"ends_with": "a much longer text than any title"}}, ""),
        ({"title": {"gte": "a", "lt": "b"}}, "d"),
        ({"description": {"contains": "\\"}}, "b"),
        ({"title": "ABC"}, ""),
        ({"q": "summer"}, "d"),
        ({"q": "sku-B"}, "b"),
        ({"q": "VARIANT c"}, "c"),
        ({"q": "X\\Y"}, "b"),
        ({"q": "abc", "title": "nothing", "description": "at all"}, "acd"),
        ({"q": "abc", "status": "draft"}, "a"),
    ],
)
def test_filters(filters: dict[str, Any], keys: str, shop: Catalog) -> None:
    """Each filter keeps its products; texts are matched in any case of ASCII letters only."""
    data = export(shop, {"filterable_fields": filters, "order": "id"})
    assert _keys(data) == keys


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({"tags": ["tag_0"]}, "a"),
        ({"tags": ["tag_0", "tag_1"]}, "ab"),
        ({"tags": ["tag_2"]}, ""),
        ({"tags": []}, ""),
        ({"sales_channel_id": ["channel_0"]}, "c"),
        ({"price_list_id": ["pl"]}, "d"),
        ({"category_id": ["root"]}, "a"),
        ({"category_id": ["root"], "include_category_children": True}, "ab"),
        ({"category_id": ["root"], "tags": ["tag_1"]}, ""),
    ],
)
def test_filters_by_links(filters: dict[str, Any], keys: str, catalog_of: MakeCatalog) -> None:
    """Filters by tag, channel, price list and category keep what is linked to one of the ids."""
    shop = _shop()
    for key, gone in (("a", None), ("b", None), ("c", DELETED)):
        shop.linked("tag", f"prod_{key}", value=key, deleted_at=gone)
    shop.linked("channel", "prod_c", name="n", is_disabled=False)
    shop.add("price_list", id="pl", name="Sale", description="", type="sale", status="active")
    shop.price("variant_3", "usd", 100, price_list_id="pl")
    shop.price("variant_2", "usd", 100, price_list_id="pl", deleted_at=DELETED)
    for key, parent in (("root", None), ("leaf", "root")):
        names = {"name": key, "handle": key, "rank": 0}
        shop.add("product_category", id=key, parent_category_id=parent, description="", **names)
    shop.add("product_category_product", product_category_id="root", product_id="prod_a")
    shop.add("product_category_product", product_category_id="leaf", product_id="prod_b")
    data = export(catalog_of(shop.tables), {"filterable_fields": filters, "order": "id"})
    assert _keys(data) == keys


@pytest.mark.parametrize(
    ("order", "keys"),
    [
        (None, "cdba"),
        ("created_at", "abcd"),
        ("title", "bdac"),
        ("-title", "cadb"),
        ("weight", "abdc"),
        ("-weight", "cdba"),
        ("is_giftcard", "abdc"),
        ("status", "abcd"),
        ("-status", "bcda"),
    ],
)
def test_order(order: str | None, keys: str, shop: Catalog) -> None:
    """Products go by any column, newest first by default: text by code point, ties by id."""
    context = {"order": order} if order else {}
    assert _keys(export(shop, context)) == keys


def test_time_is_finer_than_a_second(catalog_of: MakeCatalog) -> None:
    """Times that differ by a millisecond are told apart, in order and in filters."""
    shop = Shop()
    for key, second in (("a", 1.002), ("b", 1.001), ("c", 1)):
        shop.variant(shop.product(key, created_at=at(second)))
    catalog = catalog_of(shop.tables)
    assert _keys(export(catalog, {"order": "created_at"})) == "cba"
    filters = {"created_at": {"gt": "2024-01-01T00:00:01.001Z"}}
    assert _keys(export(catalog, {"filterable_fields": filters})) == "a"


@pytest.mark.parametrize(
    ("context", "keys"),
    [
        ({"offset": 1}, "bcd"),
        ({"offset": 9}, ""),
        ({"batch_size": 2}, "ab"),
        ({"batch_size": 100}, "abcd"),
        ({"offset": 2, "batch_size": 1}, "c"),
        ({"list_config": {"skip": 3}}, "d"),
        ({"filterable_fields": {"weight": {"gt": 0}}, "offset": 1, "batch_size": 1}, "b"),
    ],
)
def test_offset_and_batch_size(context: dict[str, Any], keys: str, shop: Catalog) -> None:
    """Of the ordered products offset leaves out the first, and batch_size says how many at most."""
    assert _keys(export(shop, {"order": "id", **context})) == keys


@pytest.mark.parametrize("limit", [1, 2, 7, 5000, 100_000])
def test_the_page_size_changes_nothing(
    limit: int, make_catalog: Callable[[str], MakeCatalog]
) -> None:
    """The file is the same whatever the size of a page."""
    catalog = make_catalog("sqlite")(demo_catalog(30))
    assert export(catalog, {"limit": limit}) == export(catalog)


def test_columns_are_those_of_what_is_exported(catalog_of: MakeCatalog) -> None:
    """The columns are found over the products that are exported, after offset and batch_size."""
    shop = _shop()
    shop.linked("image", "prod_b", url="u")
    catalog = catalog_of(shop.tables)
    assert b"Image" not in export(catalog, {"order": "id", "offset": 2})
    assert b"Image" in export(catalog, {"order": "id", "offset": 1, "batch_size": 1})


def test_databases_agree_on_a_demo(make_catalog: Callable[[str], MakeCatalog]) -> None:
    """A catalogue with awkward texts is the same file from SQLite and PostgreSQL, by any order."""
    tables = demo_catalog(60)
    sqlite, server = make_catalog("sqlite")(tables), make_catalog("postgresql")(tables)
    for order in ("title", "-subtitle", "material", "-weight", "status", "updated_at"):
        context = {"order": order, "batch_size": 50}
        assert export(sqlite, context) == export(server, context), order
