"""Exports without jobs: a context and a catalogue in, the bytes of the file out."""

import csv
import io
from collections.abc import Mapping
from itertools import islice
from typing import Any

from batchjob.converters import structure_context
from batchjob.products.catalog import Catalog
from batchjob.products.context import ProductExportContext, given_shape, page_size, wanted
from batchjob.products.lines import page_lines
from batchjob.products.rows import read_page
from batchjob.products.selection import product_ids, select
from batchjob.products.survey import survey
from batchjob.tabular import csv_writer

csv.field_size_limit(2**24)


def export(catalog: Catalog, context: Mapping[str, Any] | None = None) -> bytes:
    """Return the whole file that *context* asks for."""
    asked = structure_context(context or {}, ProductExportContext)
    out = io.StringIO(newline="")
    with catalog.read() as connection:
        selection = select(wanted(asked), catalog.dialect)
        shape = given_shape(asked) or survey(connection, selection).shape
        csv_writer(out).writerow(shape.header)
        ids = iter(list(product_ids(connection, selection, size=page_size(asked))))
        while page := list(islice(ids, page_size(asked))):
            read = read_page(connection, page, shape)
            out.writelines(page_lines(read, escape=asked.escape_formulas))
    return out.getvalue().encode()


def table(data: bytes) -> list[dict[str, str]]:
    """Return the rows of a file, as cells by column."""
    head, *rows = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=";")
    assert len(set(head)) == len(head)
    return [dict(zip(head, row, strict=True)) for row in rows]


def column(data: bytes, name: str) -> list[str]:
    """Return the cells of one column of a file."""
    return [row[name] for row in table(data)]
