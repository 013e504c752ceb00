"""The base of imports, by the example of stock levels: planned, shown, applied, reported."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from stock_levels import Level, StockImport

from batchjob import BatchJob, BatchJobs, Change, ImportContext, JobError, Outcomes, Run
from batchjob.errors import UnknownFile
from support import Offering


class Shop:
    """A store with a table of stock levels, and an import into it."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/jobs.db"
        self.engine = sa.create_engine(self.url)
        self.strategy = StockImport(self.engine)
        plugins = {"stock": Offering(self.strategy)}
        self.jobs = BatchJobs.open(self.url, files=str(folder / "files"), plugins=plugins)
        with self.engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TABLE stock_level (sku TEXT PRIMARY KEY, quantity INTEGER CHECK"
                " (quantity <> 666))"
            )

    @property
    def levels(self) -> dict[str, int]:
        """What is in the table."""
        with self.engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT sku, quantity FROM stock_level")
            return {row[0]: row[1] for row in found}

    def set(self, **levels: int) -> None:
        """Put levels into the table."""
        with self.engine.begin() as connection:
            for sku, quantity in levels.items():
                sql = "INSERT OR REPLACE INTO stock_level VALUES (?, ?)"
                connection.exec_driver_sql(sql, (sku, quantity))

    def run(self, content: str, *, dry_run: bool = False, **context: bool) -> BatchJob:
        """Make a job of a file, and work on it."""
        key = self.jobs.upload(io.BytesIO(content.encode()), "levels.csv").key
        given = {"fileKey": key, **context}
        return self.jobs.work(self.jobs.create("stock-import", given, dry_run=dry_run).id)

    def report(self, job: BatchJob) -> str:
        """Return the error report."""
        with self.jobs.open_errors(job.id) as file:
            return file.read().decode()

    def reported(self, job: BatchJob, delimiter: str = ";") -> list[list[str]]:
        """Return the cells of the error report."""
        return list(csv.reader(io.StringIO(self.report(job), newline=""), delimiter=delimiter))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop without levels."""
    made = Shop(tmp_path)
    yield made
    made.jobs.close()
    made.engine.dispose()


def errors_of(job: BatchJob) -> list[tuple[int | None, str | None, str]]:
    """Return place and code of each error of a job."""
    assert job.result
    return [(error.row, error.column, error.code) for error in job.result.errors]


def outcomes_of(job: BatchJob) -> Outcomes | None:
    """Return how the rows of a job ended."""
    return job.result.outcomes if job.result else None


def test_a_file_becomes_what_was_shown(shop: Shop) -> None:
    """The preview says what each row would do, and confirmed the job does just that."""
    shop.set(A=1, B=2)
    job = shop.run("SKU;Quantity\r\nA;1\r\nB;5\r\nC;3\r\n", dry_run=True)
    assert job.result
    assert [line.message for line in job.result.stat_descriptors] == [
        "There will be 1 rows created (1 updated). 1 are unchanged, 0 have errors"
    ]
    shown = shop.jobs.changes(job.id).changes
    assert [(c.row, c.key, c.outcome.value, c.old, c.new) for c in shown] == [
        (2, "A", "unchanged", {}, {}),
        (3, "B", "updated", {"quantity": 2}, {"quantity": 5}),
        (4, "C", "created", {}, {"quantity": 3}),
    ]
    assert shop.levels == {"A": 1, "B": 2}
    shop.jobs.confirm(job.id)
    done = shop.jobs.work(job.id)
    assert done.status == "completed"
    assert shop.levels == {"A": 1, "B": 5, "C": 3}
    assert outcomes_of(done) == Outcomes(created=1, updated=1, unchanged=1)
    again = shop.run("SKU;Quantity\r\nA;1\r\nB;5\r\nC;3\r\n")
    assert outcomes_of(again) == Outcomes(unchanged=3)


def test_any_error_refuses_the_file(shop: Shop) -> None:
    """All errors are found at once, nothing is changed, and the report has every row."""
    job = shop.run("SKU;Quantity\nA;3\nB;-1\n\nA;1.5\n;2\nfew\nC;2\n")
    assert job.status == "failed"
    assert errors_of(job) == [
        (3, "Quantity", "out_of_range"),
        (5, "SKU", "duplicate_key"),
        (5, "Quantity", "invalid_integer"),
        (6, "SKU", "missing_value"),
        (7, None, "row_length"),
    ]
    assert shop.levels == {}
    repeated = "'A' is taken by row 2 already; give another one"
    assert shop.reported(job) == [
        ["SKU", "Quantity", "Import Error"],
        ["A", "3", ""],
        ["B", "-1", "Quantity: '-1' is out of range: from 0 to 9223372036854775807"],
        [
            "A",
            "1.5",
            f"SKU: {repeated}; Quantity: '1.5' is no whole number; write digits alone, such as 12",
        ],
        ["", "2", "SKU: it is empty, and has to be filled in"],
        ["few", "", "the row has 1 cells, and the header 2; give as many"],
        ["C", "2", ""],
    ]


def test_a_report_that_is_mended_is_a_good_file(shop: Shop) -> None:
    """Its last column is read over, and a report of it has one such column, too."""
    job = shop.run("SKU|Quantity\nA|x\nB|2\n")
    report = shop.report(job)
    assert report.startswith("SKU|Quantity|Import Error\r\nA|x|Quantity: 'x' is no whole number")
    again = shop.run(report)
    assert shop.report(again) == report
    assert shop.run(report.replace("A|x", "A|1")).status == "completed"
    assert shop.levels == {"A": 1, "B": 2}


def test_what_has_errors_can_be_left_out(shop: Shop) -> None:
    """With skip_invalid the rest is done; the rows left out have failed, and are reported."""
    job = shop.run("SKU;Quantity\nA;x\nB;2\nB;3\n", skip_invalid=True, dry_run=True)
    assert job.status == "pre_processed"
    assert errors_of(job) == [(2, "Quantity", "invalid_integer"), (4, "SKU", "duplicate_key")]
    failed = shop.jobs.changes(job.id).changes[0]
    assert (failed.outcome, failed.errors[0].code) == ("failed", "invalid_integer")
    shop.jobs.confirm(job.id)
    done = shop.jobs.work(job.id)
    assert (done.status, shop.levels) == ("completed", {"B": 2})
    assert outcomes_of(done) == Outcomes(created=1, failed=2)
    assert errors_of(done) == [(2, "Quantity", "invalid_integer"), (4, "SKU", "duplicate_key")]
    assert [cells[:2] for cells in shop.reported(done)] == [
        ["SKU", "Quantity"],
        ["A", "x"],
        ["B", "3"],
    ]


def test_what_changed_since_is_not_overwritten(shop: Shop) -> None:
    """A level that somebody set after the preview stays, fails with that reason, and is listed."""
    shop.set(A=1, B=1)
    job = shop.run("SKU;Quantity\nA;5\nB;5\nC;5\n", dry_run=True)
    shop.set(A=7, B=5)
    shop.jobs.confirm(job.id)
    done = shop.jobs.work(job.id)
    assert shop.levels == {"A": 7, "B": 5, "C": 5}
    assert errors_of(done) == [(2, None, "changed_since")]
    assert outcomes_of(done) == Outcomes(created=1, updated=1, failed=1)
    assert shop.reported(done)[1:] == [["A", "5", "it has changed"]]


def test_a_chunk_is_halved_until_the_guilty_rows_are_known(shop: Shop) -> None:
    """Rows that the database refuses fail alone, whatever else was to be written with them."""
    rows = "".join(f"S{n};{666 if n in (3, 14) else n}\n" for n in range(20))
    done = shop.run("SKU;Quantity\n" + rows)
    assert done.status == "completed"
    assert outcomes_of(done) == Outcomes(created=18, failed=2)
    assert errors_of(done) == [(5, None, "not_applied"), (16, None, "not_applied")]
    assert done.result
    assert done.result.errors[0].message == "it could not be done: IntegrityError"
    assert len(shop.levels) == 18


def test_a_header_alone_is_a_good_file(shop: Shop) -> None:
    """There is nothing to do, and the job completes."""
    done = shop.run("SKU;Quantity\n")
    assert (done.status, errors_of(done)) == ("completed", [])
    assert done.result
    assert done.result.count == 0


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", (None, None, "empty_file")),
        ("SKU;Qty\n", (1, "Qty", "unknown_column")),
        ("SKU\n", (1, "Quantity", "missing_column")),
        ('SKU;Quantity\nA;"1\n', (2, "Quantity", "syntax")),
    ],
)
def test_a_fault_of_the_file_refuses_it_without_a_report(
    shop: Shop, content: str, error: tuple[Any, ...]
) -> None:
    """No row is taken of a file that cannot be read."""
    job = shop.run(content)
    assert error in errors_of(job)
    assert job.result
    assert job.result.file_key is None


def test_many_errors_are_kept_and_the_rest_counted(shop: Shop) -> None:
    """A thousand stand in the result, the others in one more; the report has them all."""
    job = shop.run("SKU;Quantity\n" + "".join(f"S{n};x\n" for n in range(1200)))
    assert job.result
    assert len(job.result.errors) == 1001
    assert job.result.errors[-1].message.startswith("200 more errors")
    assert shop.report(job).count("is no whole number") == 1200


def test_a_template_is_a_good_file(shop: Shop) -> None:
    """What is offered to be filled in can be imported as it is."""
    assert shop.jobs.template("stock-import") == "SKU;Quantity\r\nSHIRT-M;12\r\n"
    assert shop.run(shop.jobs.template("stock-import")).status == "completed"
    assert shop.levels == {"SHIRT-M": 12}


def test_a_file_key_that_is_none_makes_no_job(shop: Shop) -> None:
    """A job is not made of a file that is not there."""
    with pytest.raises(UnknownFile):
        shop.jobs.create("stock-import", {"fileKey": "uploads/none/a.csv"})


class Pairs(StockImport):
    """Groups rows by the first letter of the SKU; a group with a negative sum is refused."""

    batch_type = "pairs"
    page_size = 2

    def groups(self, run: Run[ImportContext], bound: Any, records: Sequence[Any]) -> list[str]:
        """Group by the first letter."""
        return [(bound.text(each, bound.at["SKU"]) or "?")[0] for each in records]

    def plan_rows(self, run: Run[ImportContext], rows: Sequence[Any]) -> Iterator[Any]:
        """Refuse a group's last row if another one of it is 13."""
        unlucky = {row.group for row in rows if row.value.quantity == 13}
        last = {row.group: row.number for row in rows}
        for change in super().plan_rows(run, rows):
            group = change.key[0]
            if group in unlucky and last[group] == change.row:
                yield JobError(code="unlucky", message="13 is in it", row=change.row)
            else:
                yield change


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5, 6], [6, 0, 2, 4, 1, 3, 5]])
def test_rows_of_a_group_stay_together(tmp_path: Path, order: list[int]) -> None:
    """Wherever they stand in the file, they are planned, shown, and left out as one.

    So it is with a row that cannot be read, too.
    """
    shop = Shop(tmp_path)
    plugins = {"pairs": Offering(Pairs(shop.engine))}
    rows = ["A1;1", "A2;2", "B1;13", "B2;4", "C1;5", "C2;6", "few"]
    content = "SKU;Quantity\n" + "".join(f"{rows[at]}\n" for at in order)
    with BatchJobs.open(shop.url, files=str(tmp_path / "f"), plugins=plugins) as jobs:
        key = jobs.upload(io.BytesIO(content.encode()), "a.csv").key
        job = jobs.work(jobs.create("pairs", {"fileKey": key, "skip_invalid": True}).id)
        assert outcomes_of(job) == Outcomes(created=4, failed=3)
        assert shop.levels == {"A1": 1, "A2": 2, "C1": 5, "C2": 6}
        groups = [change.group for change in jobs.changes(job.id).changes]
        assert [each for each in groups if each != "f"] == ["A", "A", "B", "B", "C", "C"]
        weights = [chunk.weight for chunk in jobs.store.chunks(job.id)]
        assert weights == ([4, 3] if groups[0] == "A" else [3, 4])
        with jobs.open_errors(job.id) as file:
            assert len(file.read().splitlines()) == 4
    shop.engine.dispose()


def test_the_context_and_the_rows_are_typed() -> None:
    """A strategy's row class is the one that it names."""
    assert StockImport(sa.create_engine("sqlite://")).row_class is Level
    assert Change.between(1, "a", None, {}).outcome == "created"
