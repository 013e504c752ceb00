"""What a preview says of each row is what becomes of it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given, settings

from batchjob import Change, Outcome
from batchjob.products.import_columns import PRODUCT_NAMES, VARIANT_NAMES
from properties.product_files import DATABASES, MakeCatalogs, Row, Trial, flat, products

PRICES = {"Price EUR": "eur", "Price EUR (reg_eu)": "eur reg_eu"}


def cells(content: Mapping[str, Any], row: Row, *, of_product: bool) -> dict[str, Any]:
    """Return what the catalogue has of the product or variant of a row, by column."""
    product = content.get(row["Product Handle"])
    found: dict[str, Any] = {}
    if product is not None and of_product:
        found |= {name: product[field] for name, field in PRODUCT_NAMES.items()}
        found |= {"Product Type": product["type"], "Product Tags": product["tags"]}
        found |= {"Images": product["images"], "Sales Channels": product["channels"]}
        found |= {"Product Collection": product["collection_id"]}
    variant = product and product["variants"].get(row["Option 1 Value"])
    if variant:
        found |= {name: variant[field] for name, field in VARIANT_NAMES.items()}
        found |= {name: variant["prices"].get(key) for name, key in PRICES.items()}
    return {name: value for name, value in found.items() if value not in (None, [])}


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a preview as the catalogue has them."""
    found = {name: value for name, value in values.items() if value not in (None, [])}
    for name in PRICES.keys() & found.keys():
        found[name] = round(float(found[name]) * 100)
    return {name: value for name, value in found.items() if not name.startswith("Option")}


@pytest.mark.parametrize("kind", DATABASES)
def test_a_preview_is_what_happens(kind: str, make_shared_catalog: MakeCatalogs) -> None:
    """Each row's outcome and each of its fields, old and new; what has errors is left out."""

    @settings(max_examples=DATABASES[kind], deadline=None)
    @given(base=products(), file=products(faults=True))
    def law(base: list[list[Row]], file: list[list[Row]]) -> None:
        rows = flat(file)
        with Trial(make_shared_catalog(kind)) as trial:
            assert trial.run(flat(base)).status == "completed"
            before = trial.content()
            job = trial.run(rows, dry_run=True, skip_invalid=True)
            changes = trial.changes(job)
            trial.jobs.confirm(job.id)
            done = trial.jobs.work(job.id)
            assert (done.status, len(changes)) == ("completed", len(rows))
            assert done.result
            assert done.result.outcomes
            counts = Counter(change.outcome.value for change in changes)
            assert Counter(attrs.asdict(done.result.outcomes)) == counts
            after = trial.content()
            told = set[str]()
            for row, change in zip(rows, changes, strict=True):
                is_first = row["Product Handle"] not in told
                told.add(row["Product Handle"])
                agree(row, change, before, after, of_product=is_first)

    def agree(
        row: Row,
        change: Change,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        *,
        of_product: bool,
    ) -> None:
        old, new = (cells(each, row, of_product=of_product) for each in (before, after))
        if change.outcome is Outcome.FAILED:
            assert old == new
            return
        names = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        assert shown(change.old) == {name: old[name] for name in names if name in old}
        if change.outcome is Outcome.CREATED:
            assert shown(change.new).items() <= new.items()
        assert {name: shown(change.new).get(name) for name in names} == {
            name: new.get(name) for name in names
        }
        assert bool(names) == (change.outcome is not Outcome.UNCHANGED)

    law()
