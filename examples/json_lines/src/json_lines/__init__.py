"""A table as JSON Lines: an export to another format than CSV, the batch type ``json-lines``."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import attrs
import sqlalchemy as sa

from batchjob import (
    Chunk,
    Fault,
    InvalidContext,
    Outcomes,
    Part,
    Run,
    Settings,
    Strategy,
    hookimpl,
)


@attrs.frozen(kw_only=True)
class JsonLinesContext:
    """Which table, and how many of its rows make a chunk."""

    table: str
    page: int = attrs.field(default=1_000, validator=attrs.validators.ge(1))


class JsonLines(Strategy[JsonLinesContext]):
    """Writes the rows of one of *tables* in the order of its key, which is one column."""

    batch_type: ClassVar[str] = "json-lines"

    def __init__(self, engine: sa.Engine, tables: Iterable[str]) -> None:
        self._engine, self._tables = engine, frozenset(tables)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def check(self, context: JsonLinesContext, run: Run[JsonLinesContext]) -> None:
        """Refuse a table that is not to be read."""
        if context.table not in self._tables:
            known = ", ".join(sorted(self._tables)) or "none"
            message = f"there is no table {context.table!r} to be written; known are: {known}"
            raise InvalidContext([Fault("/table", message)])

    def plan(self, run: Run[JsonLinesContext]) -> Iterator[Chunk]:
        """Yield a chunk for each page of keys: the first and the last of it."""
        table, key = self._table(run.context.table)
        count = 0
        with self._engine.connect() as connection:
            keys = connection.execution_options(yield_per=run.context.page).scalars(
                sa.select(key).order_by(key)
            )
            for page in keys.partitions():
                run.checkpoint()
                count += len(page)
                yield Chunk([page[0], page[-1]], weight=len(page))
        run.describe("json-lines-count", "Rows", f"There will be {count} rows of {table} written")

    def work(self, run: Run[JsonLinesContext], chunk: Chunk) -> Outcomes:
        """Write one page; a row that is gone since is skipped."""
        table, key = self._table(run.context.table)
        first_and_last: Any = chunk.payload
        rows = sa.select(table).where(key.between(*first_and_last)).order_by(key)
        count = 0
        with run.part() as file, self._engine.connect() as connection:
            for row in connection.execute(rows.limit(chunk.weight)).mappings():
                run.checkpoint()
                file.write(json.dumps(dict(row), ensure_ascii=False, default=str) + "\n")
                count += 1
        return Outcomes(created=count, skipped=chunk.weight - count)

    def finish(self, run: Run[JsonLinesContext], parts: Iterable[Part]) -> None:
        """Join the pages."""
        with run.output(f"{run.context.table}.jsonl") as file:
            run.join(parts, file)

    def _table(self, name: str) -> tuple[sa.Table, sa.Column[Any]]:
        table = sa.Table(name, sa.MetaData(), autoload_with=self._engine)
        (key,) = table.primary_key.columns
        return table, key


@hookimpl
def batchjob_strategies(settings: Settings) -> Sequence[Strategy[Any]]:
    """Offer the strategy, where the jobs are in a SQL database."""
    if settings.sql_url is None:
        return ()
    tables = settings.options.get("json_lines_tables", "").split(",")
    names = {name.strip() for name in tables} - {""}
    return (JsonLines(sa.create_engine(settings.sql_url), names),)
