"""A job's progress on standard error: a bar on a terminal, a few lines elsewhere."""

import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from batchjob.batchjobs import BatchJobs
from batchjob.cli.saying import note
from batchjob.core.job import BatchJob
from batchjob.core.status import OPEN, Status

_QUIET: Final = 5.0  # seconds between lines where there is no terminal
_WORDS: Final = {
    Status.CREATED: "planning",
    Status.PRE_PROCESSED: "planned",
    Status.CONFIRMED: "working",
    Status.PROCESSING: "working",
}


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


class Watcher:
    """Knows whether a job moved since it was last seen, and if not, what it waits for."""

    def __init__(self, jobs: BatchJobs, job: BatchJob) -> None:
        self._jobs, self._job = jobs, job

    def wait(self, job: BatchJob) -> float:
        """Return for how many seconds *job* has to wait from here; 0 if it moves."""
        moved, self._job = job != self._job, job
        if moved or job.status not in OPEN:
            return 0.0
        return self._jobs.store.next_claim(job.id) or 0.0


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


def numbers(job: BatchJob) -> tuple[int, int | None]:
    """Return what is done of *job*, and how much there is to do if that is known."""
    if job.result is None:
        return 0, None
    return job.result.advancement_count or 0, job.result.count


def word(job: BatchJob) -> str:
    """Return what *job* is doing, in a word."""
    done, count = numbers(job)
    if job.status is Status.PROCESSING and count is not None and done >= count:
        return "finishing"
    return _WORDS.get(job.status, str(job.status))


def _line(job: BatchJob) -> str:
    done, count = numbers(job)
    return word(job) if count is None else f"{word(job)}, {done:,} of {count:,} done"


def waiting(seconds: float) -> str:
    """Return what to say of a job that cannot go on for some *seconds*."""
    about = f"about {max(1, round(seconds))} s"
    return f"waiting, {about}, for a chunk that another worker holds or that is to be tried again"
