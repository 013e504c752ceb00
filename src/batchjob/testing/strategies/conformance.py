"""The promises of strategies: of any, of those that write tables, and of those that read them.

Each test is one promise, and its message begins with it. How crashes are tried belongs in
`batchjob.testing.survival`.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import pytest

from batchjob.abc import Strategy
from batchjob.batchjobs import BatchJobs
from batchjob.core.changes import Change
from batchjob.core.job import BatchJob
from batchjob.core.results import OUTCOMES, Outcomes, Result
from batchjob.core.status import Status
from batchjob.errors import InvalidContext
from batchjob.registry import check_strategy
from batchjob.tabular.export import ExportStrategy
from batchjob.tabular.imports import ImportStrategy
from batchjob.testing.harness import MEMORY, Harness, Upload
from batchjob.testing.survival import PROMISES, assert_survives

__all__ = ["ExportConformance", "ImportConformance", "StrategyConformance"]


def broken(promise: str, found: str) -> NoReturn:
    """Fail, and name the promise that is broken."""
    pytest.fail(f"broken: {promise}; {found}", pytrace=False)


class StrategyConformance:
    """All that a strategy promises.

    Subclass it in a test module, with `make` and a ``context`` whose work is in some chunks.
    ``stores`` names the kinds of store that the strategy can work with, of "memory" and "sqlite";
    ``refused`` are contexts that no job may be made of. A strategy that changes something outside
    of its file overrides `effects` too.
    """

    context: ClassVar[Mapping[str, Any]] = {}
    refused: ClassVar[Sequence[Mapping[str, Any]]] = ()
    stores: ClassVar[Sequence[str]] = ("memory", "sqlite")
    least_chunks: ClassVar[int] = 2
    """How many chunks the work of ``context`` is in at the least; 1 if that is how it must be."""

    def make(self, folder: Path) -> Strategy[Any]:
        """Return a new strategy; *folder* is its own, on SQLite with the store ``jobs.db``."""
        raise NotImplementedError

    def effects(self, folder: Path) -> object:
        """Return what jobs have changed outside of their files, so that it can be compared."""
        return None

    @contextmanager
    def jobs(self, folder: Path) -> Iterator[Harness]:
        """Open jobs of a new strategy in *folder*."""
        store = MEMORY
        if self.stores[0] != "memory":
            store = f"sqlite:///{folder}/jobs.db"
            BatchJobs.open(store, files=str(folder / "files")).close()
        made = self.make(folder)
        with Harness(made, folder=folder, store=store) as harness:
            yield harness

    def done(self, harness: Harness, context: Mapping[str, Any] | None = None) -> BatchJob:
        """Return a job of a context after all of it was done."""
        job = harness.run(self.context if context is None else context)
        if job.status is not Status.COMPLETED:
            broken("a job of its context completes", f"it is {job.status}: {result(job).errors}")
        return job

    def test_its_class_keeps_the_rules(self, tmp_path: Path) -> None:
        """It has a batch type, a context class, and the methods of the port."""
        if self.stores[0] != "memory":
            BatchJobs.open(f"sqlite:///{tmp_path}/jobs.db", files=str(tmp_path / "files")).close()
        made = self.make(tmp_path)
        try:
            check_strategy(made)
        except TypeError as error:
            broken("its class keeps the rules", str(error))
        finally:
            made.close()

    @pytest.mark.parametrize("promise", PROMISES)
    def test_it_survives(self, promise: str) -> None:
        """Whatever happens to a job, it ends as one does that nothing happened to."""
        has_effects = type(self).effects is not StrategyConformance.effects
        assert_survives(
            self.make,
            self.context,
            effects=self.effects if has_effects else None,
            promises=[promise],
            stores=self.stores,
        )

    def test_contexts_that_are_wrong_are_refused(self, tmp_path: Path) -> None:
        """No job is made of them, and the error says where."""
        with self.jobs(tmp_path) as harness:
            for context in self.refused:
                try:
                    harness.create(context)
                except InvalidContext:
                    continue
                broken("contexts that are wrong are refused", f"{context} was taken")

    def test_its_work_is_divided(self, tmp_path: Path) -> None:
        """In chunks: so progress is seen, workers share it, and a crash costs one of them."""
        with self.jobs(tmp_path) as harness:
            self.done(harness)
            chunks = sum(step.kind == "work" for step in harness.steps)
        if chunks < self.least_chunks:
            found = f"there were {chunks} chunks, of at least {self.least_chunks}"
            broken("its work is divided", f"{found}; give a context with more, or divide it")

    def test_its_numbers_add_up(self, tmp_path: Path) -> None:
        """All that was counted was done, and each row that has an outcome has one."""
        with self.jobs(tmp_path) as harness:
            ended = result(self.done(harness))
        if ended.advancement_count != ended.count:
            broken("its numbers add up", f"{ended.advancement_count} of {ended.count} were done")
        if ended.outcomes and ended.outcomes.total != ended.count:
            broken("its numbers add up", f"{ended.count} were counted, and {ended.outcomes} ended")

    def test_it_says_what_it_would_do(self, tmp_path: Path) -> None:
        """A job that waits to be confirmed has something to show."""
        with self.jobs(tmp_path) as harness:
            job = harness.go_on(harness.create(self.context, dry_run=True))
        if not result(job).stat_descriptors:
            broken("it says what it would do", "its plan calls run.describe for nothing")

    def test_planning_changes_nothing(self, tmp_path: Path) -> None:
        """What a job is about is as it was until the job is confirmed."""
        with self.jobs(tmp_path) as harness:
            before = self.effects(tmp_path)
            harness.go_on(harness.create(self.context, dry_run=True))
            if (after := self.effects(tmp_path)) != before:
                broken("planning changes nothing", f"it is {after!r}, and was {before!r}")

    def test_what_is_shown_is_what_happens(self, tmp_path: Path) -> None:
        """A preview has a change for each row, and the rows end as they were shown."""
        with self.jobs(tmp_path) as harness:
            if type(harness.strategy).changes is Strategy.changes:
                return  # it has no preview
            job = harness.go_on(harness.create(self.context, dry_run=True))
            shown = changes(harness, job)
            ended = result(harness.go_on(harness.jobs.confirm(job.id)))
        if len(shown) != ended.count:
            found = f"{len(shown)} changes were shown, of {ended.count}"
            broken("what is shown is what happens", found)
        counts = {name: sum(c.outcome.value == name for c in shown) for name in OUTCOMES}
        if ended.outcomes is not None and Outcomes(**counts) != ended.outcomes:
            found = f"{Outcomes(**counts)} was shown, and {ended.outcomes} happened"
            broken("what is shown is what happens", found)


class ExportConformance(StrategyConformance):
    """All that a strategy promises which writes a table, as `ExportStrategy` does."""

    def test_each_row_has_the_width_of_the_header(self, tmp_path: Path) -> None:
        """The file is one table: a header, once, and rows below it."""
        with self.jobs(tmp_path) as harness:
            header, *rows = table(harness, self.done(harness))
        for number, row in enumerate(rows, 2):
            if len(row) != len(header):
                found = f"row {number} has {len(row)} cells, and the header {len(header)}"
                broken("each row has the width of the header", found)
            if row == header:
                broken("each row has the width of the header", f"row {number} is the header again")

    def test_no_cell_is_a_formula(self, tmp_path: Path) -> None:
        """What a spreadsheet would compute is escaped."""
        with self.jobs(tmp_path) as harness:
            rows = table(harness, self.done(harness))
        for number, row in enumerate(rows, 1):
            for cell in row:
                if cell[:1] in ("=", "@"):
                    broken("no cell is a formula", f"row {number} has {cell!r}")

    def test_pages_do_not_matter(self, tmp_path: Path) -> None:
        """The file is the same whatever the number of keys in a page."""
        found = []
        for size in (1, 2, 1000):
            folder = tmp_path / str(size)
            folder.mkdir()
            with self.jobs(folder) as harness:
                strategy: Any = harness.strategy
                if not isinstance(strategy, ExportStrategy):
                    return
                object.__setattr__(strategy, "page_size", lambda _, size=size: size)
                found.append(table(harness, self.done(harness)))
        if not found[0] == found[1] == found[2]:
            broken("pages do not matter", "the file is another one with other pages")


class ImportConformance(StrategyConformance):
    """All that a strategy promises which reads a table, as `ImportStrategy` does.

    ``file`` is one that it takes, ``bad_file`` one whose row ``bad_row`` has an error in the column
    ``bad_column``; its other rows are good. `asked` makes contexts of files.
    """

    file: ClassVar[str | bytes] = ""
    bad_file: ClassVar[str | bytes] = ""
    bad_row: ClassVar[int] = 2
    bad_column: ClassVar[str] = ""

    def asked(self, file: str | bytes, **more: Any) -> dict[str, Any]:
        """Return the context of a job that imports *file*, with *more* of it."""
        return {"fileKey": Upload(file), **more}

    def __init_subclass__(cls) -> None:
        """Import the file, where no other context is asked for."""
        super().__init_subclass__()
        if "context" not in vars(cls):
            cls.context = cls().asked(cls.file)

    def test_its_template_is_a_good_file(self, tmp_path: Path) -> None:
        """What it offers to fill in has no fault."""
        with self.jobs(tmp_path) as harness:
            template = harness.strategy.template()
            if template is None:
                broken("its template is a good file", "it has none")
            job = harness.go_on(harness.create(self.asked(template), dry_run=True))
        if job.status is not Status.PRE_PROCESSED:
            broken("its template is a good file", str(result(job).errors))

    def test_a_file_that_is_imported_twice_changes_nothing_more(self, tmp_path: Path) -> None:
        """The second time all is as the file says already."""
        with self.jobs(tmp_path) as harness:
            self.done(harness)
            before = self.effects(tmp_path)
            ended = result(self.done(harness)).outcomes
            after = self.effects(tmp_path)
        promise = "a file that is imported twice changes nothing more"
        if before != after:
            broken(promise, f"it is {after!r}, and was {before!r}")
        if ended is not None and (ended.created or ended.updated):
            broken(promise, f"the second time ended as {ended}")

    def test_a_bad_file_is_refused_by_row_and_column(self, tmp_path: Path) -> None:
        """Nothing of it is done, and the error says where it is."""
        with self.jobs(tmp_path) as harness:
            before = self.effects(tmp_path)
            job = harness.run(self.asked(self.bad_file))
            after = self.effects(tmp_path)
        promise = "a bad file is refused by row and column"
        if job.status is not Status.FAILED:
            broken(promise, f"the job is {job.status}")
        places = [(error.row, error.column) for error in result(job).errors]
        if (self.bad_row, self.bad_column) not in places:
            broken(promise, f"its errors are at {places}")
        if before != after:
            broken(promise, f"it is {after!r}, and was {before!r}")

    def test_a_bad_row_can_be_left_out(self, tmp_path: Path) -> None:
        """With ``skip_invalid`` the others are done, and the report has the bad one."""
        with self.jobs(tmp_path) as harness:
            job = self.done(harness, self.asked(self.bad_file, skip_invalid=True))
            report = harness.jobs.open_errors(job.id) if result(job).file_key else None
            kept = b"" if report is None else report.read()
            if report is not None:
                report.close()
        ended = result(job).outcomes
        if ended is None or not ended.failed or ended.failed == ended.total:
            broken("a bad row can be left out", f"rows ended as {ended}")
        if not kept:
            broken("a bad row can be left out", "there is no report of it")

    def test_pages_do_not_matter(self, tmp_path: Path) -> None:
        """The same is done whatever the number of rows in a page."""
        found = []
        for size in (1, 2, 1000):
            folder = tmp_path / str(size)
            folder.mkdir()
            with self.jobs(folder) as harness:
                if not isinstance(harness.strategy, ImportStrategy):
                    return
                object.__setattr__(harness.strategy, "page_size", size)
                ended = result(self.done(harness))
                found.append((ended.outcomes, self.effects(folder)))
        if not found[0] == found[1] == found[2]:
            broken("pages do not matter", f"with pages of 1, 2 and 1,000 rows it is {found}")


def result(job: BatchJob) -> Result:
    """Return what is known of a job's work, nothing if there is nothing yet."""
    return job.result or Result()


def changes(harness: Harness, job: BatchJob) -> Sequence[Change]:
    """Return all that a job shows."""
    count = result(job).count or 0
    return harness.jobs.changes(job.id, limit=count + 1).changes


def table(harness: Harness, job: BatchJob) -> list[list[str]]:
    """Return the rows of a job's file."""
    text = harness.result(job).decode("utf-8")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
