"""Which products an export is about, and in which order: a request's filters as SQL.

Here belongs the meaning of each filter. What is allowed in a request is checked before, in
`batchjob.products.filters`; reading what hangs on the products comes after, in
`batchjob.products.rows`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from batchjob.products.catalog import Dialect
from batchjob.products.columns import PRODUCT_COLUMNS, Kind

if TYPE_CHECKING:
    from sqlalchemy import Connection

_COMPARE: Final = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

_LINKS: Final = {
    "tags": """SELECT l.product_id FROM product_tags l
        JOIN product_tag x ON x.id = l.product_tag_id AND x.deleted_at IS NULL WHERE x.id""",
    "sales_channel_id": """SELECT l.product_id FROM product_sales_channel l
        JOIN sales_channel x ON x.id = l.sales_channel_id AND x.deleted_at IS NULL WHERE x.id""",
    "price_list_id": """SELECT v.product_id FROM money_amount m
        JOIN product_variant_money_amount l ON l.money_amount_id = m.id AND l.deleted_at IS NULL
        JOIN product_variant v ON v.id = l.variant_id AND v.deleted_at IS NULL
        WHERE m.deleted_at IS NULL AND m.price_list_id""",
    "category_id": """SELECT l.product_id FROM product_category_product l
        WHERE l.product_category_id""",
}
_BRANCH: Final = """IN (WITH RECURSIVE branch(id) AS (
    SELECT c.id FROM product_category c WHERE c.id {among}
    UNION SELECT c.id FROM product_category c JOIN branch ON c.parent_category_id = branch.id)
    SELECT id FROM branch)"""
_SEARCH: Final = """({product} OR EXISTS (SELECT 1 FROM product_variant v
    WHERE v.product_id = p.id AND v.deleted_at IS NULL AND ({variant}))
    OR EXISTS (SELECT 1 FROM product_collection c
    WHERE c.id = p.collection_id AND c.deleted_at IS NULL AND {collection}))"""


@attrs.frozen(kw_only=True)
class Wanted:
    """Which products, in which order: a request that was checked.

    ``filters`` are as a request has them (but times are aware datetimes), ``order`` a column with
    ``-`` before it for descending; of the ordered products the first ``offset`` are left out, and
    at most ``most`` are taken.
    """

    filters: Mapping[str, Any] = attrs.field(factory=dict)
    order: str = "-created_at"
    offset: int = 0
    most: int | None = None


@attrs.frozen(kw_only=True)
class Selection:
    """A query for the ids of products, to run or to put into another one."""

    sql: str
    ordered: str
    """`sql` in the order asked for; the same where only a part of the ordered list is taken."""
    parameters: Mapping[str, Any]


def select(wanted: Wanted, dialect: Dialect) -> Selection:
    """Return the query for *wanted*, in the spelling of *dialect*."""
    where = _Where(dialect=dialect)
    filters = dict(wanted.filters)
    if "q" in filters:  # Medusa v1 takes a search for all that is said of these two
        filters.pop("title", None)
        filters.pop("description", None)
    children = filters.pop("include_category_children", False)
    for name, value in filters.items():
        where.add(name, value, children=bool(children))
    sql = " AND ".join(["SELECT p.id FROM product p WHERE p.deleted_at IS NULL", *where.terms])
    ordered = f"{sql} ORDER BY {_order(wanted.order, dialect)}"
    if wanted.offset or wanted.most is not None:
        most = wanted.most if wanted.most is not None else 2**62  # SQLite has no OFFSET alone
        sql = ordered = f"{ordered} LIMIT {most:d} OFFSET {wanted.offset:d}"
    return Selection(sql=sql, ordered=ordered, parameters=where.parameters)


def product_ids(connection: "Connection", selection: Selection, *, size: int) -> Iterator[str]:
    """Yield the ids in order, fetched *size* at a time: as many as there are, in little memory."""
    from sqlalchemy import text

    options = {"stream_results": True, "yield_per": size}
    query = text(selection.ordered)
    with connection.execute(query, selection.parameters, execution_options=options) as result:
        for row in result:
            yield row[0]


def _order(order: str, dialect: Dialect) -> str:
    name, descending = order.removeprefix("-"), order.startswith("-")
    column = _comparable(name, dialect)
    way = "DESC NULLS FIRST" if descending else "ASC NULLS LAST"
    return f"{column} {way}, p.id{dialect.c}"


def _comparable(name: str, dialect: Dialect) -> str:
    """Return the column so that it compares alike on every database."""
    kind = PRODUCT_COLUMNS[name]  # names of columns reach SQL from this table only
    if kind == "status":
        return f"CAST(p.status AS text){dialect.c}"
    return f"p.{name}{dialect.c}" if kind == "text" else f"p.{name}"


def _fold(text: str) -> str:
    """Return *text* with ASCII letters in lower case, as both databases can fold."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


@attrs.define(kw_only=True)
class _Where:
    """The conditions of a query in the making, and their parameters."""

    dialect: Dialect
    terms: list[str] = attrs.field(factory=list)
    parameters: dict[str, Any] = attrs.field(factory=dict)

    def add(self, name: str, value: Any, *, children: bool) -> None:
        """Add what filter *name* says."""
        if name == "q":
            self.terms.append(self._search(value))
        elif name in _LINKS:
            self.terms.append(self._linked(name, value, children=children))
        elif isinstance(value, Mapping):
            self.terms.extend(self._operator(name, key, given) for key, given in value.items())
        else:
            self.terms.append(self._equal(name, value))

    def _parameter(self, value: Any) -> str:
        name = f"v{len(self.parameters)}"
        if isinstance(value, datetime) and self.dialect.name == "sqlite":
            from batchjob.products.times import stored

            value = stored(value)
        self.parameters[name] = value
        return f":{name}"

    def _equal(self, name: str, value: Any) -> str:
        if value is None:
            return f"p.{name} IS NULL"
        column = _comparable(name, self.dialect)
        if isinstance(value, Sequence) and not isinstance(value, str):
            return f"{column} {self._among(PRODUCT_COLUMNS[name], value)}"
        return f"{column} = {self._parameter(value)}"

    def _among(self, kind: Kind, values: Sequence[Any]) -> str:
        """Return a condition for any number of values, more than a query has parameters for."""
        if not values:
            return "IN (NULL)"  # which nothing is equal to
        if kind in {"text", "status"}:
            parameter = self._parameter(json.dumps(list(values))).removeprefix(":")
            return self.dialect.among.format(parameter)
        if kind == "integer":
            return f"IN ({', '.join(f'{value:d}' for value in values)})"
        return f"IN ({', '.join(self._parameter(value) for value in set(values))})"

    def _operator(self, name: str, operator: str, value: Any) -> str:
        if operator in _COMPARE:
            column = _comparable(name, self.dialect)
            return f"{column} {_COMPARE[operator]} {self._parameter(value)}"
        if operator == "ends_with":
            return self._ends(f"p.{name}", value)
        found = self._place(f"p.{name}", value)
        return f"{found} > 0" if operator == "contains" else f"{found} = 1"

    def _folded(self, column: str) -> str:
        return f"lower({column}{self.dialect.c})"

    def _place(self, column: str, value: str) -> str:
        return self.dialect.find.format(self._folded(column), self._parameter(_fold(value)))

    def _ends(self, column: str, value: str) -> str:
        folded = self._folded(column)
        start = f"length({column}) - {len(value):d}"
        return f"({start} >= 0 AND substr({folded}, {start} + 1) = {self._parameter(_fold(value))})"

    def _search(self, text: str) -> str:
        def any_of(*columns: str) -> str:
            return " OR ".join(f"{self._place(column, text)} > 0" for column in columns)

        return _SEARCH.format(
            product=any_of("p.title", "p.description"),
            variant=any_of("v.title", "v.sku"),
            collection=any_of("c.title"),
        )

    def _linked(self, name: str, ids: Sequence[str], *, children: bool) -> str:
        among = self._among("text", ids)
        if name == "category_id" and children:
            among = _BRANCH.format(among=among)
        return f"p.id IN ({_LINKS[name]} {among})"
