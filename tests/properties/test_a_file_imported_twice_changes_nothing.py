"""A file that is imported again changes nothing, whatever was there before it."""

import pytest
from hypothesis import given, settings

from properties.product_files import DATABASES, MakeCatalogs, Row, Trial, flat, products


@pytest.mark.parametrize("kind", DATABASES)
def test_a_file_imported_twice_changes_nothing(
    kind: str, make_shared_catalog: MakeCatalogs
) -> None:
    """All rows are unchanged, and the database is as it was, byte for byte."""

    @settings(max_examples=DATABASES[kind], deadline=None)
    @given(base=products(), file=products())
    def law(base: list[list[Row]], file: list[list[Row]]) -> None:
        with Trial(make_shared_catalog(kind)) as trial:
            for rows in (flat(base), flat(file)):
                assert trial.run(rows).status == "completed"
            before = trial.digest()
            again = trial.run(flat(file))
            assert again.result
            assert again.result.outcomes
            assert again.result.outcomes.unchanged == len(flat(file)), trial.changes(again)
            assert trial.digest() == before

    law()
