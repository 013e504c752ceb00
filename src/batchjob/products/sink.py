"""What imports write into the catalogue, gathered row by row and written table by table.

Here belongs how rows get in: their columns, their order, and what each database takes quickest.
Which rows there are to be is said by `batchjob.products.writes` and `price_writes`.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from batchjob.products.changes import PRODUCT_FIELDS, VARIANT_FIELDS
from batchjob.products.ids import IdMaker
from batchjob.products.states import Asker, read_prices

if TYPE_CHECKING:
    from sqlalchemy import Connection

Cells = tuple[Any, ...]

_TIMES: Final = ("created_at", "updated_at")
_COLUMNS: Final[Mapping[str, Sequence[str]]] = {  # in this order, so that what a row names is there
    "product_type": ("id", "value", *_TIMES),
    "product_tag": ("id", "value", *_TIMES),
    "image": ("id", "url", *_TIMES),
    "product": ("id", "is_giftcard", "type_id", *PRODUCT_FIELDS, *_TIMES),
    "product_shipping_profile": ("profile_id", "product_id"),
    "product_option": ("id", "title", "product_id", *_TIMES),
    "product_variant": ("id", "product_id", "variant_rank", *VARIANT_FIELDS, *_TIMES),
    "product_option_value": ("id", "value", "option_id", "variant_id", *_TIMES),
    "money_amount": ("id", "currency_code", "region_id", "amount", "price_list_id", *_TIMES),
    "product_variant_money_amount": ("id", "money_amount_id", "variant_id", *_TIMES),
    "product_tags": ("product_id", "product_tag_id"),
    "product_images": ("product_id", "image_id"),
    "product_sales_channel": ("product_id", "sales_channel_id"),
}
_SHARED: Final = ("product_type", "product_tag", "image")  # which rows that are changed may name
_PRICE: Final = "UPDATE money_amount SET amount = ?, updated_at = ? WHERE id = ?"
_UNLINK_PRICE: Final = "DELETE FROM product_variant_money_amount WHERE money_amount_id = ?"
_DELETE_PRICE: Final = "DELETE FROM money_amount WHERE id = ?"


class Sink:
    """Gathers rows for one transaction, all of one moment; nothing is written before `write`.

    *price_list* is the id of the list that prices are of; None for those that are in none.
    """

    def __init__(self, ask: Asker, *, price_list: str | None = None) -> None:
        from batchjob.products.times import stored  # which knows SQLAlchemy's types

        self._ask, self._list = ask, price_list
        now = datetime.now(UTC)
        self.now: Any = stored(now) if ask.is_sqlite else now
        self.new_id = IdMaker(secrets.randbits)
        self._rows: dict[str, list[Cells]] = defaultdict(list)
        self._statements: dict[str, list[Cells]] = defaultdict(list)
        self._prices: list[tuple[str, Mapping[str, int | None]]] = []

    def add(self, table: str, *cells: Any) -> None:
        """Take a new row: the cells of `_COLUMNS`, but for the times."""
        self._rows[table].append((*cells, self.now, self.now))

    def link(self, table: str, *cells: str) -> None:
        """Take a new row of a table that has no times."""
        self._rows[table].append(cells)

    def update(self, table: str, id_: str, fields: Mapping[str, Any]) -> None:
        """Take a change of some columns of a row."""
        if fields:
            sets = ", ".join(f"{name} = ?" for name in (*fields, "updated_at"))
            sql = f"UPDATE {table} SET {sets} WHERE id = ?"  # noqa: S608 - our own names
            self.run(sql, *fields.values(), self.now, id_)

    def run(self, sql: str, *cells: Any) -> None:
        """Take a statement, with ``?`` for each of *cells*."""
        self._statements[sql].append(cells)

    def add_price(self, variant: str, key: str, amount: int) -> None:
        """Take a new price; *key* is ``eur``, or ``eur reg_1`` for a region."""
        code, _, region = key.partition(" ")
        id_ = self.new_id("ma")
        self.add("money_amount", id_, code, region or None, amount, self._list)
        self.add("product_variant_money_amount", self.new_id("pvma"), id_, variant)

    def change_prices(self, variant: str, prices: Mapping[str, int | None]) -> None:
        """Take what some prices of a variant that is there shall be; None for none."""
        self._prices.append((variant, prices))

    def write(self) -> None:
        """Write everything that was taken."""
        self._settle_prices()
        for table in _SHARED:
            self._insert(table)
        for sql, rows in self._statements.items():
            self._run(sql, rows)
        for table in _COLUMNS:
            if table not in _SHARED:
                self._insert(table)

    def _settle_prices(self) -> None:
        money = defaultdict[tuple[str, str], list[str]](list)
        variants = [variant for variant, _ in self._prices]
        for variant, key, _, id_ in read_prices(self._ask, variants, self._list):
            money[variant, key].append(id_)
        for variant, prices in self._prices:
            for key, amount in prices.items():
                for id_ in money[variant, key]:
                    if amount is None:
                        self.run(_UNLINK_PRICE, id_)
                        self.run(_DELETE_PRICE, id_)
                    else:
                        self.run(_PRICE, amount, self.now, id_)
                if amount is not None and not money[variant, key]:
                    self.add_price(variant, key, amount)

    def _insert(self, table: str) -> None:
        if not (rows := self._rows[table]):
            return
        columns = _COLUMNS[table]
        names = ", ".join(columns)
        if self._ask.is_sqlite:
            marks = ", ".join("?" * len(columns))
            self._run(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608
        else:
            _copy(self._ask.connection, f"COPY {table} ({names}) FROM STDIN", rows)

    def _run(self, sql: str, rows: list[Cells]) -> None:
        mark = "?" if self._ask.is_sqlite else "%s"
        self._ask.connection.exec_driver_sql(sql.replace("?", mark), rows)


def _copy(connection: "Connection", sql: str, rows: Iterable[Cells]) -> None:
    """Insert rows as PostgreSQL takes them quickest; raises as SQLAlchemy does for statements."""
    import psycopg
    from sqlalchemy.exc import DBAPIError

    cursor: Any = connection.connection.cursor()  # psycopg's own, which SQLAlchemy's types hide
    try:
        with cursor, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            sql, None, error, psycopg.Error, dialect=connection.dialect
        ) from error
