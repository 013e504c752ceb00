"""Whatever a file of products holds, it is planned, or refused with row, column and code."""

import io
import os
import random
from pathlib import Path
from typing import Final

from batchjob import BatchJobs
from batchjob.products.catalog import Catalog
from batchjob.products.fill import fill
from batchjob.products.tables import create_tables
from products.test_import import CATALOG, IMPORT
from properties.test_any_bytes_end_as_rows_or_errors import mutated

MUTANTS: Final = int(os.environ.get("BATCHJOB_PRODUCT_MUTANTS", "150"))
"""How many files are tried; a thorough run tries a hundred thousand."""


def test_any_product_file_ends_as_a_plan_or_errors(tmp_path: Path) -> None:
    """A mutant of a recorded file raises nothing, and says of each error what it is and where."""
    sources = [path.read_bytes() for path in sorted(IMPORT.glob("*.csv"))]
    seed = int(os.environ.get("BATCHJOB_SEED", "7"))
    dice = random.Random(seed)  # noqa: S311 - no secret
    (tmp_path / "shop.db").touch()
    url = f"sqlite:///{tmp_path}/shop.db"
    catalog = Catalog(url)
    with catalog.engine.begin() as connection:
        create_tables(connection)
        fill(connection, CATALOG)
    catalog.close()
    with BatchJobs.open("memory:", files=str(tmp_path / "files"), catalog=url) as jobs:
        for number in range(MUTANTS):
            content = mutated(dice.choice(sources), dice)
            key = jobs.upload(io.BytesIO(content), "a.csv").key
            asked = {"fileKey": key, "skip_invalid": dice.random() < 0.5}
            job = jobs.work(jobs.create("product-import", asked, dry_run=True).id)
            named = f"mutant {number} of seed {seed}: {content!r}"
            assert job.result, named
            for error in job.result.errors:
                assert error.code != "strategy_error", named
                assert error.row or error.code in ("empty_file", "not_text", "encoding"), named
            if job.status == "pre_processed":
                assert sum(1 for _ in jobs.changes(job.id, limit=10_000).changes) == (
                    job.result.count
                ), named
