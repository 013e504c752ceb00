"""Times as the catalogue's columns hold them, on every database.

Here belong the column type and the default of such columns; what a time means to a product does
not.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


def stored(time: datetime) -> str:
    """Return an aware *time* as SQLite's text of it; `ValueError` for a naive one.

    It is UTC and always has six digits after the second, so that text sorts as time does.
    """
    return utc(time).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def utc(time: datetime) -> datetime:
    """Return an aware *time* in UTC; `ValueError` for a naive one, whose zone would be a guess."""
    if time.tzinfo is None:
        raise ValueError(f"a time needs its zone, and {time.isoformat()} has none")
    return time.astimezone(UTC)


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC times going in and coming out; naive ones are refused (`ValueError`)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return *value* as the driver takes it: SQLite's knows no zones."""
        if value is None:
            return None
        return utc(value).replace(tzinfo=None) if dialect.name == "sqlite" else utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what the driver gave as an aware UTC time."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else utc(value)


class Now(FunctionElement[datetime]):
    """The database's clock as the default of a column, in the form `UtcTime` reads."""

    inherit_cache = True
    type = UtcTime()


@compiles(Now)
def _now(element: Now, compiler: Any, **options: Any) -> str:
    return "now()"


@compiles(Now, "sqlite")
def _now_sqlite(element: Now, compiler: Any, **options: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
