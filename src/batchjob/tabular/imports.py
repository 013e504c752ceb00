"""The base of imports: a strategy says what rows mean; reading, preview and chunks come from here.

Here belongs what a strategy says, and how its changes are applied. How a plan goes is in
`batchjob.tabular.planning`.
"""

import logging
from abc import abstractmethod
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any, ClassVar, Generic

import attrs
from typing_extensions import TypeVar

from batchjob.abc import Context, Run, Strategy
from batchjob.converters.contexts import json_key
from batchjob.core.changes import Change, Outcome
from batchjob.core.chunks import Chunk, Part
from batchjob.core.files import StoredFile
from batchjob.core.results import JobError, Outcomes
from batchjob.errors import BatchJobError, InvalidStrategy
from batchjob.registry import context_class, parameter_of
from batchjob.tabular.columns import Bound, Columns
from batchjob.tabular.planning import Planning, Row, write_errors
from batchjob.tabular.records import ReadLimits, Record
from batchjob.tabular.rows import columns_of, field_names, template_of
from batchjob.tabular.scratch import scratch
from batchjob.tabular.staged import changes_of, failure_line, failure_of

_log = logging.getLogger(__name__)

RowT = TypeVar("RowT", default=Any)

_TO_DO = (Outcome.CREATED, Outcome.UPDATED)


@attrs.frozen(kw_only=True)
class ImportContext:
    """What a user asks of an import."""

    file_key: str = attrs.field(
        metadata=json_key("fileKey", doc="The key of the file, as its upload was answered.")
    )
    skip_invalid: bool = attrs.field(
        default=False,
        metadata=json_key(doc="Leave out what has errors, instead of refusing the file."),
    )
    escape_formulas: bool = attrs.field(
        default=True,
        metadata=json_key(doc="Take off the apostrophes that exports put before formulas."),
    )


class ImportStrategy(Strategy[Context], Generic[Context, RowT]):
    """A job that reads a delimited file and does what its rows say.

    Subclass ``ImportStrategy[MyContext, MyRow]``: the context is `ImportContext` or has its fields,
    the row an attrs class whose fields are the columns (see `column`). `plan_rows` says what would
    become of rows, `apply` does it. Template, preview, error report, chunks and resuming come from
    here. Any error of a row refuses the file, unless the context says ``skip_invalid``.
    """

    limits: ClassVar[ReadLimits] = ReadLimits()
    """How much of a file is taken."""

    page_size: ClassVar[int] = 500
    """How many rows, or groups of rows, make a chunk."""

    takes_bad_rows: ClassVar[bool] = False
    """Whether `plan_rows` is given rows with cells that are at fault, to find what else is."""

    @abstractmethod
    def plan_rows(
        self, run: Run[Context], rows: Sequence[Row[RowT]]
    ) -> Iterable[Change | JobError]:
        """Return what would become of each of *rows*: a change, or what is wrong with it.

        Reads only, and many rows at a time: look things up for all of them at once. The rows of a
        group come together.
        """

    @abstractmethod
    def apply(self, run: Run[Context], changes: Sequence[Change]) -> Iterable[JobError] | None:
        """Do *changes*, through ``run.transaction`` or so that doing them again changes nothing.

        Only groups that something is to be done for are given. Returned are the errors, by row, of
        those that were not done because of what was found, such as a value that changed since. What
        is raised is looked at by `row_fault`.
        """

    def check_class(self) -> None:
        """See `Strategy.check_class`: what the file and its columns are is known."""
        cls, base = type(self), ImportStrategy
        name, context = cls.__qualname__, context_class(cls)
        if cls.file_key is base.file_key and "file_key" not in _fields(context):
            fault = f"its context class {context.__name__} has no field file_key; derive it from"
            raise InvalidStrategy(name, f"{fault} ImportContext")
        if type(self.page_size) is not int or self.page_size < 1:
            fault = f"its page_size is {self.page_size!r}; it must be 1 or more"
            raise InvalidStrategy(name, fault)
        if cls.columns is not base.columns:
            return
        if not isinstance(self.row_class, type) or self.row_class is Any:
            fault = f"it names no row class; write class {cls.__name__}(ImportStrategy[YourContext,"
            raise InvalidStrategy(name, f"{fault} YourRow]) with an attrs class")
        try:
            columns_of(self.row_class)
        except InvalidStrategy as error:
            fault = f"row class {self.row_class.__name__}: {error.fault}"
            raise InvalidStrategy(name, fault) from None

    def columns(self, run: Run[Context] | None) -> Columns:
        """Return the columns that a file may have; those of the row class."""
        return columns_of(self.row_class)

    @property
    def row_class(self) -> type[RowT]:
        """The row class, as the strategy names it."""
        found: type[RowT] = parameter_of(type(self), ImportStrategy, 1)
        return found

    def file_key(self, context: Context) -> str:
        """Return the key of the file; the context's ``file_key``."""
        return str(getattr(context, "file_key"))  # noqa: B009 - it is not known to be there

    def groups(
        self, run: Run[Context], bound: Bound, records: Sequence[Record]
    ) -> Sequence[str] | None:
        """Return what each record belongs to; None, the default, if rows stand for themselves.

        The rows of a group are planned together, and applied or left out as one.
        """
        return None

    def check_header(self, run: Run[Context], bound: Bound) -> Iterable[JobError]:
        """Return what is wrong with the columns that there are; nothing, by default."""
        return ()

    def value(self, bound: Bound, values: Sequence[Any]) -> RowT:
        """Return what a row says, of the value of each cell; a row of the row class."""
        cls: Any = self.row_class
        names = field_names(cls)
        given = {
            names[name]: value for name, at in bound.at.items() if (value := values[at]) is not None
        }
        made: RowT = cls(**given)
        return made

    def row_fault(self, error: Exception) -> tuple[str, str] | None:
        """Return code and words if what `apply` raised is the fault of a row; None if it is not.

        Then the changes are halved until the rows at fault are known. By default any error is but
        batchjob's own, such as a database out of reach.
        """
        if isinstance(error, BatchJobError):
            return None
        return "not_applied", f"it could not be done: {type(error).__name__}"

    def uses_transaction(self, run: Run[Context]) -> bool:
        """Tell whether `apply` works through ``run.transaction``; by default it does."""
        return True

    def counted(self, change: Change) -> Iterable[str]:
        """Yield what *change* counts for in `describe`; by default its outcome."""
        yield change.outcome.value

    def describe(self, run: Run[Context], counts: Mapping[str, int]) -> None:
        """Tell the user, by `Run.describe`, what the job will do; *counts* are of `counted`."""
        message = (
            f"There will be {counts['created']} rows created ({counts['updated']} updated). "
            f"{counts['unchanged']} are unchanged, {counts['failed']} have errors"
        )
        run.describe(f"{self.batch_type}-count", "Rows to import", message)

    def shown(self, change: Change) -> Change:
        """Return *change* as a user is shown it; as it is, by default."""
        return change

    def check(self, context: Context, run: Run[Context]) -> None:
        """Refuse a job whose file is not there; raises as `Run.file`."""
        run.file(self.file_key(context))

    def input_key(self, context: Context) -> str | None:
        """Return the key of the file."""
        return self.file_key(context)

    def template(self) -> str | None:
        """Return a file with the header and an example row."""
        return template_of(columns_of(self.row_class).columns)

    def plan(self, run: Run[Context]) -> Iterator[Chunk]:
        """Yield the chunks of what the file would change; `Refused` with all of its errors."""
        with scratch() as kept:
            yield from Planning(self, run, kept).chunks()

    def changes(self, run: Run[Context], chunk: Chunk) -> Iterator[Change]:
        """Yield the changes of a chunk, as `shown`."""
        return map(self.shown, _read(run, chunk))

    def work(self, run: Run[Context], chunk: Chunk) -> Outcomes | None:
        """Apply the changes of a chunk; what fails is kept, by row, for the error report."""
        payload: Any = chunk.payload
        if payload.get("is_same"):
            return Outcomes(unchanged=chunk.weight)
        changes = list(_read(run, chunk))
        active = {each.group for each in changes if each.outcome in _TO_DO}
        failures = self._applied(run, [each for each in changes if each.group in active])
        failed = {
            each.row: each.errors or failures.get(each.row, ())
            for each in changes
            if each.outcome is Outcome.FAILED or each.row in failures
        }
        if failed:
            with run.part() as file:
                file.writelines(failure_line(row, errors) for row, errors in failed.items())
        ends = Counter("failed" if e.row in failed else e.outcome.value for e in changes)
        if ends.total() != chunk.weight:
            raise InvalidStrategy(type(self).__qualname__, "its rows do not add up")
        return Outcomes(**ends)

    def finish(self, run: Run[Context], parts: Iterable[Part]) -> None:
        """Write the error report, if rows have failed."""
        with scratch() as kept:
            for part in parts:
                for line in run.lines(part.file) if part.file else ():
                    row, errors = failure_of(line)
                    kept.fail([row])
                    kept.blame(errors)
            if kept.error_count:
                write_errors(self, run, self.columns(run), kept, kept.failed())
                for error in kept.first_errors():
                    run.error(error)

    def _applied(
        self, run: Run[Context], changes: Sequence[Change]
    ) -> Mapping[int, Sequence[JobError]]:
        """Apply *changes*, in halves where they fail; return the rows that failed, and why."""
        if not changes:
            return {}
        run.checkpoint()
        try:
            with run.savepoint() if self.uses_transaction(run) else nullcontext():
                errors = self._errors_of(self.apply(run, changes))
        except Exception as error:
            if (fault := self.row_fault(error)) is None:
                raise
            first, second = _halves(changes)
            if second:
                return {**self._applied(run, first), **self._applied(run, second)}
            _log.warning("rows from %d on could not be applied", changes[0].row, exc_info=error)
            code, words = fault
            errors = (JobError(code=code, message=words, row=changes[0].row),)
        return _by_row(changes, errors)

    def _errors_of(self, told: Any) -> tuple[JobError, ...]:
        """Return what `apply` told; `InvalidStrategy` if it is something else than errors."""
        errors = tuple(told or ()) if isinstance(told, Iterable | None) else (told,)
        if wrong := [each for each in errors if not isinstance(each, JobError)]:
            fault = f"apply returned {type(wrong[0]).__name__}; return a JobError for each row"
            raise InvalidStrategy(type(self).__qualname__, f"{fault} that was not done, or None")
        return errors


def _fields(context: type[Any]) -> Container[str]:
    return attrs.fields_dict(context) if attrs.has(context) else ()


def _read(run: Run[Any], chunk: Chunk) -> Iterator[Change]:
    payload: Any = chunk.payload
    return chain.from_iterable(map(changes_of, run.lines(StoredFile(**payload["file"]))))


def _halves(changes: Sequence[Change]) -> tuple[Sequence[Change], Sequence[Change]]:
    """Return two parts of *changes*, as equal as groups allow; of one group all and nothing."""
    middle = len(changes) // 2
    starts = [at for at in range(1, len(changes)) if changes[at].group != changes[at - 1].group]
    if not starts:
        return changes, ()
    at = min(starts, key=lambda at: abs(at - middle))
    return changes[:at], changes[at:]


def _by_row(
    changes: Sequence[Change], errors: Sequence[JobError]
) -> Mapping[int, Sequence[JobError]]:
    """Return the rows of all groups that *errors* are of, each with its own errors."""
    if not errors:
        return {}
    group_of = {each.row: each.group for each in changes}
    groups = {group_of[error.row] for error in errors if error.row in group_of}
    found = defaultdict[int, list[JobError]](list)
    for each in changes:
        if each.group in groups:
            found[each.row] = [error for error in errors if error.row == each.row]
    return found
