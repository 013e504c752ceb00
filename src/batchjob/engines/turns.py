"""What a message does where it arrives: a turn at the chunks of one job, and who is told next.

A message holds a job's id. A turn sends two at most: one to call in another worker, only while
nobody waits for workers, and one to go on later. Where there is nothing to do it sends none, so
that messages neither pile up nor outlive the work. No broker is known here.
"""

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from batchjob.core.chunks import ChunkState
from batchjob.core.standing import Wait
from batchjob.core.status import OPEN

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs

TURN: Final = 5.0
"""Seconds after which a job lets others have their turn; a chunk that was begun is ended."""

_PAGE: Final = 100  # jobs that one look at what waits goes through


class Post(Protocol):
    """Where messages are sent to."""

    def send(self, job_ids: Sequence[str], *, after: float = 0.0) -> None:
        """Send a message for each job, to arrive in *after* seconds."""

    def waiting(self) -> int:
        """Return how many messages nobody has taken yet."""


def take_turn(jobs: "BatchJobs", job_id: str, post: Post, *, seconds: float = TURN) -> None:
    """Do chunks of a job until none can be claimed now, or its turn of so many seconds is over.

    Another worker is called in once, where there are chunks for it and nobody is waiting for
    workers. In the end a message is sent if there is more to do.
    """
    worker, end = jobs.worker(), time.monotonic() + seconds
    alone, worked = True, False
    while time.monotonic() < end:
        if alone and _has_more(jobs, job_id):
            alone = False
            if not post.waiting():
                post.send([job_id])
        if not worker.step(job_id):
            break
        worked = True
    if worked:
        _send_on(jobs, job_id, post)


def remind(job_ids: Iterable[str], post: Post) -> None:
    """Send messages for jobs that have a chunk to claim, if messages were lost; a hundred at most.

    They were if fewer are waiting than there are such jobs.
    """
    found = list(job_ids)
    if found and post.waiting() < len(found):
        post.send(random.sample(found, min(_PAGE, len(found))))


def idle(jobs: "BatchJobs") -> Sequence[str]:
    """Return the ids of open jobs that have a chunk to claim now.

    Where there are many open jobs, a hundred of them are looked at, other ones each time.
    """
    found = jobs.list(statuses=OPEN, limit=_PAGE)
    if found.count > _PAGE:
        offset = random.randrange(0, found.count, _PAGE)  # noqa: S311 - not a secret
        found = jobs.list(statuses=OPEN, limit=_PAGE, offset=offset)
    return [job.id for job in found.jobs if jobs.store.next_claim(job.id) == 0]


def apart(do: Callable[[], object]) -> None:
    """Run *do* in a thread of its own, and wait for it.

    No signal comes there: what is raised in it is the work's own, and no call of the store is torn.
    """
    thread = threading.Thread(target=do, name="batchjob-turn", daemon=True)
    thread.start()
    thread.join()


def _has_more(jobs: "BatchJobs", job_id: str) -> bool:
    """Tell whether there are chunks for this worker and another one."""
    standing = jobs.standing(job_id)
    return standing.seconds == 0 and standing.chunks.get(ChunkState.READY, 0) > 1


def _send_on(jobs: "BatchJobs", job_id: str, post: Post) -> None:
    standing = jobs.standing(job_id)
    if standing.seconds == 0:
        post.send([job_id])
    elif standing.wait is Wait.RETRY and standing.seconds is not None:
        post.send([job_id], after=standing.seconds)
