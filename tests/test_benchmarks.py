"""The floor of the benchmarks: what a job is compared with must write what the job writes."""

import subprocess
import sys
from pathlib import Path

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
