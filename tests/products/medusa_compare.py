"""Whether an export equals the file that Medusa v1 wrote from the same catalogue.

Equal means: the same rows in the same order, the same columns, the same text in every cell, but
for what Medusa does wrong or leaves to chance:

- price, option, image and channel columns may stand in another order within their group;
- images, sales channels and tags of a row are compared as sets;
- a price of 0 is empty in Medusa's file;
- "Price USD" may hold a region's price in Medusa's file (ours is right or empty);
- "Sales Channel N Id" holds the channel's name in Medusa's file;
- a cell that begins with = + - @ may carry an apostrophe in ours, a tag with a comma its quotes;
- rows whose cells hold a lone CR cannot be read back from Medusa's file: edge-02 is left out.
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

Cells = dict[str, str]

GROUPS = {
    "price": re.compile(r"Price "),
    "option": re.compile(r"Option (\d+) (Name|Value)$"),
    "image": re.compile(r"Image (\d+) Url$"),
    "channel": re.compile(r"Sales Channel (\d+) (Id|Name|Description)$"),
}
UNREADABLE = {"edge-02"}


def differences(medusa: bytes, ours: bytes) -> Iterator[str]:
    """Yield one line for each difference between two files."""
    (theirs_head, theirs), (our_head, mine) = _read(medusa), _read(ours)
    if _of(theirs_head, "fixed") != _of(our_head, "fixed"):
        yield f"fixed columns: {our_head}"
    for kind in GROUPS:
        if sorted(_of(theirs_head, kind)) != sorted(_of(our_head, kind)):
            yield f"{kind} columns: {_of(theirs_head, kind)} != {_of(our_head, kind)}"
    if [_key(row) for row in theirs] != [_key(row) for row in mine]:
        yield f"rows: {[_key(row) for row in theirs]} != {[_key(row) for row in mine]}"
        return
    for a, b in zip(theirs, mine, strict=True):
        yield from (f"{_key(a)}: {line}" for line in _row(a, b))


def _read(data: bytes) -> tuple[list[str], list[Cells]]:
    head, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";")
    cells = [dict(zip(head, row, strict=False)) for row in rows]
    kept = [row for row in cells if row["Product Id"].startswith("prod_")]
    return head, [row for row in kept if row["Product Handle"] not in UNREADABLE]


def _group(column: str) -> str:
    return next((name for name, pattern in GROUPS.items() if pattern.match(column)), "fixed")


def _of(head: list[str], kind: str) -> list[str]:
    return [column for column in head if _group(column) == kind]


def _key(row: Cells) -> tuple[str, ...]:
    return row["Product Handle"], row["Variant Id"], row["Variant SKU"]


def _row(theirs: Cells, ours: Cells) -> Iterator[str]:
    a, b = _normal(theirs, escaped=False), _normal(ours, escaped=True)
    for kind in ("image", "channel"):
        if a[kind] != b[kind]:
            yield f"{kind}s {sorted(a[kind])} != {sorted(b[kind])}"
    for kind in ("fixed", "option"):
        for column, text in a[kind].items():
            if text != b[kind].get(column):
                yield f"{column}: {text!r} != {b[kind].get(column)!r}"
    for column, text in a["price"].items():
        if not _same_price(column, text, b["price"].get(column), a["price"]):
            yield f"{column}: {text!r} != {b['price'].get(column)!r}"


def _normal(row: Cells, *, escaped: bool) -> dict[str, Any]:
    out: dict[str, Any] = {
        "image": set(),
        "channel": set(),
        "price": {},
        "option": {},
        "fixed": {},
    }
    for column, given in row.items():
        text = given[1:] if escaped and re.match(r"''*[=+@\t\r-]", given) else given
        kind = _group(column)
        if kind == "image":
            out[kind] |= {text} - {""}
        elif kind == "channel":
            out[kind] |= {text} - {""} if column.endswith("Name") else set()
        elif column == "Product Tags":
            out["fixed"][column] = frozenset(text.replace('"', "").split(","))
        else:
            out[kind][column] = text
    return out


def _same_price(column: str, theirs: str, ours: str | None, row: Cells) -> bool:
    if theirs == ours or (theirs == "" and ours in {"0", "0.0", "0.00"}):
        return True
    code = column.removeprefix("Price ")
    regional = [text for name, text in row.items() if name.endswith(f"[{code}]")]
    return "[" not in column and theirs in regional
