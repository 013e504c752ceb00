"""The text of an export: cells to lines, as `batchjob.tabular.csv_writer` would write them.

Here belongs what makes that fast where rows share cells: those of a product are made into text
once for all its variants, and cells that need no quotes are only joined.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from batchjob.products.rows import Page
from batchjob.tabular.delimited import TRIGGERS, escape_formula

_SUSPECT: Final = TRIGGERS | {"'"}


def page_lines(page: Page, *, escape: bool) -> Iterator[str]:
    """Yield a line with its CRLF for each variant on *page*.

    Texts that a spreadsheet would take for formulas carry an apostrophe if *escape*.
    """
    join = _escaped if escape else _plain
    for product in page.products:
        head = join(product.head)
        tail = f";{join(product.tail)}\r\n" if product.tail else "\r\n"
        for fixed, prices, options in product.variants:
            amounts = f";{';'.join(prices)}" if prices else ""
            choices = f";{join(options)}" if options else ""
            yield f"{head};{join(fixed)}{amounts}{choices}{tail}"


def _escaped(cells: Iterable[Any]) -> str:
    return _joined(
        [
            ""
            if cell is None
            else cell
            if cell.__class__ is str and cell[:1] not in _SUSPECT
            else _text(cell)
            for cell in cells
        ]
    )


def _text(cell: str | int) -> str:
    return escape_formula(cell) if isinstance(cell, str) else str(cell)


def _plain(cells: Iterable[Any]) -> str:
    return _joined(["" if cell is None else str(cell) for cell in cells])


def _joined(texts: list[str]) -> str:
    line = ";".join(texts)
    if line.count(";") == len(texts) - 1 and not ('"' in line or "\n" in line or "\r" in line):
        return line
    return ";".join([_quoted(text) for text in texts])


def _quoted(text: str) -> str:
    if ";" in text or '"' in text or "\n" in text or "\r" in text:
        return '"' + text.replace('"', '""') + '"'
    return text
