"""An import that is refused leaves the database byte for byte as it was."""

import pytest
from hypothesis import assume, given, settings

from properties.product_files import DATABASES, MakeCatalogs, Row, Trial, flat, products


@pytest.mark.parametrize("kind", DATABASES)
def test_a_refused_import_leaves_the_database(kind: str, make_shared_catalog: MakeCatalogs) -> None:
    """Of a file with any fault nothing is taken, and every version of every row is what it was."""

    @settings(max_examples=DATABASES[kind], deadline=None)
    @given(base=products(), file=products(faults=True))
    def law(base: list[list[Row]], file: list[list[Row]]) -> None:
        with Trial(make_shared_catalog(kind)) as trial:
            assert trial.run(flat(base)).status == "completed"
            before = trial.digest()
            job = trial.run(flat(file), dry_run=True)
            assume(job.status == "failed")
            assert job.result
            assert job.result.errors
            assert trial.digest() == before

    law()
