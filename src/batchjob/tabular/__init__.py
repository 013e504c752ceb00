"""Delimited files and the base classes of strategies that read or write them.

Nothing here knows what the rows are about.
"""

from batchjob.tabular.delimited import Cell, csv_writer, escape_formula, to_cell
from batchjob.tabular.export import ExportStrategy

__all__ = ["Cell", "ExportStrategy", "csv_writer", "escape_formula", "to_cell"]
