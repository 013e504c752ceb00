"""Putting a catalogue that is at hand as text into the tables.

Here belongs what demos, benchmarks and tests load; a user's file comes in by a job, not by this.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypedDict

from sqlalchemy import JSON, Boolean, Connection, Float, Integer, Table, insert, select

from batchjob.products.tables import (
    CURRENCY,
    METADATA,
    PRODUCT_PROFILE,
    SHIPPING_PROFILE,
)
from batchjob.products.times import UtcTime, stored

DEFAULT_PROFILE: Final = "sp_default"
"""Id of the default shipping profile where `fill` has to make one."""

_SYMBOLS: Final = {"usd": ("$", "US Dollar"), "eur": ("€", "Euro"), "jpy": ("¥", "Yen")} | {
    "gbp": ("£", "Pound Sterling"),
    "chf": ("CHF", "Swiss Franc"),
}


class Rows(TypedDict):
    """The rows of one table: names of columns, and each value as PostgreSQL's text or null."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | None]]


Tables = Mapping[str, Rows]
"""A catalogue, or part of one: rows by the name of their table."""


def fill(connection: Connection, catalog: Tables) -> None:
    """Add the rows of *catalog*, and what its kind leaves out; the caller commits.

    Left out are: currencies that occur, a default shipping profile, and each product's link to a
    profile; they are added where they are missing. Booleans are ``t`` and ``f``, times ISO 8601
    with a zone. Raises what the database raises for rows it cannot take.
    """
    _add_currencies(connection, catalog)
    for table in METADATA.sorted_tables:
        if table.name in catalog:
            given = catalog[table.name]
            _load(connection, table, given["columns"], given["rows"])
    if "product" in catalog and PRODUCT_PROFILE.name not in catalog:
        products = _column(catalog["product"], "id")
        profile = _default_profile(connection)
        links = [(profile, product) for product in products]
        _load(connection, PRODUCT_PROFILE, ("profile_id", "product_id"), links)


def _column(given: Rows, name: str) -> list[str]:
    at = list(given["columns"]).index(name)
    return [value for row in given["rows"] if (value := row[at]) is not None]


def _add_currencies(connection: Connection, catalog: Tables) -> None:
    known = set(connection.scalars(select(CURRENCY.c.code)))
    if "currency" in catalog:
        known.update(_column(catalog["currency"], "code"))
    found = {
        code
        for table in ("region", "money_amount")
        if table in catalog
        for code in _column(catalog[table], "currency_code")
    }
    for code in sorted(found - known):
        symbol, name = _SYMBOLS.get(code, (code.upper(), code.upper()))
        row = {"code": code, "symbol": symbol, "symbol_native": symbol, "name": name}
        connection.execute(insert(CURRENCY), row)


def _default_profile(connection: Connection) -> str:
    table = SHIPPING_PROFILE
    found = select(table.c.id).where(table.c.type == "default", table.c.deleted_at.is_(None))
    for profile in connection.scalars(found.order_by(table.c.created_at, table.c.id).limit(1)):
        return str(profile)
    row = {"id": DEFAULT_PROFILE, "name": "Default Shipping Profile", "type": "default"}
    connection.execute(insert(table), row)
    return DEFAULT_PROFILE


def _load(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[str | None]],
) -> None:
    if connection.dialect.name == "postgresql":
        _copy(connection, table.name, columns, rows)
    else:
        _insert(connection, table, columns, rows)


def _copy(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[str | None]]
) -> None:
    # The values are the server's own text, so COPY needs no conversion and is many times faster.
    names = ", ".join(columns)
    cursor: Any = connection.connection.cursor()  # psycopg's own, which SQLAlchemy's types hide
    with cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _insert(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[str | None]],
) -> None:
    readers = [_reader(table.c[name].type) for name in columns]
    marks = ", ".join("?" * len(columns))
    values = [
        tuple(
            read(value) if value is not None and read else value
            for value, read in zip(row, readers, strict=True)
        )
        for row in rows
    ]
    if values:  # names come from the table's own definition
        names = ", ".join(table.c[name].name for name in columns)
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) VALUES ({marks})",  # noqa: S608
            values,
        )


def _reader(kind: Any) -> Callable[[str], Any] | None:
    """Return what makes SQLite's stored form of a column's text, or None where it is the text."""
    if isinstance(kind, UtcTime):
        return _time
    if isinstance(kind, Boolean):
        return _boolean
    if isinstance(kind, Integer):
        return int
    if isinstance(kind, Float):
        return float
    return _json if isinstance(kind, JSON) else None


@lru_cache(maxsize=4096)
def _time(text: str) -> str:
    return stored(datetime.fromisoformat(text))


def _boolean(text: str) -> int:
    return int({"t": True, "f": False, "true": True, "false": False}[text])


def _json(text: str) -> str:
    return json.dumps(json.loads(text))
