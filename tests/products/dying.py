"""An import in a process that is killed; such a process imports this by its name."""

import logging
import os
import signal
from pathlib import Path

from batchjob import BatchJobs, Settings, Status
from batchjob.core import faults
from batchjob.plugins import load


def opened(store: str, catalog: str, folder: str) -> BatchJobs:
    """Open jobs whose leases are over soon, which a `BatchJobs.open` would refuse."""
    where = str(Path(folder, "files"))
    settings = Settings(store=store, files=where, catalog=catalog, lease=0.4)
    found = load(settings)
    vars(found.registry.resolve("product-import"))["page_size"] = 2  # several chunks of a few rows
    files = found.open_files(settings)
    return BatchJobs(
        settings=settings, store=found.open_store(settings), files=files, plugins=found
    )


def import_until_killed(store: str, catalog: str, folder: str, point: str, times: int) -> None:
    """Do whatever there is to do, until killed at *point* for the so many-th time."""
    logging.disable()
    left = [times]

    def reached(name: str) -> None:
        left[0] -= name == point
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    faults.point = reached
    with opened(store, catalog, folder) as jobs:
        for job in jobs.list(limit=10).jobs:
            if job.status not in (Status.COMPLETED, Status.FAILED):
                jobs.work(job.id)
