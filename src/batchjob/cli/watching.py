"""What is said of a job while it is worked on, on a terminal and elsewhere alike."""

from typing import Final

from batchjob.batchjobs import BatchJobs
from batchjob.core.job import BatchJob
from batchjob.core.status import OPEN, Status

_WORDS: Final = {
    Status.CREATED: "planning",
    Status.PRE_PROCESSED: "planned",
    Status.CONFIRMED: "working",
    Status.PROCESSING: "working",
}


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


def waiting(seconds: float) -> str:
    """Return what to say of a job that cannot go on for some *seconds*."""
    about = f"about {max(1, round(seconds))} s"
    return f"waiting, {about}, for a chunk that another worker holds or that is to be tried again"
