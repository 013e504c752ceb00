"""Stock levels by SKU, from a file into a table beside the jobs."""

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from batchjob import Change, ImportContext, ImportStrategy, JobError, Row, Run, column

LEVEL = sa.table("stock_level", sa.column("sku"), sa.column("quantity"))
UPSERT = """INSERT INTO stock_level (sku, quantity) VALUES (:sku, :quantity)
ON CONFLICT (sku) DO UPDATE SET quantity = excluded.quantity"""


@attrs.frozen(kw_only=True)
class Level:
    """A row of the file."""

    sku: str = attrs.field(metadata=column("SKU", key=True, example="SHIRT-M"))
    quantity: int = attrs.field(metadata=column("Quantity", least=0, example="12"))


@attrs.frozen
class StockImport(ImportStrategy[ImportContext, Level]):
    """Sets the quantity of each SKU."""

    batch_type = "stock-import"
    engine: sa.Engine

    def plan_rows(self, run: Run[Any], rows: Sequence[Row[Level]]) -> Iterator[Change]:
        """Compare each row with the level that is there."""
        with self.engine.connect() as connection:
            there = levels(connection, [row.value.sku for row in rows])
        for row in rows:
            old, new = there.get(row.value.sku), {"quantity": row.value.quantity}
            yield Change.between(row.number, row.value.sku, old, new)

    def apply(self, run: Run[Any], changes: Sequence[Change]) -> Iterator[JobError]:
        """Set the levels that are still as they were shown."""
        there = levels(run.transaction, [each.key for each in changes])
        done = [each for each in changes if there.get(each.key, {}) in (each.old, each.new)]
        for each in changes:
            if each not in done:
                yield JobError(code="changed_since", message="it has changed", row=each.row)
        rows = [{"sku": each.key, **each.new} for each in done]
        run.transaction.execute(sa.text(UPSERT), rows) if rows else None


def levels(connection: sa.Connection, skus: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the levels that are there."""
    found = connection.execute(LEVEL.select().where(LEVEL.c.sku.in_(skus)))
    return {sku: {"quantity": quantity} for sku, quantity in found}
