"""One measurement in a process of its own, which nothing else has warmed or filled.

    python -m benchmarks.child FIGURES floor DATABASE OUT
    python -m benchmarks.child FIGURES job STORE CATALOG FILES
    python -m benchmarks.child FIGURES whole floor|batchjob ARGUMENT...
    python -m benchmarks.child FIGURES jobs FOLDER COUNT
    python -m benchmarks.child FIGURES reading bare|checked FILE

What it found goes to the file FIGURES, as JSON. Imports stand in the functions, so that each case
loads what it needs and no more.
"""

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


def _timed(do: Callable[[], object]) -> Mapping[str, Any]:
    """Return what *do* takes: seconds, seconds of this process's own work, and memory so far."""
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


def reading(how: str, path: str) -> Mapping[str, Any]:
    """Time the reading of a delimited file, less interpreter and imports."""
    from benchmarks import readers

    rows: list[int] = []
    found = _timed(lambda: rows.append(getattr(readers, how)(Path(path))))
    return {**found, "rows": rows[0]}


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
    "reading": reading,
}


def main() -> None:
    """Run from a command line."""
    figures, what, *arguments = sys.argv[1:]
    Path(figures).write_text(json.dumps(_CASES[what](*arguments)), "utf-8")


if __name__ == "__main__":
    main()
