import re
from collections.abc import Iterator
from itertools import product
from typing import Final

import pytest
import sqlalchemy as sa

from batchjob.abc import Cursor, JobQuery
from batchjob.stores import sql_lists
from batchjob.stores.sql import SqlStore
from batchjob.testing.stores.making import after
from stores.databases import opened

MANY: Final = 100_000
FILL: Final = {
    "sqlite": """
        WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :many)
        INSERT INTO batchjob_job (id, batch_type, created_by, status, context, context_version,
            dry_run, created_at, updated_at)
        SELECT printf('batch_%026d', i), 'export', 'usr_' || (i % 100), 'pre_processed', '{}', 1, 1,
            strftime('%Y-%m-%d %H:%M:%f000', 1704110400 + i / 2, 'unixepoch'),
            '2024-01-01 12:00:00.000000' FROM n""",
    "postgresql": """
        INSERT INTO batchjob_job (id, batch_type, created_by, status, context, context_version,
            dry_run, created_at, updated_at)
        SELECT 'batch_' || lpad(CAST(i AS text), 26, '0'), 'export', 'usr_' || (i % 100),
            'pre_processed', '{}', 1, true, to_timestamp(1704110400 + i / 2),
            to_timestamp(1704110400)
        FROM generate_series(0, CAST(:many AS integer) - 1) i""",
}


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """A store with many jobs of a hundred creators."""
    with opened(request.getfixturevalue(request.param)) as store:
        database = store._database
        with database.write() as connection:
            connection.execute(sa.text(FILL[database.dialect]), {"many": MANY})
        with database.read() as connection:
            connection.exec_driver_sql("ANALYZE")
        yield store


def plan(store: SqlStore, query: JobQuery) -> str:
    """Return how the database looks up a page."""
    with store._database.read() as connection:
        literal = {"literal_binds": True}
        page = sql_lists.page(query).compile(connection.engine, compile_kwargs=literal)
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {page}"))


@pytest.mark.parametrize(
    ("created_by", "index"),
    [
        (None, "batchjob_job_created_at_id_idx"),
        ("usr_3", "batchjob_job_created_by_created_at_id_idx"),
    ],
)
def test_a_page_of_many_jobs_is_looked_up(
    store: SqlStore, created_by: str | None, index: str
) -> None:
    """Wherever a page of a long list begins, an index leads there and on; nothing is sorted."""
    middle = MANY // 2
    cursor = Cursor(at=after(middle // 2), id=f"batch_{middle:026d}")
    for order, place in product(("created_at", "-created_at"), (None, cursor)):
        query = JobQuery(created_by=created_by, order=order, after=place, limit=50)
        steps = plan(store, query)
        assert index in steps
        assert not re.search("sort|b-tree|seq scan|bitmap", steps.lower())
        page = store.list(query)
        assert (page.count, len(page.jobs)) == (MANY if created_by is None else MANY // 100, 50)
        behind = {(job.id > cursor.id) == (order == "created_at") for job in page.jobs}
        assert behind == {place is not None}
