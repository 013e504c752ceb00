"""Imports of products while something else goes wrong: files, disks, databases, other people."""

import io
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from batchjob import BatchJob, BatchJobs, Change, JobError, Outcomes, Run
from batchjob.errors import InvalidKey, UnknownFile
from batchjob.files.local import LocalFileStore
from batchjob.products.import_ import ProductImport
from products.conftest import MakeCatalog
from products.test_import import products_of
from products.test_import_rules import Trial, a_shop, errors_of, outcomes_of
from reliability.conftest import small_disk
from reliability.test_faults_of_files import fill

__all__ = ["small_disk"]

NAMES = "Product Handle;Product Title;Product Type;Product Tags;Variant Title;Variant SKU;Price EUR"
FILE = f"{NAMES}\n" + "".join(f"n-{n};New {n};Cups;a,b;V;N-{n};5\n" for n in range(6))

Apply = Callable[[ProductImport, Run[Any], Sequence[Change]], Iterator[JobError]]


@pytest.fixture
def trial(make_catalog: Callable[[str], MakeCatalog], tmp_path: Path) -> Iterator[Trial]:
    """The shop on SQLite."""
    made = Trial(make_catalog("sqlite")(a_shop().tables), tmp_path)
    yield made
    made.close()


def before_each_chunk(
    monkeypatch: pytest.MonkeyPatch, do: Callable[[Sequence[Change]], None], *, size: int = 1
) -> None:
    """Have something done before the changes of each chunk, of *size* products, are applied."""
    apply: Apply = ProductImport.apply

    def applied(
        self: ProductImport, run: Run[Any], changes: Sequence[Change]
    ) -> Iterator[JobError]:
        do(changes)
        return apply(self, run, changes)

    monkeypatch.setattr(ProductImport, "apply", applied)
    monkeypatch.setattr(ProductImport, "page_size", size)


def confirmed(trial: Trial, job: BatchJob) -> BatchJob:
    """Confirm a job, and work on it."""
    assert trial.jobs is not None
    trial.jobs.confirm(job.id)
    return trial.jobs.work(job.id)


@pytest.mark.parametrize("change", ["gone", "other"])
def test_a_file_that_is_another_one_after_its_preview(trial: Trial, change: str) -> None:
    """The job fails before anything is changed."""
    job = trial.run(FILE, dry_run=True)
    assert trial.jobs is not None
    key = str(job.context["fileKey"])
    if change == "gone":
        trial.jobs.files.delete(key)
    else:
        with trial.jobs.files.write(key) as file:
            file.write(FILE.replace("New", "Old").encode())
    before = products_of(trial.catalog)
    done = confirmed(trial, job)
    assert (done.status, [code for _, _, code in errors_of(done)]) == ("failed", ["input_changed"])
    assert products_of(trial.catalog) == before


def test_a_product_that_is_deleted_or_edited_while_chunks_are_applied(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left as it is, and listed with its row; the others are done."""
    file = "Product Handle;Product Title;Variant SKU\nn;New;N\nh-a;Cup;MUG-S\npot;Pan;POT\n"
    file = file.replace("Variant SKU\nn;New;N\n", "Variant SKU;Variant Title\nn;New;N;V\n")
    file = file.replace("MUG-S", "MUG-S;S").replace(";POT", ";POT;Pot")
    others = [
        "UPDATE product SET title = 'Mine' WHERE id = 'prod_a'",
        "UPDATE product SET deleted_at = created_at WHERE id = 'prod_b'",
    ]

    def meanwhile(changes: Sequence[Change]) -> None:
        if changes[0].key == "n":
            with trial.catalog.write() as connection:
                for sql in others:
                    connection.execute(text(sql))

    before_each_chunk(monkeypatch, meanwhile)
    done = confirmed(trial, trial.run(file, dry_run=True))
    assert errors_of(done) == [(3, None, "changed_since"), (4, None, "not_there")]
    assert outcomes_of(done) == Outcomes(created=1, failed=2)
    assert trial.state().values["title"] == "Mine"
    assert trial.jobs is not None
    with trial.jobs.open_errors(done.id) as report:
        assert [line.split(";")[0] for line in report.read().decode().splitlines()[1:]] == [
            *("h-a", "pot"),
        ]


def test_a_database_that_goes_away_in_the_middle(
    make_catalog: Callable[[str], MakeCatalog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chunk is done again when the catalogue answers, and everything is there once."""
    trial = Trial(make_catalog("postgresql")(a_shop().tables), tmp_path)
    url, left = trial.catalog.engine.url, [2]

    def cut(_: Sequence[Change]) -> None:
        if left[0]:
            left[0] -= 1
            eye = create_engine(url)
            with eye.begin() as connection:
                sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                mine = "datname = current_database() AND pid <> pg_backend_pid()"
                connection.execute(text(f"{sql} WHERE {mine}"))
            eye.dispose()

    before_each_chunk(monkeypatch, cut, size=2)
    job = trial.run(FILE, dry_run=True)
    assert trial.jobs is not None
    trial.jobs.confirm(job.id)
    for _ in range(4):
        job = trial.jobs.work(job.id)
        if job.status == "completed":
            break
    assert outcomes_of(job) == Outcomes(created=6)
    assert len(products_of(trial.catalog)) == 8
    assert trial.scalar("SELECT count(*) FROM product_type") == 1
    trial.close()


def test_two_imports_of_one_file_at_once(
    make_catalog: Callable[[str], MakeCatalog], tmp_path: Path
) -> None:
    """Two workers do two jobs of it on PostgreSQL: each product, type and tag is there once.

    What both said they would create is created by one; the other one lists it.
    """
    catalog = make_catalog("postgresql")(a_shop().tables)
    url = catalog.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    store, files = f"sqlite:///{tmp_path}/jobs.db", str(tmp_path / "files")
    content = f"{NAMES}\n" + "".join(f"n-{n};N;Cups;a,b;V;N-{n};5\n" for n in range(40))
    with (
        BatchJobs.open(store, files=files, catalog=url) as one,
        BatchJobs.open(store, files=files, catalog=url) as two,
    ):
        ids = []
        for jobs in (one, two):
            key = jobs.upload(io.BytesIO(content.encode()), "a.csv").key
            job = jobs.work(jobs.create("product-import", {"fileKey": key}, dry_run=True).id)
            ids.append(jobs.confirm(job.id).id)
        threads = [
            threading.Thread(target=jobs.work, args=(id_,))
            for jobs, id_ in zip((one, two), ids, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        ends = [outcomes_of(one.get(id_)) for id_ in ids]
        again = one.work(one.create("product-import", {"fileKey": key}).id)
    assert sorted((each.created, each.failed) for each in ends) == [(0, 40), (40, 0)]
    assert outcomes_of(again) == Outcomes(unchanged=40)
    with catalog.read() as connection:
        for table, count in (("product", 42), ("product_type", 1), ("product_variant", 43)):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == count  # noqa: S608


@pytest.mark.parametrize("where", ["files", "scratch"])
def test_a_disk_that_fills_while_rows_are_staged(
    trial: Trial, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The job fails with that reason, nothing is changed, and nothing is left on the disk."""
    count = 8_000 if where == "files" else 25_000  # of what SQLite would not hold in memory alone
    rows = "".join(f"n-{n};{'long ' * 10}{n};;;V;N-{n};5\n" for n in range(count))
    files = small_disk if where == "files" else tmp_path / "other"
    trial.run(FILE)
    assert trial.jobs is not None
    trial.jobs.files = LocalFileStore(files)
    before = products_of(trial.catalog)
    key = trial.jobs.upload(io.BytesIO(f"{NAMES}\n{rows}".encode()), "a.csv").key
    job = trial.jobs.create("product-import", {"fileKey": key})
    if where == "scratch":
        monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    fill(small_disk, leave=1 << 17)
    done = trial.jobs.work(job.id)
    assert (done.status, [each for _, _, each in errors_of(done)]) == ("failed", ["storage_full"])
    assert products_of(trial.catalog) == before
    assert not [
        path for path in small_disk.rglob("*") if path.name.startswith((".tmp", "batchjob-"))
    ]


@pytest.mark.parametrize("key", ["../../etc/passwd", "/etc/passwd", "uploads/none/a.csv", ""])
def test_a_key_of_no_file_makes_no_job(trial: Trial, key: str) -> None:
    """A path is none, and neither is a file of somebody else."""
    trial.run(FILE)
    assert trial.jobs is not None
    with pytest.raises((UnknownFile, InvalidKey)):
        trial.jobs.create("product-import", {"fileKey": key})
    mine = trial.jobs.upload(io.BytesIO(FILE.encode()), "a.csv", actor="ada").key
    with pytest.raises(UnknownFile):
        trial.jobs.create("product-import", {"fileKey": mine}, actor="bob")
