"""The suite ``parallel``: an export by two processes beside the same by one, on PostgreSQL."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from benchmarks.catalogs import catalog, new_database, reachable
from benchmarks.child import digest
from benchmarks.exports import FEW, LARGE, DifferentBytes
from benchmarks.figures import Figure, Options, ratio
from benchmarks.processes import at_once

if TYPE_CHECKING:
    from batchjob import BatchJobs

SMALL: Final = 10_000
"""With fewer products there are too few chunks to tell how they are shared."""

_NUMBERS: Final = (1, 2)
_GOAL: Final = 1.5
_LOOK: Final = 0.1  # seconds between looks at a job: rare enough to take nothing from the workers
_PATIENCE: Final = 600.0  # seconds for one job
_LOOP: Final = "n = 0\nfor i in range(8_000_000): n += i * i % 7"

# The finish is there as soon as the last chunk is done, so the time when its row was made is the
# end of the chunks; by the database's clock, as all other times here.
_CLOCK: Final = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
_STAMP: Final = f"ALTER TABLE batchjob_chunk ADD COLUMN made_at double precision DEFAULT {_CLOCK}"
_TIMES: Final = """SELECT to_status, stored_at FROM batchjob_event WHERE job_id = :job_id
    UNION ALL SELECT kind, made_at FROM batchjob_chunk WHERE job_id = :job_id AND kind = 'finish'
"""

Runs = Mapping[str, Mapping[int, Sequence[float]]]
"""Seconds of each phase, by the number of processes, run by run."""


def parallel(options: Options, folder: Path) -> Iterator[Figure]:
    """Measure each size that is not too small; raises `DifferentBytes`."""
    if "postgresql" not in options.databases or not reachable(options.server):
        print("parallel is left out: it needs a PostgreSQL server", file=sys.stderr)
        return
    for size in sorted(size for size in options.sizes if size >= SMALL):
        work = folder / f"parallel-{size}"
        with catalog("postgresql", size, folder=work, server=options.server) as url:
            rounds = options.rounds if size < LARGE else min(options.rounds, FEW)
            yield from _of_size(f"{size:,}", _measure(url, work, options.server, rounds))
        rmtree(work)


def _measure(url: str, work: Path, server: str, rounds: int) -> Runs:
    """Have one and two processes, which run already, take turns."""
    runs: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    right: str | None = None
    with ExitStack() as stack:
        engines = {
            number: stack.enter_context(_workers(number, url, work / str(number), server))
            for number in _NUMBERS
        }
        for turn in range(rounds + 1):  # the first one warms up
            for dry_run, number in product((True, False), _NUMBERS[:: (-1) ** turn]):
                found, sha256 = _job(engines[number], dry_run=dry_run)
                right = right or sha256
                if sha256 != right:
                    raise DifferentBytes(f"{number} processes: {sha256}, before it was {right}")
                for phase, seconds in found.items() if turn else ():
                    runs[phase][number].append(seconds)
            for number in _NUMBERS if turn else ():
                runs["a bare loop"][number].append(at_once(number, "-c", _LOOP))
    return runs


@contextmanager
def _workers(number: int, url: str, files: Path, server: str) -> Iterator["BatchJobs"]:
    """Open jobs with worker processes of their own, in a store that no others look at."""
    import sqlalchemy as sa

    from batchjob import BatchJobs
    from batchjob.stores.database import parsed
    from batchjob.stores.schema import upgrade

    with new_database(server) as store:
        upgrade(store)
        engine = sa.create_engine(parsed(store))
        with engine.begin() as connection:
            connection.exec_driver_sql(_STAMP)
        engine.dispose()
        with BatchJobs.open(
            store, files=str(files), catalog=url, engine=f"processes:{number}", strict=True
        ) as jobs:
            yield jobs


def _job(jobs: "BatchJobs", *, dry_run: bool) -> tuple[Mapping[str, float], str]:
    """Return what the phases of an export took, and the SHA-256 of its file.

    A dry run is confirmed when it is planned, and then all processes are told of its chunks. Of
    any other job they are told when it is made, and have to find the chunks.
    """
    job_id = jobs.create("product-export", dry_run=dry_run).id
    if dry_run:
        _wait(jobs, job_id, "pre_processed")
        jobs.confirm(job_id)
    _wait(jobs, job_id, "completed")
    with jobs.open_result(job_id) as file:
        sha256 = digest(file)
    at = _times(jobs, job_id)
    chunks = at["finish"] - at["processing"]
    if dry_run:
        return {"chunks, confirmed": chunks}, sha256
    return {"chunks": chunks, "whole job": at["completed"] - at["created"]}, sha256


def _wait(jobs: "BatchJobs", job_id: str, status: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while (job := jobs.get(job_id)).status != status:
        if job.status == "failed" or time.monotonic() > deadline:
            raise SystemExit(f"the job is {job.status}: {job.result}")
        time.sleep(_LOOK)


def _times(jobs: "BatchJobs", job_id: str) -> Mapping[str, float]:
    import sqlalchemy as sa

    from batchjob.stores.database import parsed

    engine = sa.create_engine(parsed(jobs.settings.store))
    with engine.connect() as connection:
        rows = connection.execute(sa.text(_TIMES), {"job_id": job_id}).all()
    engine.dispose()
    return {row[0]: row[1] for row in rows}


def _of_size(title: str, runs: Runs) -> Iterator[Figure]:
    for phase, found in runs.items():
        for number in _NUMBERS:
            yield Figure(f"{title}: {phase}, processes: {number}", found[number])
        goal = _GOAL if phase.startswith("chunks") else None
        name = f"{title}: {phase}, times as fast by two"
        yield ratio(name, found[1], found[2], goal=goal, at_least=True)
        best = [min(found[number]) for number in _NUMBERS]
        yield ratio(f"{name}, best runs", best[:1], best[1:], goal=goal, at_least=True)
