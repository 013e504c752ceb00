"""Whole jobs of ``product-export``, from the request to the file."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from batchjob import BatchJob, BatchJobs, InvalidContext
from batchjob.products.catalog import Catalog, CatalogUnavailable
from batchjob.products.demo import demo_catalog
from batchjob.products.fill import fill
from batchjob.products.lines import page_lines
from batchjob.products.rows import read_page
from batchjob.products.selection import Wanted, product_ids, select
from batchjob.products.survey import survey
from batchjob.products.tables import create_tables
from batchjob.tabular import csv_writer, to_cell
from products.conftest import DATABASES, MakeCatalog
from products.exporting import export, table
from products.shops import DELETED, Shop

Opener = Callable[[Catalog], BatchJobs]


@pytest.fixture
def open_jobs(tmp_path: Path) -> Iterator[Opener]:
    """Open jobs on a catalogue, with a store in memory."""
    made: list[BatchJobs] = []

    def opened(catalog: Catalog) -> BatchJobs:
        url = catalog.engine.url.render_as_string(hide_password=False)
        if url.startswith("sqlite"):
            url = f"sqlite:///{catalog.engine.url.database}?mode=rw&uri=true"
        made.append(BatchJobs.open("memory:", files=str(tmp_path / "files"), catalog=url))
        return made[-1]

    yield opened
    for jobs in made:
        jobs.close()


def _file(jobs: BatchJobs, job: BatchJob) -> bytes:
    assert job.status == "completed", job.result
    with jobs.open_result(job.id) as file:
        return file.read()


def _told(job: BatchJob) -> dict[str, str]:
    assert job.result is not None
    return {told.key: told.message for told in job.result.stat_descriptors}


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_a_job_writes_the_file(limit: int, catalog_of: MakeCatalog, open_jobs: Opener) -> None:
    """A job tells how many products it will export, counts them, and writes the whole file."""
    catalog = catalog_of(demo_catalog(20))
    jobs = open_jobs(catalog)
    context = {"order": "title", "offset": 2, "limit": limit, "batch_size": 15}
    job = jobs.work(jobs.create("product-export", context).id)
    assert _file(jobs, job) == export(catalog, context)
    assert job.result is not None
    assert (job.result.count, job.result.advancement_count, job.result.progress) == (15, 15, 1)
    assert job.result.stat_descriptors[0].name == "Product count to export"
    assert _told(job) == {
        "product-export-count": "There will be 15 products exported by this action"
    }
    assert job.result.file_key is not None
    assert job.result.file_key.endswith("/product-export.csv")


def test_planning_adds_the_shape(catalog_of: MakeCatalog, open_jobs: Opener) -> None:
    """Planning adds the shape to the context, and a context with that shape gives the same file."""
    jobs = open_jobs(catalog_of(demo_catalog(20)))
    job = jobs.work(jobs.create("product-export").id)
    assert list(job.context) == ["shape"]
    again = jobs.work(jobs.create("product-export", job.context).id)
    assert _file(jobs, again) == _file(jobs, job)
    assert list(_told(again)) == ["product-export-count"]


def test_what_does_not_fit_is_counted(catalog_of: MakeCatalog, open_jobs: Opener) -> None:
    """A job with a shape of its own says how many values have no column in it."""
    shop = Shop()
    shop.variant(shop.product())
    shop.price("variant_0", "usd", 1)
    for n in range(3):
        shop.linked("image", "prod_a", url=f"u{n}")
        shop.linked("channel", "prod_a", name="n", is_disabled=False)
    jobs = open_jobs(catalog_of(shop.tables))
    shape = {"dynamicImageColumnCount": 1, "dynamicSalesChannelsColumnCount": 2}
    job = jobs.work(jobs.create("product-export", {"shape": shape}).id)
    assert _told(job)["product-export-left-out"] == (
        "The given shape has no column for 4 values: 1 price, 2 images, 1 sales channel"
    )


def test_a_product_that_is_gone_is_skipped(catalog_of: MakeCatalog, open_jobs: Opener) -> None:
    """A product deleted after planning gives no row, and counts as skipped and as done."""
    shop = Shop()
    for key in "abcd":
        shop.product(key)
    shop.variant("prod_b")
    shop.variant("prod_d")
    catalog = catalog_of(shop.tables)
    jobs = open_jobs(catalog)
    job = jobs.work(jobs.create("product-export", {"limit": 3}, dry_run=True).id)
    assert job.status == "pre_processed"
    with catalog.engine.begin() as connection:
        remove = "DELETE FROM {} WHERE product_id = 'prod_a'"
        connection.execute(text(remove.format("product_shipping_profile")))
        connection.execute(text("DELETE FROM product WHERE id = 'prod_a'"))
        gone = text("UPDATE product SET deleted_at = created_at WHERE id = 'prod_b'")
        connection.execute(gone)
    job = jobs.work(jobs.confirm(job.id).id)
    assert [row["Product Id"] for row in table(_file(jobs, job))] == ["prod_d"]
    assert job.result is not None
    assert job.result.outcomes is not None
    assert (job.result.outcomes.skipped, job.result.advancement_count) == (2, 4)


def test_a_wrong_context_makes_no_job(catalog_of: MakeCatalog, open_jobs: Opener) -> None:
    """A context that cannot be is refused when the job is created."""
    jobs = open_jobs(catalog_of({}))
    with pytest.raises(InvalidContext) as caught:
        jobs.create("product-export", {"order": "x", "batch_size": 0})
    assert {fault.pointer for fault in caught.value.faults} == {"/order", "/batch_size"}
    assert jobs.list().count == 0


def test_nothing_to_export(catalog_of: MakeCatalog, open_jobs: Opener) -> None:
    """An export of no products completes with a header alone."""
    jobs = open_jobs(catalog_of({}))
    job = jobs.work(jobs.create("product-export").id)
    assert _file(jobs, job) == export(catalog_of({}))
    assert _told(job)["product-export-count"].startswith("There will be 0 products")


def test_products_in_the_stores_own_database(tmp_path: Path) -> None:
    """Without a catalogue of its own a job exports the products in its store's database."""
    url = f"sqlite:///{tmp_path}/all.db"
    engine = create_engine(url)
    create_tables(engine)
    with engine.begin() as connection:
        fill(connection, demo_catalog(40))
    engine.dispose()
    with BatchJobs.open(url, files=str(tmp_path / "files")) as jobs:
        job = jobs.work(jobs.create("product-export", {"limit": 3}).id)
        assert _file(jobs, job) == export(Catalog(url))


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.parametrize("escape", [True, False])
def test_lines_are_what_the_writer_writes(
    kind: str, make_catalog: Callable[[str], MakeCatalog], *, escape: bool
) -> None:
    """The lines of a page are those that the writer of all exports makes of its rows."""
    catalog = make_catalog(kind)(demo_catalog(60))
    out = io.StringIO(newline="")
    with catalog.read() as connection:
        selection = select(Wanted(), catalog.dialect)
        shape = survey(connection, selection).shape
        page = read_page(connection, list(product_ids(connection, selection, size=99)), shape)
    rows: list[Any] = [[to_cell(cell, escape=escape) for cell in row] for row in page.rows()]
    csv_writer(out).writerows(rows)
    assert "".join(page_lines(page, escape=escape)) == out.getvalue()


def test_deleted_products_are_not_counted(catalog_of: MakeCatalog, open_jobs: Opener) -> None:
    """The count is of products that will be exported, with variants or without."""
    shop = Shop()
    shop.product("a")
    shop.product("b", deleted_at=DELETED)
    jobs = open_jobs(catalog_of(shop.tables))
    job = jobs.work(jobs.create("product-export").id)
    assert job.result is not None
    assert job.result.count == 1


@pytest.mark.parametrize(
    ("catalog", "words"),
    [
        ("sqlite:///{}/nowhere.db", "the catalogue is not there"),
        ("sqlite:///{}/empty.db", "tables of Medusa v1's layout are missing"),
        ("postgresql://user:secret@127.0.0.1:1/shop", "does not answer"),
    ],
)
def test_a_job_that_could_not_begin_is_refused(tmp_path: Path, catalog: str, words: str) -> None:
    """Without a catalogue no job is made, and the error says what is wrong with it."""
    (tmp_path / "empty.db").touch()
    url = catalog.format(tmp_path)
    with BatchJobs.open("memory:", files=str(tmp_path / "files"), catalog=url) as jobs:
        with pytest.raises(CatalogUnavailable, match=words) as refused:
            jobs.create("product-export")
        assert jobs.list().count == 0
    assert "secret" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)
