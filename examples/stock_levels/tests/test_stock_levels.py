"""Levels are set as they were shown, whatever happens."""

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from stock_levels import StockImport

from batchjob.testing.strategies.conformance import ImportConformance


class TestStockImport(ImportConformance):
    """All that imports promise, beside the table of the levels."""

    stores = ("sqlite",)
    least_chunks = 1  # of 500 rows each
    file = "SKU;Quantity\nA;1\nB;2\nC;3\n"
    bad_file = "SKU;Quantity\nA;1\nB;many\nC;3\n"
    bad_row, bad_column = 3, "Quantity"

    def make(self, folder: Path) -> StockImport:
        """Make the strategy, and its table with one level."""
        with closing(sqlite3.connect(folder / "jobs.db")) as database, database:
            database.execute("CREATE TABLE stock_level (sku TEXT PRIMARY KEY, quantity INTEGER)")
            database.execute("INSERT INTO stock_level VALUES ('A', 7)")
        return StockImport(sa.create_engine(f"sqlite:///{folder}/jobs.db"))

    def effects(self, folder: Path) -> object:
        """Return the levels."""
        with closing(sqlite3.connect(folder / "jobs.db")) as database:
            return sorted(database.execute("SELECT sku, quantity FROM stock_level"))
