"""What a message does where it arrives: a turn at the chunks of one job, and who is told next.

A message holds a job's id. A turn sends two at most: one to call in another worker, only while
nobody waits for workers, and one to go on later. Where there is nothing to do it sends none, so
that messages neither pile up nor outlive the work. No broker is known here.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from batchjob.core.chunks import ChunkKind, ChunkState, Lease
from batchjob.core.standing import Standing, Wait

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs

TURN: Final = 5.0
"""Seconds after which a job lets others have their turn; a chunk that was begun is ended."""


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
    called_in = worked = False
    worker, limits, end = jobs.worker(), jobs.limits(), time.monotonic() + seconds

    def call_in(lease: Lease) -> None:
        nonlocal called_in
        if called_in or lease.kind is not ChunkKind.WORK:
            return
        if jobs.store.standing(job_id, limits=limits).chunks.get(ChunkState.READY):
            called_in = True
            if not post.waiting():
                post.send([job_id])

    while time.monotonic() < end and (kind := worker.step(job_id, claimed=call_in)):
        worked = True
        if kind is ChunkKind.FINISH:
            break
    if worked:
        _send_on(jobs.store.standing(job_id, limits=limits), job_id, post)


def remind(job_ids: Iterable[str], post: Post) -> None:
    """Send messages for jobs that have a chunk to claim, if messages were lost.

    They were if fewer are waiting than there are such jobs.
    """
    found = list(job_ids)
    if found and post.waiting() < len(found):
        post.send(found)


def apart(do: Callable[[], object]) -> None:
    """Run *do* in a thread of its own, and wait for it.

    No signal comes there: what is raised in it is the work's own, and no call of the store is torn.
    """
    thread = threading.Thread(target=do, name="batchjob-turn", daemon=True)
    thread.start()
    thread.join()


def _send_on(standing: Standing, job_id: str, post: Post) -> None:
    if standing.seconds == 0:
        post.send([job_id])
    elif standing.wait is Wait.RETRY and standing.seconds is not None:
        post.send([job_id], after=standing.seconds)
