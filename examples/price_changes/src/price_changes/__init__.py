"""Prices changed by a percentage, with a preview of each: the batch type ``price-changes``."""

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, ClassVar, Final

import attrs
import sqlalchemy as sa

from batchjob import (
    Change,
    Chunk,
    Fault,
    InvalidContext,
    Outcomes,
    Part,
    Run,
    Settings,
    StoredFile,
    Strategy,
    hookimpl,
)

PAGE: Final = 500
_READ: Final = sa.text(
    "SELECT sku, cents FROM price WHERE sku > :last AND substr(sku, 1, :length) = :prefix"
    " ORDER BY sku LIMIT :page"
)
_WRITE: Final = sa.text("UPDATE price SET cents = :new WHERE sku = :sku AND cents = :old")


@attrs.frozen(kw_only=True)
class PriceChangesContext:
    """By how many percent (a number as text, such as ``-7.5``), and of which SKUs."""

    percent: str
    prefix: str = ""


class PriceChanges(Strategy[PriceChangesContext]):
    """Changes the prices in table ``price`` of the store's own database."""

    batch_type: ClassVar[str] = "price-changes"

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def check(self, context: PriceChangesContext, run: Run[PriceChangesContext]) -> None:
        """Refuse a percentage that is none, or would leave a price below zero."""
        try:
            factor_of(context.percent)
        except (InvalidOperation, ValueError):
            message = f"{context.percent!r} is no percentage; write a number such as -7.5"
            raise InvalidContext([Fault("/percent", message)]) from None

    def plan(self, run: Run[PriceChangesContext]) -> Iterator[Chunk]:
        """Yield a chunk for each page of prices that change, with what they are and shall be."""
        factor, count = factor_of(run.context.percent), 0
        for number, page in enumerate(self._pages(run.context.prefix)):
            run.checkpoint()
            rows = [(number * PAGE + at, sku, old, changed(old, factor)) for at, (sku, old) in page]
            stored = run.stage(json.dumps(row) + "\n" for row in rows)
            count += sum(old != new for _, _, old, new in rows)
            yield Chunk(attrs.asdict(stored), weight=len(rows))
        message = f"{count} prices will change by {run.context.percent} %"
        run.describe("price-changes-count", "Prices to change", message)

    def changes(self, run: Run[PriceChangesContext], chunk: Chunk) -> Iterator[Change]:
        """Yield each price as it is and as it shall be."""
        for number, sku, old, new in staged(run, chunk):
            yield Change.between(number + 1, sku, {"cents": old}, {"cents": new})

    def work(self, run: Run[PriceChangesContext], chunk: Chunk) -> Outcomes:
        """Write the new prices where the old ones are what they were."""
        rows = list(staged(run, chunk))
        todo = [row for row in rows if row[2] != row[3]]
        updated = 0
        for _, sku, old, new in todo:
            done = run.transaction.execute(_WRITE, {"sku": sku, "old": old, "new": new})
            updated += done.rowcount
        failed = len(todo) - updated
        return Outcomes(updated=updated, unchanged=len(rows) - len(todo), failed=failed)

    def finish(self, run: Run[PriceChangesContext], parts: Iterable[Part]) -> None:
        """Leave no file: the prices are what the user wanted."""

    def _pages(self, prefix: str) -> Iterator[Sequence[tuple[int, tuple[str, int]]]]:
        last = ""
        with self._engine.connect() as connection:
            while True:
                given = {"last": last, "length": len(prefix), "prefix": prefix, "page": PAGE}
                found = [(row[0], row[1]) for row in connection.execute(_READ, given)]
                if not found:
                    return
                last = found[-1][0]
                yield list(enumerate(found))


def factor_of(percent: str) -> Decimal:
    """Return what prices are multiplied with; `ValueError` below zero or out of all reason."""
    found = 1 + Decimal(percent) / 100
    if not 0 <= found <= 100:  # noqa: PLR2004 - a hundredfold is a mistake
        raise ValueError(percent)
    return found


def changed(cents: int, factor: Decimal) -> int:
    """Return the new price in cents, half a cent rounded up."""
    return int((cents * factor).to_integral_value(ROUND_HALF_UP))


def staged(run: Run[Any], chunk: Chunk) -> Iterator[tuple[int, str, int, int]]:
    """Yield (number, SKU, old price, new price) of a chunk's rows."""
    payload: Any = chunk.payload
    for line in run.lines(StoredFile(**payload)):
        number, sku, old, new = json.loads(line)
        yield number, sku, old, new


@hookimpl
def batchjob_strategies(settings: Settings) -> Sequence[Strategy[Any]]:
    """Offer the strategy, where the jobs are in a SQL database."""
    if settings.sql_url is None:
        return ()
    return (PriceChanges(sa.create_engine(settings.sql_url)),)
