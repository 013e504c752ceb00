"""How an import's file becomes chunks of changes: the flow of one plan.

Rows are planned page by page, each group of rows in one, as the file is read; no chunk is given out
before all of it was. Where only its end tells that a page was planned wrongly, because a row of one
of its groups or of a repeated key stands further down, the file is read and planned once more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, NoReturn, TypeVar
from unicodedata import normalize

import attrs

from batchjob._typing import JsonScalar
from batchjob.abc import Run
from batchjob.core.changes import Change, Outcome
from batchjob.core.chunks import Chunk
from batchjob.core.results import JobError
from batchjob.errors import FileFault, InputChanged, InvalidStrategy, Refused
from batchjob.tabular.columns import Bound, Columns, open_records
from batchjob.tabular.records import Record, Records, show
from batchjob.tabular.reports import write_report
from batchjob.tabular.scratch import Scratch
from batchjob.tabular.staged import change_lines

if TYPE_CHECKING:
    from batchjob.tabular.imports import ImportStrategy

RowT = TypeVar("RowT")

REPORT_NAME: Final = "import-errors.csv"
_GIVE: Final = "yield a Change or a JobError for each row"
_PAGE: Final = 1000  # records that are looked at together
_ROWS: Final = 5  # times as many rows as groups a chunk may have, before it is ended


class Row(NamedTuple, Generic[RowT]):
    """A row of an import's file: its ``number``, as a spreadsheet counts, and what it says.

    ``bad`` has the texts of cells that are at fault, by their columns: they have no value. Take out
    of it what is right nevertheless, because it is what is stored already.
    """

    number: int
    value: RowT
    group: str
    bad: dict[str, str]


@contextmanager
def opened(
    strategy: "ImportStrategy[Any, Any]", run: Run[Any], columns: Columns
) -> Iterator[Records]:
    """Open the file of a job; `InputChanged`, at the end, if it is not what was uploaded."""
    known = run.file(strategy.file_key(run.context)).file
    with run.open(known.key) as file:
        records = open_records(file, columns, limits=strategy.limits)
        yield records
        for _ in records:  # what was not read yet
            pass
        if (records.size, records.sha256) != (known.size, known.sha256):
            raise InputChanged("was changed since it was uploaded")


class Planning:
    """One plan of *strategy*; what does not fit into memory is in *kept*."""

    def __init__(self, strategy: "ImportStrategy[Any, Any]", run: Run[Any], kept: Scratch) -> None:
        self._strategy, self._run, self._kept = strategy, run, kept
        self._columns = strategy.columns(run)
        self._skips = bool(getattr(run.context, "skip_invalid", False))
        self._counts: Counter[str] = Counter()

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks; `Refused` at the end if rows are at fault and not to be left out."""
        chunks: Iterable[Chunk] = self._at_once()
        repeated = self._blame_repeated()
        if (repeated and self._skips) or not self._kept.groups_stand_together():
            self._counts.clear()
            self._kept.forget_errors()
            self._blame_repeated()
            chunks = self._once_more()
        yield from chunks
        if self._kept.error_count:
            self._report()
        self._strategy.describe(self._run, self._counts)

    def _at_once(self) -> list[Chunk]:
        """Read the file and plan it as it stands; return the chunks."""
        chunks = list[Chunk]()
        with opened(self._strategy, self._run, self._columns) as records:
            bound = self._bound(records)
            faults = tuple(self._strategy.check_header(self._run, bound))
            if not faults:
                for page in self._pages(self._grouped(records, bound, see=True)):
                    chunks += self._staged(self._planned(page, bound))
        if faults:  # which come after those of the file itself
            raise FileFault(faults)
        return chunks

    def _once_more(self) -> Iterator[Chunk]:
        """Read the file again and plan it group by group, in the order of their first rows."""
        with opened(self._strategy, self._run, self._columns) as records:
            bound = self._bound(records)
            self._kept.keep(self._grouped(records, bound))
            for page in self._pages(self._kept.in_order()):
                yield from self._staged(self._planned(page, bound))

    def _blame_repeated(self) -> bool:
        """Keep the errors of repeated keys; tell whether there are any."""
        before = self._kept.error_count
        self._kept.blame((_repeated(*each) for each in self._kept.repeated()), above=True)
        return self._kept.error_count > before

    def _bound(self, records: Records) -> Bound:
        escaped = bool(getattr(self._run.context, "escape_formulas", True))
        return Bound(self._columns, records, unescape=escaped)

    def _grouped(
        self, records: Records, bound: Bound, *, see: bool = False
    ) -> Iterator[tuple[str, Record]]:
        """Yield each record with its group; with *see*, keep the groups and keys."""
        keys = [column for column in bound.columns if column.unique or column.of_group]
        for page in _batched(records, _PAGE):
            self._run.checkpoint()
            groups = self._strategy.groups(self._run, bound, page)
            if see:
                if groups is not None:
                    self._kept.see_groups(groups)
                for column in keys:
                    owners = groups if column.of_group else None
                    self._kept.see_keys(_keys(bound, column.name, page, owners))
            yield from zip(groups or [str(each.row) for each in page], page, strict=True)

    def _pages(self, found: Iterable[tuple[str, Record]]) -> Iterator[list[tuple[str, Record]]]:
        """Yield pages of records; those of a group are never parted."""
        size, page, groups, last = self._strategy.page_size, list[tuple[str, Record]](), 0, None
        for group, record in found:
            if group != last:
                if groups >= size or len(page) >= size * _ROWS:
                    yield page
                    page, groups = [], 0
                last, groups = group, groups + 1
            page.append((group, record))
        if page:
            yield page

    def _planned(self, page: Sequence[tuple[str, Record]], bound: Bound) -> list[Change]:
        """Return what becomes of each record."""
        self._run.checkpoint()
        numbers = [record.row for _, record in page]
        errors = defaultdict(list, self._kept.errors_of(min(numbers), max(numbers)))
        group_of = {record.row: group for group, record in page}
        rows, faulty = self._rows_of(page, bound)
        changes, found = dict[int, Change](), list[JobError]()
        for planned in self._told(self._strategy.plan_rows(self._run, rows)):
            if isinstance(planned, Change):
                changes[planned.row] = planned
            elif isinstance(planned, JobError):
                found.append(planned)
            else:
                self._broken(f"plan_rows gave a {type(planned).__name__}; {_GIVE}")
        bad = defaultdict[str, set[str]](set)
        for row in rows:
            bad[row.group].update(row.bad)
        fresh = [error for error, there in faulty if there is None or error.column in there]
        fresh += [  # of a cell that is at fault already nothing more is said
            each
            for each in found
            if each.column is None or each.column not in bad[group_of.get(each.row or 0, "")]
        ]
        self._kept.blame(fresh)
        for error in fresh:
            errors[error.row or 0].append(error)
        failed = {group_of[row] for row in errors if row in group_of}
        return [
            _failed(group, record, errors.get(record.row, ()))
            if group in failed
            else self._change(changes, group, record)
            for group, record in page
        ]

    def _rows_of(
        self, page: Sequence[tuple[str, Record]], bound: Bound
    ) -> tuple[list[Row[Any]], list[tuple[JobError, dict[str, str] | None]]]:
        """Return the rows to plan, and each fault of a cell with what is bad in its row.

        That is None of a row which is not planned.
        """
        rows, faulty = list[Row[Any]](), list[tuple[JobError, dict[str, str] | None]]()
        for group, record in page:
            values, faults = bound.values(record)
            bad = {
                each.column: bound.text(record, bound.at[each.column]) or ""
                for each in faults
                if each.column in bound.at
            }
            is_planned = not faults or bool(values and self._strategy.takes_bad_rows)
            if is_planned:
                rows.append(Row(record.row, self._strategy.value(bound, values), group, bad))
            faulty += [(each, bad if is_planned else None) for each in faults]
        return rows, faulty

    def _change(self, changes: dict[int, Change], group: str, record: Record) -> Change:
        change = changes.get(record.row)
        if change is None:
            self._broken(f"plan_rows gave neither change nor error of row {record.row}; {_GIVE}")
        return change if change.group == group else attrs.evolve(change, group=group)

    def _staged(self, changes: Sequence[Change]) -> Iterator[Chunk]:
        """Yield the chunk of a page; none, where the job is to be refused anyway."""
        self._kept.fail(each.row for each in changes if each.outcome is Outcome.FAILED)
        for change in changes:
            for name in self._strategy.counted(change):
                self._counts[name] += 1
        if self._kept.error_count and not self._skips:
            return
        stored = self._run.stage(self._lines(changes))
        is_same = all(each.outcome is Outcome.UNCHANGED for each in changes)
        yield Chunk({"file": attrs.asdict(stored), "is_same": is_same}, weight=len(changes))

    def _lines(self, changes: Sequence[Change]) -> Iterator[str]:
        try:
            yield from change_lines(changes)
        except (TypeError, ValueError) as error:  # what JSON has no form for, or leads to itself
            rows = f"rows {changes[0].row} to {changes[-1].row}"
            self._broken(f"plan_rows gave a change of {rows} that is no JSON: {error}")

    def _told(self, found: Any) -> Iterable[Any]:
        if not isinstance(found, Iterable):
            self._broken(f"plan_rows returned {type(found).__name__}; {_GIVE}")
        return found

    def _broken(self, fault: str) -> NoReturn:
        raise InvalidStrategy(type(self._strategy).__qualname__, fault)

    def _report(self) -> None:
        rows = self._kept.failed() if self._skips else None
        write_errors(self._strategy, self._run, self._columns, self._kept, rows)
        errors = self._kept.first_errors()
        if not self._skips:
            count = self._kept.error_count
            raise Refused(f"the file has {count} error{'s' * (count != 1)}", errors)
        for error in errors:
            self._run.error(error)


def write_errors(
    strategy: "ImportStrategy[Any, Any]",
    run: Run[Any],
    columns: Columns,
    kept: Scratch,
    rows: Iterator[int] | None,
) -> None:
    """Write the error report of a job: of all rows, or of *rows* alone."""
    with opened(strategy, run, columns) as records, run.report(REPORT_NAME) as file:
        write_report(file, records, kept.errors(), rows=rows)


def _keys(
    bound: Bound, name: str, page: Sequence[Record], owners: Sequence[str] | None
) -> Iterator[tuple[str, str, int, str | int]]:
    """Yield (column, value, row, whose it is); of *owners*, their groups, only the first rows."""
    at, last = bound.at[name], None
    for number, record in enumerate(page):
        owner = record.row if owners is None else owners[number]
        if record.error is None and (cell := bound.text(record, at)) is not None:
            if owners is None or last != (owner, cell):
                yield name, cell if cell.isascii() else normalize("NFC", cell), record.row, owner
            last = owner, cell


def _repeated(column: str, value: str, row: int, first: int) -> JobError:
    message = f"{show(value)} is taken by row {first} already; give another one"
    params: dict[str, JsonScalar] = {"found": value[:100], "first": first}
    return JobError(code="duplicate_key", message=message, row=row, column=column, params=params)


def _failed(group: str, record: Record, errors: Sequence[JobError]) -> Change:
    key = next((cell for cell in record.cells if cell.strip()), "")
    failed = Outcome.FAILED
    return Change(row=record.row, key=key[:100], outcome=failed, group=group, errors=tuple(errors))


def _batched(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    found = iter(records)
    while page := list(islice(found, size)):
        yield page
