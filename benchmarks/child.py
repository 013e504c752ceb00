"""One measurement in a process of its own, which nothing else has warmed or filled.

    python -m benchmarks.child FIGURES floor DATABASE OUT
    python -m benchmarks.child FIGURES job STORE CATALOG FILES
    python -m benchmarks.child FIGURES whole floor|batchjob ARGUMENT...
    python -m benchmarks.child FIGURES jobs FOLDER COUNT
    python -m benchmarks.child FIGURES "floor import"|"job import" CATALOG FILE FOLDER
    python -m benchmarks.child FIGURES reading FILE

What it found goes to the file FIGURES, as JSON. Imports stand in the functions, so that each case
loads what it needs and no more.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final


def floor(database: str, out: str) -> Mapping[str, Any]:
    """Time the floor, less interpreter and imports."""
    from benchmarks import floor_export

    floor_export.load_imports(database)
    found = _timed(lambda: floor_export.export(database, Path(out)))
    with Path(out).open("rb") as file:
        return {**found, "sha256": digest(file)}


def job(store: str, catalog: str, files: str) -> Mapping[str, Any]:
    """Time a job from its creation to its end, less interpreter, imports and opening."""
    from batchjob import BatchJobs, Status
    from benchmarks import floor_export

    floor_export.load_imports(catalog)
    with BatchJobs.open(store, files=files, catalog=catalog, strict=True) as jobs:
        found = _timed(lambda: jobs.work(jobs.create("product-export").id))
        [done] = jobs.list(limit=1).jobs
        if done.status != Status.COMPLETED:
            raise SystemExit(f"the job is {done.status}: {done.result}")
        with jobs.open_result(done.id) as file:
            return {**found, "sha256": digest(file)}


def floor_import(catalog: str, file: str, folder: str) -> Mapping[str, Any]:
    """Time the floor of an import, less interpreter and imports."""
    from benchmarks import floor_import as floor

    floor.load_imports(catalog)
    return _timed(lambda: floor.import_file(catalog, Path(file), Path(folder)))


def job_import(catalog: str, file: str, folder: str) -> Mapping[str, Any]:
    """Time an import from its creation to its end; the store is in a file of its own."""
    from batchjob import BatchJobs, Status
    from benchmarks import floor_export

    floor_export.load_imports(catalog)
    store, files = f"sqlite:///{folder}/store.db", f"{folder}/files"
    with BatchJobs.open(store, files=files, catalog=catalog, strict=True) as jobs:
        with Path(file).open("rb") as opened:
            context = {"fileKey": jobs.upload(opened, "products.csv").key}
        found = _timed(lambda: jobs.work(jobs.create("product-import", context).id))
        [done] = jobs.list(limit=1).jobs
        if done.status != Status.COMPLETED:
            raise SystemExit(f"the job is {done.status}: {done.result}")
    return found


def reading(file: str) -> Mapping[str, Any]:
    """Time the reading of a file: by a bare `csv.reader`, and read and checked for an import."""
    import csv
    from collections import deque

    from batchjob.products.import_columns import ProductColumns
    from batchjob.products.states import Known
    from batchjob.tabular import Bound, open_records

    known = Known(currencies=frozenset({"eur", "usd"}), regions={}, profile=None)

    def bare() -> None:
        with Path(file).open(encoding="utf-8-sig", newline="") as opened:
            deque(csv.reader(opened, delimiter=";"), maxlen=0)

    def checked() -> None:
        columns = ProductColumns(known)
        with Path(file).open("rb") as opened:
            records = open_records(opened, columns)
            bound = Bound(columns, records)
            deque(map(bound.values, records), maxlen=0)

    found = {"bare": _timed(bare)["seconds"], "checked": _timed(checked)["seconds"]}
    return {**found, "peak": peak()}


def _timed(do: Callable[[], object]) -> Mapping[str, Any]:
    """Return what *do* takes: seconds, seconds of this process's own work, and memory so far."""
    gc.collect()
    gc.freeze()
    start, own = time.perf_counter(), time.process_time()
    do()
    seconds, cpu = time.perf_counter() - start, time.process_time() - own
    return {"seconds": seconds, "cpu": cpu, "peak": peak()}


def whole(program: str, *arguments: str) -> Mapping[str, Any]:
    """Run a whole command; its seconds are seen from outside."""
    sys.argv = [program, *arguments]
    try:
        status = _main(program)()
    except SystemExit as end:
        status = end.code
    if status:
        raise SystemExit(status)
    return {"cpu": time.process_time(), "peak": peak()}


def _main(program: str) -> Callable[[], object]:
    if program == "batchjob":
        from batchjob.__main__ import main

        return main
    from benchmarks import floor_export

    return floor_export.main


def jobs(folder: str, count: str) -> Mapping[str, Any]:
    """Time *count* empty jobs, and as many times the bare transactions they come to, in turns."""
    from benchmarks.empty_jobs import alternate

    return alternate(Path(folder), int(count))


def digest(file: BinaryIO) -> str:
    """Return the SHA-256 of *file*, in hex."""
    import hashlib

    found = hashlib.sha256()
    while block := file.read(1 << 20):
        found.update(block)
    return found.hexdigest()


def peak() -> float | None:
    """Return the most memory that this process ever had, in MB; None where the system hides it.

    ``ru_maxrss`` would not do: a child's starts at what its parent had.
    """
    status = Path("/proc/self/status")
    lines = status.read_text("utf-8").splitlines() if status.exists() else ()
    return next((int(line.split()[1]) / 1000 * 1.024 for line in lines if "VmHWM" in line), None)


_CASES: Final[Mapping[str, Callable[..., Mapping[str, Any]]]] = {
    "floor": floor,
    "job": job,
    "whole": whole,
    "jobs": jobs,
    "floor import": floor_import,
    "job import": job_import,
    "reading": reading,
}


def main() -> None:
    """Run from a command line."""
    figures, what, *arguments = sys.argv[1:]
    Path(figures).write_text(json.dumps(_CASES[what](*arguments)), "utf-8")


if __name__ == "__main__":
    main()
