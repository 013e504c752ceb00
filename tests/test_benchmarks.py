"""The floors of the benchmarks: what a job is compared with must do what the job does."""

import subprocess
import sys
from pathlib import Path

from benchmarks.processes import measured
from benchmarks.product_files import content, write_products
from benchmarks.product_imports import empty_catalog
from sqlalchemy import create_engine

from batchjob import BatchJobs, Status
from batchjob.products.bench import bench_batches
from batchjob.products.fill import fill
from batchjob.products.tables import create_tables

FLOOR = Path(__file__).parent.parent / "benchmarks" / "floor_export.py"


def test_the_floor_and_the_job_write_the_same_bytes(tmp_path: Path) -> None:
    """A hand-written export and a job make the same file of the benchmarks' catalogue."""
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    engine = create_engine(url)
    create_tables(engine)
    for part in bench_batches(20, size=7):
        with engine.begin() as connection:
            fill(connection, part)
    engine.dispose()
    out = tmp_path / "floor.csv"
    subprocess.run([sys.executable, FLOOR, url, out], check=True)
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with BatchJobs.open(store, files=str(tmp_path / "files"), catalog=url) as jobs:
        done = jobs.work(jobs.create("product-export").id)
        assert done.status == Status.COMPLETED
        with jobs.open_result(done.id) as file:
            assert file.read() == out.read_bytes()
    assert len(out.read_bytes().splitlines()) == 1 + 20 * 3


def test_the_floor_and_the_job_leave_the_same_catalogue(tmp_path: Path) -> None:
    """A hand-written import and a job make the same of new, unchanged and changed products."""
    files = [tmp_path / name for name in ("new.csv", "same.csv", "changed.csv")]
    write_products(files[0], 12)
    write_products(files[1], 12)
    write_products(files[2], 12, changed="half")
    held = []
    for way in ("floor", "job"):
        folder = tmp_path / way
        folder.mkdir()
        with empty_catalog("sqlite", folder, "") as url:
            for file in files:
                measured(f"{way} import", url, file, folder)
                held.append(content(url))
    assert held[:3] == held[3:]
    assert held[0] == held[1] != held[2]
