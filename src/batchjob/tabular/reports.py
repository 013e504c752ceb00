"""Error reports: rows as they were given, and what is wrong with them in a last column.

Mended and given back, a report is a good file: its last column is read over.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from batchjob.core.results import JobError
from batchjob.tabular.columns import IMPORT_ERROR
from batchjob.tabular.records import Record, Records


def write_report(
    file: TextIO,
    records: Records,
    errors: Iterable[tuple[int, Sequence[JobError]]],
    *,
    rows: Iterator[int] | None = None,
) -> None:
    """Write the records whose numbers *rows* has (all, if None) with their *errors*, by row.

    Cells and delimiter are those of the file.
    """
    old = records.header[-1:] == (IMPORT_ERROR,)  # of a report that was given back
    width = len(records.header) - old
    writer = csv.writer(file, delimiter=records.delimiter, lineterminator="\r\n")
    writer.writerow([*records.header[:width], IMPORT_ERROR])
    said, wanted = iter(errors), None if rows is None else next(rows, None)
    row, found = next(said, (0, []))
    for record in records:
        if rows is not None and record.row != wanted:
            continue
        wanted = None if rows is None else next(rows, None)
        while row and row < record.row:
            row, found = next(said, (0, []))
        cells = record.cells[:width] + [""] * (width - len(record.cells))
        writer.writerow([*cells, *_said(record, found if row == record.row else ())])


def _said(record: Record, errors: Sequence[JobError]) -> list[str]:
    """Return what stands in the last column."""
    return ["; ".join(f"{e.column}: {e.message}" if e.column else e.message for e in errors)]
