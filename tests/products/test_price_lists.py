"""The import of prices into a price list, by example, on each database."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from batchjob import BatchJob, InvalidContext, Outcomes, Status
from products.conftest import MakeCatalog
from products.shops import Shop
from products.test_import_rules import Trial, errors_of, outcomes_of


def a_shop() -> Shop:
    """Return a shop with two variants, plain prices, and a price list that has some."""
    shop = Shop()
    shop.region("eu", "EU", "eur")
    shop.region("us", "US", "usd")
    shop.add("currency", code="jpy", symbol="Y", symbol_native="Y", name="Yen")
    for key in ("a", "b"):
        shop.add("price_list", id=f"pl_{key}", name=key, description="", type="sale")
    shop.product("a")
    for key in ("s", "m", "l"):
        variant = shop.variant("prod_a", key, sku=f"MUG-{key.upper()}")
        shop.price(variant, "eur", 1000)
    shop.price("variant_s", "eur", 900, price_list_id="pl_a")
    shop.price("variant_s", "usd", 950, price_list_id="pl_a", region_id="reg_us")
    shop.price("variant_s", "eur", 500, price_list_id="pl_a", min_quantity=10)
    shop.price("variant_s", "eur", 700, price_list_id="pl_b")
    return shop


class PriceTrial(Trial):
    """A catalogue, and files of prices for its list ``pl_a``."""

    def run(self, content: str, **options: Any) -> BatchJob:
        """Import a file of prices."""
        wanted = {"batch_type": "price-list-import", "price_list_id": "pl_a", **options}
        return super().run(content, **wanted)

    def prices(self, price_list: str = "pl_a") -> set[tuple[Any, ...]]:
        """Return (variant, currency, region, amount, least quantity) of the prices of a list."""
        sql = """SELECT l.variant_id, m.currency_code, m.region_id, m.amount, m.min_quantity
            FROM money_amount m JOIN product_variant_money_amount l ON l.money_amount_id = m.id
            WHERE m.price_list_id = :list"""
        with self.catalog.read() as connection:
            return {tuple(row) for row in connection.execute(text(sql), {"list": price_list})}


@pytest.fixture
def trial(catalog_of: MakeCatalog, tmp_path: Path) -> Iterator[PriceTrial]:
    """The shop on each database."""
    made = PriceTrial(catalog_of(a_shop().tables), tmp_path)
    yield made
    made.close()


BY_QUANTITY = ("variant_s", "eur", None, 500, 10)
US = ("variant_s", "usd", "reg_us", 950, None)


def test_prices_are_added_changed_and_taken_away(trial: PriceTrial) -> None:
    """An empty cell takes a price away; columns that are not there leave theirs alone."""
    others = trial.prices("pl_b")
    file = "Product Variant ID;SKU;Price EUR;Price EU [EUR]\n"
    file += "variant_s;;8.5;8\n;MUG-M;9;\n"
    assert outcomes_of(trial.run(file)) == Outcomes(created=1, updated=1)
    after_one = {
        ("variant_s", "eur", None, 850, None),
        ("variant_s", "eur", "reg_eu", 800, None),
        ("variant_m", "eur", None, 900, None),
        US,
        BY_QUANTITY,
    }
    assert trial.prices() == after_one
    assert outcomes_of(trial.run(file)) == Outcomes(unchanged=2)
    assert outcomes_of(trial.run("SKU;Price EUR\nMUG-S;\n")) == Outcomes(updated=1)
    assert trial.prices() == after_one - {("variant_s", "eur", None, 850, None)}
    assert trial.prices("pl_b") == others
    assert {variant["prices"]["eur"] for variant in trial.state().variants.values()} == {1000}


def test_no_link_is_left_of_a_price_that_is_gone(trial: PriceTrial) -> None:
    """Each price has its row that links it to a variant, and no row links to nothing."""
    trial.run("SKU;Price EUR;Price US [USD]\nMUG-S;;\nMUG-M;1;2\n")
    links = """SELECT count(*) FROM product_variant_money_amount l
        WHERE l.money_amount_id NOT IN (SELECT m.id FROM money_amount m)"""
    assert trial.scalar(links) == 0
    assert len(trial.prices()) == 3


def test_the_job_says_what_it_will_do(trial: PriceTrial) -> None:
    """Numbers of prices come first, and the preview has them by their columns."""
    file = "SKU;Price EUR;Price US [USD];Price JPY\nMUG-S;9;10;\nMUG-M;1;;100\n"
    job = trial.run(file, dry_run=True)
    assert trial.jobs is not None
    assert job.result
    assert [each.message for each in job.result.stat_descriptors] == [
        "2 prices will be added (1 changed). 0 will be removed"
    ]
    changes = [(each.key, each.old, each.new) for each in trial.jobs.changes(job.id).changes]
    assert changes == [
        ("MUG-S", {"Price USD (reg_us)": "9.5"}, {"Price USD (reg_us)": "10"}),
        (
            "MUG-M",
            {"Price EUR": None, "Price JPY": None},
            {"Price EUR": "1", "Price JPY": "100"},
        ),
    ]


@pytest.mark.parametrize(
    ("file", "errors"),
    [
        ("SKU;Price EUR\nNO;1\n", [(2, "SKU", "unknown_reference")]),
        ("Product Variant ID;Price EUR\nno;1\n", [(2, "Product Variant ID", "unknown_reference")]),
        ("SKU;Price EUR\n;1\n", [(2, "SKU", "missing_value")]),
        ("SKU;Price EUR\nMUG-S;-1\n", [(2, "Price EUR", "out_of_range")]),
        ("SKU;Price EUR\nMUG-S;1,5\n", [(2, "Price EUR", "invalid_number")]),
        ("SKU;Price JPY\nMUG-S;1.5\n", [(2, "Price JPY", "too_many_decimals")]),
        ("SKU;Price XXX\nMUG-S;1\n", [(1, "Price XXX", "unknown_currency")]),
        ("SKU;Price No [EUR]\nMUG-S;1\n", [(1, "Price No [EUR]", "unknown_region")]),
        ("SKU;Price EU [USD]\nMUG-S;1\n", [(1, "Price EU [USD]", "currency_mismatch")]),
        ("SKU;Variant Id;Price EUR\nMUG-S;;1\n", [(1, "Variant Id", "unknown_column")]),
        ("Price EUR\n1\n", [(1, "SKU", "missing_column")]),
        ("SKU\nMUG-S\n", [(1, "Price EUR", "missing_column")]),
        (
            "Product Variant ID;SKU;Price EUR\nvariant_s;MUG-M;1\n",
            [(2, "SKU", "conflicting_value")],
        ),
        (
            "Product Variant ID;SKU;Price EUR\nvariant_s;;1\n;MUG-M;2\n;MUG-S;3\n",
            [(4, "SKU", "duplicate_key")],
        ),
        (
            "SKU;Price EUR\nNO;x\nMUG-S;y\n",
            [
                (2, "Price EUR", "invalid_number"),
                (2, "SKU", "unknown_reference"),
                (3, "Price EUR", "invalid_number"),
            ],
        ),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(
    trial: PriceTrial, file: str, errors: list[tuple[int, str, str]]
) -> None:
    """Any error refuses the file, and the list stays as it was."""
    before = trial.prices()
    job = trial.run(file)
    assert job.status == Status.FAILED
    assert sorted(errors_of(job)) == errors
    assert trial.prices() == before


def test_rows_with_errors_can_be_left_out(trial: PriceTrial) -> None:
    """With ``skip_invalid`` the others are done, and the job says how many are not."""
    job = trial.run("SKU;Price EUR\nMUG-S;x\nMUG-M;3\n", skip_invalid=True)
    assert outcomes_of(job) == Outcomes(created=1, failed=1)
    assert ("variant_m", "eur", None, 300, None) in trial.prices()
    assert ("variant_s", "eur", None, 900, None) in trial.prices()


def test_a_header_alone_leaves_the_list_as_it_is(trial: PriceTrial) -> None:
    """Nothing is said of any variant, so nothing is done."""
    before = trial.prices()
    assert outcomes_of(trial.run("SKU;Price EUR\n")) == Outcomes()
    assert trial.prices() == before


@pytest.mark.parametrize("unknown", ["", "pl_no", "pl_gone"])
def test_a_price_list_that_is_not_there_is_refused_at_once(trial: PriceTrial, unknown: str) -> None:
    """The error names the key of the context."""
    with pytest.raises(InvalidContext, match="/price_list_id: there is no price list"):
        trial.run("SKU;Price EUR\nMUG-S;1\n", price_list_id=unknown)


def test_prices_that_others_changed_meanwhile_are_not_overwritten(trial: PriceTrial) -> None:
    """A variant whose prices are not those of the preview fails; so does one that is gone."""
    file = "SKU;Price EUR\nMUG-S;1\nMUG-M;2\nMUG-L;3\n"
    job = trial.run(file, dry_run=True)
    assert trial.jobs is not None
    with trial.catalog.write() as connection:
        connection.execute(text("UPDATE money_amount SET amount = 899 WHERE amount = 900"))
        gone = "UPDATE product_variant SET deleted_at = created_at WHERE id = 'variant_m'"
        connection.execute(text(gone))
    trial.jobs.confirm(job.id)
    done = trial.jobs.work(job.id)
    assert outcomes_of(done) == Outcomes(created=1, failed=2)
    assert done.result
    assert [(e.row, e.code) for e in done.result.errors] == [
        (2, "changed_since"),
        (3, "not_there"),
    ]
    assert ("variant_s", "eur", None, 899, None) in trial.prices()
    assert ("variant_l", "eur", None, 300, None) in trial.prices()


def test_a_list_that_is_gone_when_the_file_is_applied(trial: PriceTrial) -> None:
    """Every row fails, for the same reason, and no price is left without its list."""
    job = trial.run("SKU;Price EUR\nMUG-S;1\nMUG-M;2\n", dry_run=True)
    assert trial.jobs is not None
    with trial.catalog.write() as connection:
        connection.execute(text("UPDATE price_list SET deleted_at = created_at"))
    trial.jobs.confirm(job.id)
    done = trial.jobs.work(job.id)
    assert outcomes_of(done) == Outcomes(failed=2)
    assert done.result
    assert {(e.code, e.message) for e in done.result.errors} == {
        ("not_there", "the price list is not there any more")
    }


def test_medusas_own_tables_take_the_prices(
    make_catalog: Callable[[str], MakeCatalog], tmp_path: Path
) -> None:
    """A database as Medusa's migrations make it is written as ours is, in the store's too."""
    shop = a_shop()
    trial = PriceTrial(make_catalog("medusa")(shop.tables), tmp_path)
    assert outcomes_of(trial.run("SKU;Price EUR\nMUG-S;\nMUG-M;2\n")) == Outcomes(
        created=1, updated=1
    )
    assert trial.prices() == {("variant_m", "eur", None, 200, None), US, BY_QUANTITY}
    trial.close()
