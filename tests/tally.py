"""A small import for tests: adds numbers to names, and has all that an import has."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import attrs

from batchjob import Chunk, Outcomes, Part, Run, Strategy, json_key
from batchjob.core.changes import Change, Outcome
from batchjob.core.files import StoredFile
from batchjob.core.results import JobError
from batchjob.errors import Refused


@attrs.frozen(kw_only=True)
class TallyContext:
    """The file, and whether bad rows are left out."""

    file_key: str = attrs.field(metadata=json_key("fileKey"))
    skip_invalid: bool = False


class Tally(Strategy[TallyContext]):
    """Reads lines such as ``ada;3``, and keeps in ``totals`` what they say."""

    batch_type: ClassVar[str] = "tally"

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}

    def check(self, context: TallyContext, run: Run[TallyContext]) -> None:
        """Refuse a file that is not the actor's."""
        run.file(context.file_key)

    def input_key(self, context: TallyContext) -> str:
        """Return the key of the file."""
        return context.file_key

    def plan(self, run: Run[TallyContext]) -> Iterator[Chunk]:
        """Yield a chunk for each two rows."""
        run.file(run.context.file_key)
        with run.open(run.context.file_key) as file:
            rows = file.read().decode().splitlines()
        errors = []
        for first in range(0, len(rows), 2):
            page = rows[first : first + 2]
            errors += [error for n, row in enumerate(page, first + 2) if (error := _fault(n, row))]
            stored = run.stage(f"{n};{row}\n" for n, row in enumerate(page, first + 2))
            yield Chunk(attrs.asdict(stored), weight=len(page))
        if errors:
            with run.report("tally-errors.csv") as report:
                report.writelines(f"{rows[(e.row or 2) - 2]};{e.code}\n" for e in errors)
            if not run.context.skip_invalid:
                raise Refused("the file has errors", errors)
            for error in errors:
                run.error(error)

    def changes(self, run: Run[TallyContext], chunk: Chunk) -> Iterator[Change]:
        """Yield what the chunk's rows would do."""
        for number, name, value in self._rows(run, chunk):
            if (error := _fault(number, f"{name};{value}")) is not None:
                failed = Outcome.FAILED
                yield Change(row=number, key=name, outcome=failed, errors=[error])
            else:
                yield Change.between(number, name, self._known(name), {"total": int(value)})

    def work(self, run: Run[TallyContext], chunk: Chunk) -> Outcomes:
        """Keep what the rows say, but for bad ones, in a transaction of the memory store."""
        counts = Outcomes()
        for number, name, value in self._rows(run, chunk):
            try:
                with run.savepoint():
                    run.transaction.on_commit(lambda n=name, v=value: self._keep(n, v))
                    int(value)
                counts += Outcomes(created=1)
            except ValueError:
                counts += Outcomes(failed=1)
                with run.part() as file:
                    file.write(f"{number}\n")
        return counts

    def finish(self, run: Run[TallyContext], parts: Iterable[Part]) -> None:
        """Tell of the rows that failed."""
        failed = [int(n) for part in parts if part.file for n in run.lines(part.file)]
        for number in failed:
            run.error(JobError(code="invalid_number", message="no number", row=number))
        if failed:
            with run.report("tally-errors.csv") as report:
                report.write(f"{len(failed)} failed\n")

    def template(self) -> str:
        """Return a file to fill in."""
        return "name;number\r\n"

    def _rows(self, run: Run[TallyContext], chunk: Chunk) -> list[tuple[int, str, str]]:
        payload: Any = chunk.payload
        found = [line.strip().split(";") for line in run.lines(StoredFile(**payload))]
        return [(int(number), name, value) for number, name, value in found]

    def _known(self, name: str) -> dict[str, int] | None:
        return {"total": self.totals[name]} if name in self.totals else None

    def _keep(self, name: str, value: str) -> None:
        self.totals[name] = int(value)


def _fault(number: int, row: str) -> JobError | None:
    value = row.partition(";")[2]
    if value.isdigit():
        return None
    message = f"{value!r} is no number"
    return JobError(code="invalid_number", message=message, row=number, column="number")
