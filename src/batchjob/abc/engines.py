"""The port of engines, and what they get work done with."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar, Final, Protocol

from batchjob.abc.settings import Settings

GRACE: Final = 25.0
"""Seconds that chunks are given to end when their workers are to leave."""


class Engine(ABC):
    """What gets chunks worked on. The store is the truth; an engine only passes hints on."""

    works_at_once: ClassVar[bool] = False
    """Whether `nudge` does the work before it returns."""

    @abstractmethod
    def nudge(self, job_id: str) -> None:
        """Say that there may be work for a job. It may be lost or repeated without harm."""

    def start(self) -> None:  # noqa: B027 - optional
        """Begin: jobs that somebody else left unfinished are there as the engine is opened."""

    def remind(self, job_ids: Iterable[str]) -> None:
        """Say of these jobs, found by a sweep, that they have a chunk that nobody has claimed.

        Each is nudged, unless an engine knows better.
        """
        for job_id in job_ids:
            self.nudge(job_id)

    def close(self) -> None:  # noqa: B027 - optional
        """Let go of threads, processes and connections."""


class Pool(Protocol):
    """Workers that look for chunks in threads of this process, and a sweeper beside them."""

    def start(self) -> None:
        """Start them; returns at once."""

    def nudge(self) -> None:
        """Have idle ones look now."""

    def drain(self) -> None:
        """Claim nothing more; returns at once."""

    def join(self, *, grace: float = GRACE) -> bool:
        """Wait up to *grace* seconds for the last chunks, and give back those not done."""


class Works(Protocol):
    """What an engine gets work done with: the jobs that it was opened for."""

    @property
    def not_elsewhere(self) -> str | None:
        """Why another process could not be given the same jobs, None if it could."""

    def work(self, job_id: str) -> object:
        """Work on a job here until it ends, or waits to be confirmed or resumed."""

    def pool(self, *, threads: int) -> Pool:
        """Return workers on all jobs, for this process; they are not started yet."""


EngineFactory = Callable[[str, Settings, Works], Engine]
"""Makes the engine of a setting such as ``threads:4``."""
