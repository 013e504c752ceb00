"""Handles that two products would have, and cells that are what is stored already."""

import pytest
from sqlalchemy import text

from batchjob import Outcomes
from batchjob.products.import_ import ProductImport
from products.test_import_rules import Trial, errors_of, outcomes_of, trial

__all__ = ["trial"]


@pytest.mark.parametrize("page_size", [1, 500])
@pytest.mark.parametrize(
    "rows",
    [["prod_a;new;A", "prod_b;new;B"], ["prod_a;new;A", "prod_a;;A", ";new;New", ";new;New"]],
)
def test_a_handle_is_one_products(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, rows: list[str], page_size: int
) -> None:
    """Two products of a file cannot have the same, however far apart they stand."""
    monkeypatch.setattr(ProductImport, "page_size", page_size)
    content = "\n".join(["Product Id;Product Handle;Product Title", *rows]) + "\n"
    second = 3 if rows[1].startswith("prod_b") else 4
    assert errors_of(trial.run(content)) == [(second, "Product Handle", "duplicate_key")]
    left = trial.run(content, skip_invalid=True)
    assert outcomes_of(left) == Outcomes(
        updated=1, unchanged=second - 3, failed=len(rows) - second + 2
    )
    assert trial.state("new").id == "prod_a"


STRANGE = {
    "Product Handle": ("handle", "zero\u200bwidth"),
    "Product Title": ("title", "bell\x07"),
    "Product Subtitle": ("subtitle", ""),
    "Product Type": ("type", "ty\x07pe"),
}


@pytest.mark.parametrize("column", STRANGE)
def test_what_is_stored_is_right(trial: Trial, column: str) -> None:
    """A cell that no file could bring in is unchanged where it is stored, and wrong elsewhere."""
    field, value = STRANGE[column]
    with trial.catalog.engine.begin() as connection:
        if field == "type":
            made = "INSERT INTO product_type (id, value) VALUES ('ptyp_x', :value)"
            connection.execute(text(made), {"value": value})
            connection.execute(text("UPDATE product SET type_id = 'ptyp_x' WHERE id = 'prod_a'"))
        else:
            sql = f"UPDATE product SET {field} = :value WHERE id = 'prod_a'"  # noqa: S608
            connection.execute(text(sql), {"value": value})
    content = f"Product Id;{column};Variant SKU\nprod_a;{value};MUG-S\n"
    assert outcomes_of(trial.run(content)) == Outcomes(unchanged=1)
    if value:
        other = trial.run(f"Product Id;{column};Variant SKU\nprod_b;{value};POT\n")
        assert (2, column, "control_character") in errors_of(other)


def test_what_is_stored_of_a_variant_is_right(trial: Trial) -> None:
    """So it is with its SKU, its options, a price that is negative, and a tag among spaces."""
    with trial.catalog.engine.begin() as connection:
        for sql in (
            "UPDATE product_variant SET sku = :strange, barcode = '' WHERE sku = 'MUG-S'",
            "UPDATE product_option_value SET value = :strange WHERE value = 'S'",
            "UPDATE money_amount SET amount = -5 WHERE currency_code = 'eur'",
            "UPDATE product_tag SET value = ' spaced ' WHERE value = 'old'",
        ):
            connection.execute(text(sql), {"strange": "S\u200b\x07"} if ":strange" in sql else {})
    names = "Product Handle;Product Tags;Variant SKU;Variant Barcode;Option 1 Name;Option 1 Value"
    cells = "h-a; spaced ;S\u200b\x07;;Size;S\u200b\x07"
    good = trial.run(f"{names};Price EUR\n{cells};-0.05\n")
    assert outcomes_of(good) == Outcomes(unchanged=1)
    wrong = trial.run(f"{names};Price EUR\n{cells};-0.06\n")
    assert errors_of(wrong) == [(2, "Price EUR", "out_of_range")]
