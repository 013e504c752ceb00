"""The engine that needs nothing: the caller's own thread does the work before it goes on."""

from batchjob.abc import Engine, Works


class InlineEngine(Engine):
    """Works on a job while `nudge` is called, until it ends or waits to be confirmed."""

    works_at_once = True

    def __init__(self, works: Works) -> None:
        self._works = works

    def nudge(self, job_id: str) -> None:
        """Work on the job here and now."""
        self._works.work(job_id)
