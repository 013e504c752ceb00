"""What stands in the cells of an export."""

from collections.abc import Callable
from typing import Any

import pytest

from batchjob.products.rows import price_text
from products.conftest import MakeCatalog
from products.exporting import column, export, table
from products.shops import DELETED, Shop, at

AWKWARD = [
    '"',
    "a\rb",
    "\n",
    "a;b",
    'say "hi"; bye',
    "🛍️",
    "日本語",
    " outer ",
    "tab\tinside",
    "x" * 1_000_000,
]


def _one(**product: Any) -> Shop:
    shop = Shop()
    shop.product(**product)
    shop.variant()
    return shop


@pytest.mark.parametrize("text", AWKWARD, ids=range(len(AWKWARD)))
def test_any_text_comes_back(text: str, catalog_of: MakeCatalog) -> None:
    """A text of any kind is read back from the file as it is in the catalogue."""
    data = export(catalog_of(_one(title=text).tables))
    assert column(data, "Product Title") == [text]


def test_nul_comes_back_from_sqlite(make_catalog: Callable[[str], MakeCatalog]) -> None:
    """A text with NUL, which SQLite can hold, is in the file as it is."""
    data = export(make_catalog("sqlite")(_one(title="a\0b").tables))
    assert "a\0b" in data.decode()


def test_rows_end_with_crlf_and_there_is_no_mark(catalog_of: MakeCatalog) -> None:
    """The file is UTF-8 without a BOM, with semicolons, and each row ends with CR and LF."""
    data = export(catalog_of(_one().tables))
    assert data.startswith(b"Product Id;Product Handle;")
    assert data.count(b"\r\n") == 2
    assert data.endswith(b"\r\n")


def test_an_empty_catalogue_has_a_header(catalog_of: MakeCatalog) -> None:
    """Without products the file is the 38 fixed columns."""
    data = export(catalog_of({}))
    assert data.count(b";") == 37
    assert data.count(b"\r\n") == 1


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@cmd", "'@cmd"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("'=1", "''=1"),
        ("''-", "'''-"),
        ("'", "'"),
        ("'x", "'x"),
        (" =1", " =1"),
        ("a=1", "a=1"),
    ],
)
def test_a15_formulas_are_escaped(text: str, cell: str, catalog_of: MakeCatalog) -> None:
    """A text that a spreadsheet takes for a formula gets one apostrophe more, and no other."""
    shop = _one(title=text)
    shop.value(shop.option("prod_a", text), "variant_0", text)
    shop.linked("image", "prod_a", url=text)
    shop.linked("channel", "prod_a", name=text, is_disabled=False)
    shop.linked("tag", "prod_a", value=text)
    catalog = catalog_of(shop.tables)
    [row] = table(export(catalog))
    [plain] = table(export(catalog, {"escape_formulas": False}))
    for name in (
        *("Product Title", "Option 1 Name", "Option 1 Value", "Image 1 Url"),
        *("Sales Channel 1 Name", "Product Tags"),
    ):
        assert row[name] == cell, name
        assert plain[name] == text, name


def test_numbers_are_not_escaped(catalog_of: MakeCatalog) -> None:
    """A number is plain, however it begins."""
    shop = _one(weight=-5)
    shop.price("variant_0", "usd", -1099)
    [row] = table(export(catalog_of(shop.tables)))
    assert (row["Product Weight"], row["Price USD"]) == ("-5", "-10.99")


def test_empty_numbers_and_booleans(catalog_of: MakeCatalog) -> None:
    """Null is an empty cell, zero is 0, and booleans are true and false."""
    shop = _one(weight=0, discountable=False)
    [row] = table(export(catalog_of(shop.tables)))
    assert (row["Product Weight"], row["Product Height"]) == ("0", "")
    assert row["Product Discountable"] == "false"
    assert (row["Variant Allow Backorder"], row["Variant Manage Inventory"]) == ("false", "true")


@pytest.mark.parametrize(
    ("amount", "code", "text"),
    [
        (1099, "usd", "10.99"),
        (1050, "eur", "10.5"),
        (1000, "eur", "10"),
        (0, "usd", "0"),
        (1, "usd", "0.01"),
        (10, "usd", "0.1"),
        (-1, "usd", "-0.01"),
        (-100, "usd", "-1"),
        (2**31 - 1, "usd", "21474836.47"),
        (1500, "jpy", "1500"),
        (0, "krw", "0"),
        (-5, "jpy", "-5"),
    ],
)
def test_prices_are_exact(amount: int, code: str, text: str) -> None:
    """A price is written exactly, without zeros at its end, and undivided without minor unit."""
    assert price_text(amount, code) == text


def test_which_prices_count(catalog_of: MakeCatalog) -> None:
    """Prices of lists, by quantity, soft-deleted or of dead regions have no cell, no column."""
    shop = _one()
    live, dead = shop.region("1", "EU", "eur"), shop.region("2", "Old", "gbp", deleted_at=DELETED)
    shop.add("price_list", id="pl", name="Sale", description="", type="sale", status="active")
    shop.price("variant_0", "usd", 100, price_list_id="pl")
    shop.price("variant_0", "usd", 200, min_quantity=5)
    shop.price("variant_0", "usd", 300, max_quantity=5)
    shop.price("variant_0", "chf", 400, deleted_at=DELETED)
    shop.price("variant_0", "chf", 500, cut=DELETED)
    shop.price("variant_0", "gbp", 600, region_id=dead)
    shop.price("variant_0", "usd", 700, region_id=live)
    shop.price("variant_0", "eur", 800, region_id=live)
    data = export(catalog_of(shop.tables))
    [row] = table(data)
    prices = {name: text for name, text in row.items() if name.startswith("Price")}
    assert prices == {"Price EUR": "", "Price EU [EUR]": "8"}


def test_the_oldest_of_equal_prices_counts(catalog_of: MakeCatalog) -> None:
    """Of two plain prices of a variant in one currency the older one is in the cell."""
    shop = _one()
    shop.price("variant_0", "usd", 200, created_at=at(9))
    shop.price("variant_0", "usd", 100, created_at=at(8))
    assert column(export(catalog_of(shop.tables)), "Price USD") == ["1"]


def test_price_columns_are_ordered(catalog_of: MakeCatalog) -> None:
    """Price columns go by currency, the plain one first, then by the name of the region."""
    shop = _one()
    for key, name, code in (("1", "West", "usd"), ("2", "East", "usd"), ("3", "EU", "eur")):
        shop.price("variant_0", code, 100, region_id=shop.region(key, name, code))
    shop.price("variant_0", "usd", 300)
    [row] = table(export(catalog_of(shop.tables)))
    assert [name for name in row if name.startswith("Price")] == [
        *("Price EUR", "Price EU [EUR]"),
        *("Price USD", "Price East [USD]", "Price West [USD]"),
    ]
    assert row["Price EUR"] == ""


def test_regions_of_one_name_share_a_column(catalog_of: MakeCatalog) -> None:
    """Two regions of one name and currency have one column, for the older of their prices."""
    shop = _one()
    for key in "12":
        shop.price("variant_0", "usd", int(key) * 100, region_id=shop.region(key, "US", "usd"))
    assert column(export(catalog_of(shop.tables)), "Price US [USD]") == ["1"]


def test_what_is_deleted_is_not_there(catalog_of: MakeCatalog) -> None:
    """Whatever is soft-deleted, product or thing that hangs on it, is not in the file."""
    shop = Shop()
    shop.add("product_collection", id="pcol", title="C", handle="c", deleted_at=DELETED)
    shop.add("product_type", id="ptyp", value="T", deleted_at=DELETED)
    shop.product("a", collection_id="pcol", type_id="ptyp")
    shop.product("b", deleted_at=DELETED)
    live = shop.variant("prod_a")
    shop.variant("prod_a", deleted_at=DELETED)
    shop.variant("prod_b")
    option, gone = shop.option("prod_a", "O"), shop.option("prod_a", "Q", deleted_at=DELETED)
    shop.value(option, live, "x", deleted_at=DELETED)
    shop.value(gone, live, "y")
    shop.linked("image", "prod_a", url="u", deleted_at=DELETED)
    shop.linked("tag", "prod_a", value="t", deleted_at=DELETED)
    shop.linked("channel", "prod_a", name="n", is_disabled=False, deleted_at=DELETED)
    [row] = table(export(catalog_of(shop.tables)))
    assert (row["Product Collection Title"], row["Product Type"], row["Product Tags"]) == ("",) * 3
    assert (row["Option 1 Name"], row["Option 1 Value"]) == ("O", "")
    assert not {"Option 2 Name", "Image 1 Url", "Sales Channel 1 Id"} & set(row)


def test_a_product_without_variants_has_no_row(catalog_of: MakeCatalog) -> None:
    """A product without variants gives no row, but what it has counts for the columns."""
    shop = _one()
    shop.linked("image", shop.product("b"), url="u")
    [row] = table(export(catalog_of(shop.tables)))
    assert row["Image 1 Url"] == ""


def test_a_variant_without_options(catalog_of: MakeCatalog) -> None:
    """A variant without values has the names of its product's options and empty values."""
    shop = _one()
    shop.option("prod_a", "Size")
    shop.product("b")
    shop.variant("prod_b")
    rows = table(export(catalog_of(shop.tables)))
    assert [(r["Option 1 Name"], r["Option 1 Value"]) for r in rows] == [("", ""), ("Size", "")]


def test_variants_go_by_rank(catalog_of: MakeCatalog) -> None:
    """Variants of a product go by rank, those without one last, then by age and id."""
    shop = Shop()
    shop.product()
    for key, rank, second in (("z", 1, 5), ("y", 1, 5), ("x", None, 1), ("w", 0, 9), ("v", 1, 4)):
        shop.variant("prod_a", key, variant_rank=rank, created_at=at(second))
    ids = column(export(catalog_of(shop.tables)), "Variant Id")
    assert ids == [f"variant_{key}" for key in "wvyzx"]


def test_lists_are_ordered(catalog_of: MakeCatalog) -> None:
    """Images and channels go by age then id, options too, tags by their text."""
    shop = _one()
    for second, name in ((5, "b"), (5, "a"), (1, "c")):
        key = {"id": f"{name}_id", "created_at": at(second)}
        shop.linked("image", "prod_a", **{**key, "url": name})
        shop.linked("channel", "prod_a", **{**key, "name": name, "is_disabled": False})
        shop.linked("tag", "prod_a", **{**key, "value": name})
        shop.option("prod_a", name, **key)
    [row] = table(export(catalog_of(shop.tables)))
    assert [row[f"Image {n} Url"] for n in (1, 2, 3)] == ["c", "a", "b"]
    assert [row[f"Sales Channel {n} Id"] for n in (1, 2, 3)] == ["c_id", "a_id", "b_id"]
    assert [row[f"Option {n} Name"] for n in (1, 2, 3)] == ["c", "a", "b"]
    assert row["Product Tags"] == "a,b,c"


def test_awkward_tags_are_quoted(catalog_of: MakeCatalog) -> None:
    """A tag with a comma or a quote is quoted in its cell, as CSV does."""
    shop = _one()
    for value in ("a,b", 'c"d', "e"):
        shop.linked("tag", "prod_a", value=value)
    cells = column(export(catalog_of(shop.tables)), "Product Tags")
    assert cells == ['"a,b","c""d",e']


def test_the_newest_profile_is_shown(catalog_of: MakeCatalog) -> None:
    """Of several shipping profiles of a product the last one made is shown."""
    shop = _one()
    for key, second in (("b", 1), ("a", 2)):
        made = {"name": f"P{key}", "type": "custom", "created_at": at(second)}
        shop.add("shipping_profile", id=f"sp_{key}", **made)
        shop.add("product_shipping_profile", profile_id=f"sp_{key}", product_id="prod_a")
    [row] = table(export(catalog_of(shop.tables)))
    assert (row["Product Profile Name"], row["Product Profile Type"]) == ("Pa", "custom")


def test_a_given_shape_is_kept(catalog_of: MakeCatalog) -> None:
    """With a shape given, the columns are exactly those, and cells that do not fit are left out."""
    shop = _one()
    region = {"id": "reg_1", "name": "EU", "currency_code": "eur"}
    shop.price("variant_0", "eur", 150, region_id=shop.region("1", "EU", "eur"))
    shop.price("variant_0", "usd", 250)
    for n in (1, 2):
        shop.linked("image", "prod_a", url=f"u{n}")
        shop.value(shop.option("prod_a", f"O{n}"), "variant_0", f"x{n}")
    shape = {
        "prices": [{"currency_code": "eur", "region": region}],
        "dynamicImageColumnCount": 1,
        "dynamicOptionColumnCount": 1,
        "dynamicSalesChannelsColumnCount": 1,
    }
    [row] = table(export(catalog_of(shop.tables), {"shape": shape}))
    assert list(row.items())[38:] == [
        ("Price EUR", ""),
        ("Price EU [EUR]", "1.5"),
        ("Option 1 Name", "O1"),
        ("Option 1 Value", "x1"),
        ("Image 1 Url", "u1"),
        ("Sales Channel 1 Id", ""),
        ("Sales Channel 1 Name", ""),
        ("Sales Channel 1 Description", ""),
    ]
