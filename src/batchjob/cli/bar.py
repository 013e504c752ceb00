"""A job's progress on a terminal: a bar with the job's own count."""

from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from batchjob.batchjobs import BatchJobs
from batchjob.cli.render import console
from batchjob.cli.watching import Watcher, numbers, waiting, word
from batchjob.core.job import BatchJob
from batchjob.core.status import Status


class Bar:
    """A bar with the job's own count."""

    def __init__(self, jobs: BatchJobs, job: BatchJob) -> None:
        self._watcher = Watcher(jobs, job)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[numbers]}", markup=False),
            TimeElapsedColumn(),
            console=console(err=True),
        )
        self._first, self._task = job, TaskID(0)

    def __enter__(self) -> Self:
        self._task = self._progress.add_task("", total=None, numbers="")
        self._update(self._first, 0.0)
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def watch(self, job: BatchJob) -> None:
        """Show *job* as it stands."""
        self._update(job, self._watcher.wait(job))

    def _update(self, job: BatchJob, wait: float) -> None:
        done, count = numbers(job)
        self._progress.update(
            self._task,
            description=waiting(wait) if wait else word(job),
            completed=1 if job.status is Status.COMPLETED and not count else done,
            total=1 if count == 0 else count,
            numbers="" if count is None else f"{done:,}/{count:,}",
        )
