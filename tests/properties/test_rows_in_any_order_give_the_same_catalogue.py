"""The order of a file's rows does not matter, but for the order in which variants show."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from properties.product_files import DATABASES, MakeCatalogs, Row, Trial, flat, products


@st.composite
def in_two_orders(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Return the rows of a file, and the same rows mixed."""
    rows = flat(draw(products()))
    return rows, draw(st.permutations(rows))


@pytest.mark.parametrize("kind", DATABASES)
def test_rows_in_any_order_give_the_same_catalogue(
    kind: str, make_shared_catalog: MakeCatalogs
) -> None:
    """Also where the rows of a product do not stand together, and where products were there."""

    @settings(max_examples=DATABASES[kind], deadline=None)
    @given(base=products(), orders=in_two_orders())
    def law(base: list[list[Row]], orders: tuple[list[Row], list[Row]]) -> None:
        found = []
        for rows in orders:
            with Trial(make_shared_catalog(kind)) as trial:
                assert trial.run(flat(base)).status == "completed"
                assert trial.run(rows).status == "completed"
                found.append(trial.content())
        assert found[0] == found[1]

    law()
