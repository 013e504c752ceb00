"""Types of columns that mean the same on SQLite and PostgreSQL; no table belongs here."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from batchjob.core.times import utc_ms

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A number that the database counts up; SQLite does so for its INTEGER alone."""


class JsonText(sa.JSON):
    """JSON kept as the text that it came as, keys in their order; None is NULL.

    On SQLite the column is TEXT: a column declared as JSON there has numeric affinity, and would
    turn a payload of 10.0 into 10.
    """

    def __init__(self) -> None:
        super().__init__(none_as_null=True)


@compiles(JsonText, "sqlite")
def _text(type_: JsonText, compiler: Any, **options: Any) -> str:
    return "TEXT"


class UtcTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC times, cut to milliseconds, going in and coming out; `InvalidTime` for naive ones.

    SQLite keeps them as text that sorts as time does.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return *value* as the driver takes it: SQLite's knows no zones."""
        if value is None:
            return None
        time = utc_ms(value)
        return time.replace(tzinfo=None) if dialect.name == "sqlite" else time

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return what the driver gave as an aware UTC time."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)
