"""Catalogues from text, made up or recorded."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from batchjob.products.bench import bench_batches
from batchjob.products.demo import demo_catalog
from batchjob.products.fill import fill
from batchjob.products.tables import CURRENCY, METADATA, PRODUCT_PROFILE, SHIPPING_PROFILE
from products.conftest import MakeCatalog
from products.exporting import column, export, table
from products.shops import Shop


def test_what_is_left_out_is_added(catalog_of: MakeCatalog) -> None:
    """Currencies that occur, a default profile and each product's link to it are added."""
    shop = Shop()
    shop.price(shop.variant(shop.product()), "usd", 1)
    shop.region("1", "EU", "eur")
    with catalog_of(shop.tables).read() as connection:
        codes = connection.scalars(select(CURRENCY.c.code).order_by(CURRENCY.c.code)).all()
        profile = connection.execute(select(SHIPPING_PROFILE)).one()
        link = connection.execute(select(PRODUCT_PROFILE)).one()
    assert codes == ["eur", "usd"]
    assert (profile.name, profile.type) == ("Default Shipping Profile", "default")
    assert tuple(link) == (profile.id, "prod_a")


def test_the_default_profile_is_made_once(catalog_of: MakeCatalog) -> None:
    """A catalogue that is filled part by part has one default profile."""
    catalog = catalog_of({})
    for key in "ab":
        shop = Shop()
        shop.product(key)
        with catalog.engine.begin() as connection:
            fill(connection, shop.tables)
    with catalog.read() as connection:
        assert connection.scalar(select(func.count()).select_from(SHIPPING_PROFILE)) == 1
        assert connection.scalar(select(func.count()).select_from(PRODUCT_PROFILE)) == 2


def test_a_demo_is_the_same_for_a_seed() -> None:
    """A demo catalogue depends on its seed and on nothing else."""
    assert demo_catalog(20) == demo_catalog(20)
    assert demo_catalog(20, seed=2) != demo_catalog(20)


def test_a_demo_is_believable(catalog_of: MakeCatalog) -> None:
    """A demo has drafts, one to four variants, four currencies, regions, images and tags."""
    data = export(catalog_of(demo_catalog(300)))
    rows = table(data)
    assert len({row["Product Id"] for row in rows}) == 300
    assert {"draft", "published"} <= set(column(data, "Product Status"))
    assert {"Price EUR", "Price USD", "Price GBP", "Price JPY", "Image 3 Url"} <= set(rows[0])
    assert {"Price EU [EUR]", "Option 2 Value", "Sales Channel 2 Name"} <= set(rows[0])
    skus = [row["Variant SKU"] for row in rows]
    assert len(set(skus)) == len(skus)
    assert any("\n" in text for text in column(data, "Product Description"))


@pytest.mark.parametrize("size", [3, 1000])
def test_a_bench_has_the_numbers(size: int, make_catalog: Callable[[str], MakeCatalog]) -> None:
    """Each product of a bench has 3 variants, 2 prices a variant, 2 images and 2 options."""
    catalog = make_catalog("sqlite")({})
    for part in bench_batches(10, size=size):
        with catalog.engine.begin() as connection:
            fill(connection, part)
    with catalog.read() as connection:
        sizes = {
            name: connection.scalar(select(func.count()).select_from(METADATA.tables[name]))
            for name in ("product", "product_variant", "money_amount", "image", "product_option")
        }
    assert list(sizes.values()) == [10, 30, 60, 20, 20]
    assert len(table(export(catalog))) == 30
