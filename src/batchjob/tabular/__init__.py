"""Delimited files and the base classes of strategies that read or write them.

Nothing here knows what the rows are about. The base classes, `column` and `Row` are public in
`batchjob` itself.
"""

from batchjob.tabular.columns import (
    Bound,
    CellFault,
    Column,
    Columns,
    FixedColumns,
    boolean,
    choice,
    decimal,
    file_key,
    integer,
    key_text,
    open_records,
    text,
    unescape_formula,
)
from batchjob.tabular.delimited import Cell, csv_writer, escape_formula, to_cell
from batchjob.tabular.records import ReadLimits, Record, Records
from batchjob.tabular.rows import columns_of, row_schema, template_of

__all__ = [
    "Bound",
    "Cell",
    "CellFault",
    "Column",
    "Columns",
    "FixedColumns",
    "ReadLimits",
    "Record",
    "Records",
    "boolean",
    "choice",
    "columns_of",
    "csv_writer",
    "decimal",
    "escape_formula",
    "file_key",
    "integer",
    "key_text",
    "open_records",
    "row_schema",
    "template_of",
    "text",
    "to_cell",
    "unescape_formula",
]
