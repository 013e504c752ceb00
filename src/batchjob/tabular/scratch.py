"""What one plan of an import keeps on the disk of its worker, because memory would grow with it.

Here belong the groups and keys of all rows, rows whose group does not stand together, and errors by
row. Nothing in it outlives the block: what a job keeps is in the store and its files.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from batchjob.core.results import KEPT_ERRORS, JobError, more_errors
from batchjob.errors import StorageFull
from batchjob.tabular.records import Record
from batchjob.tabular.staged import error_list, error_of

_TABLES: Final = """
CREATE TABLE stretch (grp TEXT NOT NULL);
CREATE TABLE seen (col TEXT, value TEXT, row INTEGER, owner);
CREATE TABLE record (
    grp TEXT NOT NULL, row INTEGER PRIMARY KEY, cells TEXT NOT NULL, error TEXT
);
CREATE TABLE error (row INTEGER, place INTEGER, said TEXT);
CREATE INDEX error_row ON error (row, place);
CREATE TABLE failed (row INTEGER PRIMARY KEY) WITHOUT ROWID;
"""
# Nothing is to survive a crash, so nothing is waited for.
_PRAGMAS: Final = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
_IN_ORDER: Final = """SELECT record.grp, record.row, record.cells, record.error FROM record
JOIN (SELECT grp, MIN(row) AS first FROM record GROUP BY grp) USING (grp)
ORDER BY first, record.row"""
# SQLite takes a column that is not aggregated from the row that has the minimum.
_REPEATED: Final = """SELECT seen.col, seen.value, MIN(seen.row) AS again, first FROM seen JOIN (
    SELECT col, value, MIN(row) AS first, owner FROM seen GROUP BY col, value HAVING COUNT(*) > 1
) AS whole ON (whole.col, whole.value) = (seen.col, seen.value) AND whole.owner <> seen.owner
GROUP BY seen.col, seen.value, seen.owner ORDER BY again"""


class Scratch:
    """A database in a folder of its own; make it by `scratch`."""

    def __init__(self, folder: str) -> None:
        # A plan runs in one thread, and is closed in it or where its generator is thrown away.
        path = Path(folder, "scratch.db")
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(_PRAGMAS + _TABLES)
        self._db.execute("BEGIN")
        self._last: str | None = None
        self.error_count = 0

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def see_groups(self, groups: Iterable[str]) -> None:
        """Take the groups of the next rows."""
        last, starts = self._last, []
        for group in groups:
            if group != last:
                last = group
                starts.append((group,))
        self._last = last
        self._db.executemany("INSERT INTO stretch VALUES (?)", starts)

    def groups_stand_together(self) -> bool:
        """Tell whether the rows of each group that was seen followed each other."""
        found = self._db.execute("SELECT COUNT(*) = COUNT(DISTINCT grp) FROM stretch")
        return bool(found.fetchone()[0])

    def see_keys(self, keys: Iterable[tuple[str, str, int, str | int]]) -> None:
        """Take values of columns, each with its row, and with whose it is: a row's or a group's."""
        self._db.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", keys)

    def repeated(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield (column, value, row, first row) of values that another has above, by row."""
        yield from self._db.execute(_REPEATED)

    def keep(self, found: Iterable[tuple[str, Record]]) -> None:
        """Keep records, each with its group."""
        self._db.executemany(
            "INSERT INTO record VALUES (?, ?, ?, ?)",
            (
                (group, each.row, json.dumps(each.cells), each.error and _said(each.error))
                for group, each in found
            ),
        )

    def in_order(self) -> Iterator[tuple[str, Record]]:
        """Yield the kept records group by group, groups in the order of their first rows."""
        for group, row, cells, error in self._db.execute(_IN_ORDER):
            yield group, Record(row, json.loads(cells), odd=True, error=error and _error(error))

    def blame(self, errors: Iterable[JobError], *, above: bool = False) -> None:
        """Keep errors, each of which has a row; *above* the others of their rows, or below them."""
        said = [(error.row, not above, _said(error)) for error in errors]
        self.error_count += len(said)
        self._db.executemany("INSERT INTO error VALUES (?, ?, ?)", said)

    def forget_errors(self) -> None:
        """Forget what was told by `blame` and `fail`."""
        self.error_count = 0
        self._db.execute("DELETE FROM error")
        self._db.execute("DELETE FROM failed")

    def errors_of(self, first: int, last: int) -> dict[int, list[JobError]]:
        """Return the errors that were kept of the rows from *first* to *last*, by row."""
        sql = "SELECT row, said FROM error WHERE row BETWEEN ? AND ? ORDER BY row, place, rowid"
        found = self._db.execute(sql, (first, last))
        return {row: [_error(said) for _, said in each] for row, each in groupby(found, _row)}

    def errors(self) -> Iterator[tuple[int, list[JobError]]]:
        """Yield (row, its errors) by row."""
        found = self._db.execute("SELECT row, said FROM error ORDER BY row, place, rowid")
        for row, each in groupby(found, _row):
            yield row, [_error(said) for _, said in each]

    def first_errors(self) -> list[JobError]:
        """Return as many errors as a job keeps, by row, and one that counts the others."""
        sql = "SELECT row, said FROM error ORDER BY row, place, rowid LIMIT ?"
        found = [_error(said) for _, said in self._db.execute(sql, (KEPT_ERRORS,))]
        more = self.error_count - len(found)
        return [*found, more_errors(more)] if more else found

    def fail(self, rows: Iterable[int]) -> None:
        """Keep the numbers of rows that go into the error report."""
        self._db.executemany("INSERT OR IGNORE INTO failed VALUES (?)", ((row,) for row in rows))

    def failed(self) -> Iterator[int]:
        """Yield the kept numbers, in order."""
        for (row,) in self._db.execute("SELECT row FROM failed ORDER BY row"):
            yield row


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Open a scratch database that is gone when the block ends; `StorageFull` if the disk is."""
    try:
        with TemporaryDirectory(prefix="batchjob-") as folder:
            made = Scratch(folder)
            try:
                yield made
            finally:
                made.close()
    except sqlite3.OperationalError as error:
        if "full" not in str(error) and "disk I/O" not in str(error):
            raise
        message = "the disk for temporary files is full; make room and try again"
        raise StorageFull(message) from error


def _row(found: tuple[int, str]) -> int:
    return found[0]


def _said(error: JobError) -> str:
    return json.dumps(error_list(error))


def _error(said: str) -> JobError:
    return error_of(json.loads(said))
