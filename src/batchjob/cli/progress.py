"""A job's progress on standard error: a bar on a terminal, a few lines elsewhere."""

import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from batchjob.batchjobs import BatchJobs
from batchjob.cli.saying import note
from batchjob.cli.watching import Watcher, numbers, waiting, word
from batchjob.core.job import BatchJob

_QUIET: Final = 5.0  # seconds between lines where there is no terminal


class Shown(Protocol):
    """What shows a job while it is worked on."""

    def watch(self, job: BatchJob) -> None:
        """Show *job* as it stands."""


def progress(jobs: BatchJobs, job: BatchJob) -> AbstractContextManager[Shown]:
    """Return what shows *job* from here on, to be used around the work."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from batchjob.cli.bar import Bar  # rich is slow to import

        return Bar(jobs, job)
    return nullcontext(Lines(jobs, job))


class Lines:
    """A line when something happened, and now and then in between."""

    def __init__(self, jobs: BatchJobs, job: BatchJob) -> None:
        self._watcher = Watcher(jobs, job)
        self._word, self._waits, self._next = word(job), False, time.monotonic() + _QUIET
        note(f"job {job.id} ({job.batch_type}): {_line(job)}")

    def watch(self, job: BatchJob) -> None:
        """Say how *job* stands, if that is news."""
        wait = self._watcher.wait(job)
        if wait:
            if not self._waits:
                note(waiting(wait))
        elif word(job) != self._word or time.monotonic() >= self._next:
            self._word, self._next = word(job), time.monotonic() + _QUIET
            note(_line(job))
        self._waits = wait > 0


def _line(job: BatchJob) -> str:
    done, count = numbers(job)
    return word(job) if count is None else f"{word(job)}, {done:,} of {count:,} done"
