"""The engine that needs nothing: the caller's own thread does the work before it goes on."""

from collections.abc import Callable

from batchjob.abc import Engine


class InlineEngine(Engine):
    """Works on a job while `nudge` is called, until it ends or waits to be confirmed."""

    def __init__(self, work: Callable[[str], None]) -> None:
        self._work = work

    def nudge(self, job_id: str) -> None:
        """Work on the job here and now."""
        self._work(job_id)
