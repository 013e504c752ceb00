"""Delimited files and the base classes of strategies that read or write them.

Nothing here knows what the rows are about.
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
from batchjob.tabular.export import ExportStrategy
from batchjob.tabular.imports import ImportContext, ImportStrategy
from batchjob.tabular.planning import Row
from batchjob.tabular.records import ReadLimits, Record, Records
from batchjob.tabular.rows import column, columns_of, row_schema, template_of

__all__ = [
    "Bound",
    "Cell",
    "CellFault",
    "Column",
    "Columns",
    "ExportStrategy",
    "FixedColumns",
    "ImportContext",
    "ImportStrategy",
    "ReadLimits",
    "Record",
    "Records",
    "Row",
    "boolean",
    "choice",
    "column",
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
