"""Delimited files and the base classes of strategies that read or write them.

Nothing here knows what the rows are about.
"""

from batchjob.tabular.binding import Binding, Row, bind, missing_column
from batchjob.tabular.columns import ERROR_COLUMN, Column, Columns, Special
from batchjob.tabular.delimited import (
    Cell,
    csv_writer,
    escape_formula,
    to_cell,
    unescape_formula,
)
from batchjob.tabular.export import ExportStrategy
from batchjob.tabular.faults import CellFault, file_fault
from batchjob.tabular.header import Header
from batchjob.tabular.kinds import Boolean, Choice, FileKey, Integer, Key, Kind, Number, Text
from batchjob.tabular.limits import FileLimits
from batchjob.tabular.reading import Given, Reading
from batchjob.tabular.records import Record, Records
from batchjob.tabular.rows import RowClass, column, row_class
from batchjob.tabular.unique import UniqueKeys, duplicate_key

__all__ = [
    "ERROR_COLUMN",
    "Binding",
    "Boolean",
    "Cell",
    "CellFault",
    "Choice",
    "Column",
    "Columns",
    "ExportStrategy",
    "FileKey",
    "FileLimits",
    "Given",
    "Header",
    "Integer",
    "Key",
    "Kind",
    "Number",
    "Reading",
    "Record",
    "Records",
    "Row",
    "RowClass",
    "Special",
    "Text",
    "UniqueKeys",
    "bind",
    "column",
    "csv_writer",
    "duplicate_key",
    "escape_formula",
    "file_fault",
    "missing_column",
    "row_class",
    "to_cell",
    "unescape_formula",
]
