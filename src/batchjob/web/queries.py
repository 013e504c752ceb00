"""The query of a list: every parameter checked, all that is wrong said at once.

Parameters are those of Medusa's API (``type[]``, ``created_at[gt]``, ``fields``), read as its
server reads them where that makes sense, and ``status[]`` and ``cursor`` beside them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import attrs

from batchjob._typing import Json
from batchjob.abc import ORDERS, TIMES, Cursor, TimeRange
from batchjob.core.job import BatchJob
from batchjob.core.status import Status
from batchjob.web import cursors
from batchjob.web.problems import gathered, problem

T = TypeVar("T")

MAX_LIMIT: Final = 100
MAX_OFFSET: Final = 10_000
"""Deeper pages are for cursors: an offset is counted through."""

DEEPEST: Final = 999_999_999
"""The offset of a page of changes: chunks before it are passed over, however many."""

KEYS: Final = tuple(
    "type" if field.name == "batch_type" else field.name for field in attrs.fields(BatchJob)
)
"""What ``fields`` may name: the keys of a job on the API's page."""

_ALWAYS: Final = frozenset({"id", "created_at"})
RELATIONS: Final = ("created_by_user",)
BOUNDS: Final = {"gt": "after", "gte": "at or after", "lt": "before", "lte": "at or before"}
NULLABLE: Final = tuple(name for name in TIMES if name != "created_at")
_MOST: Final = 500  # parameters
_SHOWN: Final = 64  # characters of a name that are repeated
_NAME: Final = re.compile(r"([a-z_]+)(?:\[([a-z0-9]*)\])?")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_UNIX: Final = re.compile(r"[0-9]{1,10}")
_DAY: Final = r"\d{4}-\d\d-\d\d"
_DATE: Final = re.compile(
    rf"{_DAY}(?:[Tt]\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?(?:[Zz]|[+-]\d\d:?\d\d))?", re.ASCII
)
_LOST_PLUS: Final = re.compile(r"([T][0-9:.]+) (\d\d:?\d\d)", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@attrs.frozen(kw_only=True)
class Listing:
    """What a list was asked for.

    ``keys`` are those that each job is shown with. ``paged`` says that pages are asked for by
    cursor; ``pairs`` are the parameters as they were sent.
    """

    batch_types: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    ids: tuple[str, ...] = ()
    times: Mapping[str, TimeRange] = attrs.field(factory=dict)
    order: str = "-created_at"
    after: Cursor | None = None
    limit: int = 10
    offset: int = 0
    keys: frozenset[str] = frozenset(KEYS)
    expand: bool = False
    paged: bool = False
    pairs: tuple[tuple[str, str], ...] = ()


def read_listing(query: bytes, user_id: str, *, secret: bytes) -> Listing:
    """Return what the query string asks for; 400 names everything that is wrong with it."""
    return _Reader(_pairs(query)).listing(user_id, secret)


def read_page(query: bytes) -> tuple[int, int]:
    """Return offset and limit of a page; 400 names everything that is wrong with the query."""
    return _Reader(_pairs(query)).page()


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST
        )
    except UnicodeDecodeError:
        raise problem("query_text", "the query is not UTF-8") from None
    except ValueError:
        raise problem("invalid_query", f"these are more than {_MOST} parameters") from None


class _Reader:
    """Reads one query, and gathers what is wrong with it."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = tuple(pairs)
        self._errors: list[dict[str, Json]] = []
        self._given: dict[str, list[tuple[str | None, str]]] = {}
        for name, value in pairs:
            self._sort_in(name, value)

    def listing(self, user_id: str, secret: bytes) -> Listing:
        """Return it all, or raise the problem with all of its errors."""
        order = self._one_of("order", ORDERS) or "-created_at"
        after = None
        if cursor := self._scalar("cursor"):
            order, after = self._opened(cursor, order, user_id, secret)
        keys, relations = self._fields()
        found = Listing(
            batch_types=self._array("type"),
            statuses=self._statuses(),
            ids=self._array("id"),
            times={name: self._times(name) for name in TIMES if name in self._given},
            order=order,
            after=after,
            limit=self._number("limit", 1, MAX_LIMIT, 10),
            offset=self._number("offset", 0, MAX_OFFSET, 0),
            keys=keys,
            expand=bool(relations or self._expand()),
            paged="cursor" in self._given,
            pairs=self._pairs,
        )
        if found.paged and found.offset:
            self._wrong("query_cursor", "offset", "a cursor and an offset exclude each other")
        if self._errors:
            raise gathered("invalid_query", self._errors)
        return found

    def page(self) -> tuple[int, int]:
        """Return offset and limit, or raise the problem with all of its errors."""
        for name in self._given.keys() - {"offset", "limit"}:
            self._wrong("query_unknown", name, f"property {name} should not exist")
        offset = self._number("offset", 0, DEEPEST, 0)
        limit = self._number("limit", 1, MAX_LIMIT, MAX_LIMIT)
        if self._errors:
            raise gathered("invalid_query", self._errors)
        return offset, limit

    def _sort_in(self, name: str, value: str) -> None:
        match = _NAME.fullmatch(name)
        if _CONTROL.search(name + value):
            self._wrong("query_text", name, "control characters are not allowed")
        elif match is None or not self._takes(match[1], match[2]):
            self._wrong("query_unknown", name, f"property {name[:_SHOWN]} should not exist")
        else:
            self._given.setdefault(match[1], []).append((match[2], value))

    @staticmethod
    def _takes(name: str, below: str | None) -> bool:
        if name in TIMES:
            return below is None or below in BOUNDS
        if name in ("type", "id", "status"):
            return below is None or not below or below.isdigit()
        return below is None and name in ("limit", "offset", "order", "fields", "expand", "cursor")

    def _wrong(self, code: str, parameter: str, message: str) -> None:
        error = {"code": code, "message": message, "parameter": parameter[:_SHOWN]}
        self._errors.append(dict(error))

    def _scalar(self, name: str) -> str | None:
        values = self._given.get(name, [])
        if len(values) > 1:
            self._wrong("query_value", name, f"{name} must be given once")
        return values[0][1] if values else None

    def _number(self, name: str, least: int, most: int, default: int) -> int:
        given = self._scalar(name)
        if given is None:
            return default
        if _NUMBER.fullmatch(given) and least <= int(given) <= most:
            return int(given)
        self._wrong("query_range", name, f"{name} must be a number from {least} to {most}")
        return default

    def _one_of(self, name: str, known: Iterable[str]) -> str | None:
        given = self._scalar(name)
        if given is None or given in known:
            return given
        self._wrong("query_order", name, f"{name} must be one of {', '.join(known)}")
        return None

    def _array(self, name: str) -> tuple[str, ...]:
        """Return the values of ``name[]=a&name[]=b``, or of one that has them with commas."""
        given = self._given.get(name, [])
        if len(given) == 1:
            below, value = given[0]
            if below is None:
                self._wrong("query_value", name, f"{name} must be an array: {name}[]=...")
            return tuple(value.split(","))
        return tuple(value for _, value in given)

    def _statuses(self) -> tuple[Status, ...]:
        known = {status.value: status for status in Status}
        given = self._array("status")
        if any(value not in known for value in given):
            words = ", ".join(known)
            self._wrong("query_value", "status", f"each status must be one of {words}")
        return tuple(known[value] for value in given if value in known)

    def _times(self, name: str) -> TimeRange:
        bounds: dict[str, datetime] = {}
        null = False
        for below, value in self._given[name]:
            parameter = name if below is None else f"{name}[{below}]"
            if below is None:
                null = value == "null" and name in NULLABLE
                if not null:
                    words = "null, or bounds" if name in NULLABLE else "bounds"
                    message = f"{name} must be {words}: {name}[gt], [gte], [lt] or [lte]"
                    self._wrong("query_date", name, message)
            elif (time := _time(value)) is None:
                message = f"{below} of {name} must be a date, e.g. 2024-05-01T12:00:00.000Z"
                self._wrong("query_date", parameter, message)
            elif below in bounds:
                self._wrong("query_value", parameter, f"{parameter} must be given once")
            else:
                bounds[below] = time
        if null and bounds:
            self._wrong("query_date", name, f"{name} cannot be null and have bounds")
            return TimeRange()
        return TimeRange(null=null, **bounds)

    def _fields(self) -> tuple[frozenset[str], bool]:
        """Return the keys to show, and whether the creator is one of them.

        Plain names stand for themselves alone; ``+`` (which a query may turn into a space), ``-``
        and ``*`` add and remove keys and add relations.
        """
        given = self._scalar("fields")
        if given is None:
            return frozenset(KEYS), False
        parts = [part for part in given.split(",") if part]
        plain = {part for part in parts if part[0] not in "+ -*"}
        added = {part[1:] for part in parts if part[0] in "+ "}
        removed = {part[1:] for part in parts if part[0] == "-"}
        relations = {part[1:] for part in parts if part[0] == "*"}
        unknown = ((plain | added | removed) - set(KEYS)) | (relations - set(RELATIONS))
        if unknown:
            self._wrong("query_order", "fields", f"fields must be among {', '.join(KEYS)}")
        shown = plain if plain or not parts else set(KEYS)
        return frozenset((shown | added) - removed) | _ALWAYS, bool(relations)

    def _expand(self) -> bool:
        given = [part for part in (self._scalar("expand") or "").split(",") if part]
        if set(given) - set(RELATIONS):
            self._wrong("query_order", "expand", f"expand must be {', '.join(RELATIONS)}")
        return bool(given)

    def _opened(
        self, cursor: str, order: str, user_id: str, secret: bytes
    ) -> tuple[str, Cursor | None]:
        found = cursors.opened(cursor, user_id, secret=secret)
        if found is None or ("order" in self._given and found[0] != order):
            self._wrong("query_cursor", "cursor", "the cursor is not one of this list; begin anew")
            return order, None
        return found


def _time(text: str) -> datetime | None:
    """Return the time of ISO 8601 with a zone, a day in UTC, or seconds since 1970."""
    if _UNIX.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC)
    text = _LOST_PLUS.sub(r"\1+\2", text)  # a plus that was not written as %2B is a space
    if not _DATE.fullmatch(text):
        return None
    try:
        time = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
