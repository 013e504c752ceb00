from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from batchjob import BatchJob, BatchJobs, Status
from batchjob.engines.turns import Post, remind, take_turn
from batchjob.testing.engines.conformance import first_attempts, text


class Box(Post):
    """Keeps messages until they are taken, and counts them all."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.later: list[tuple[str, float]] = []
        self.sent = 0

    def send(self, job_ids: Sequence[str], *, after: float = 0.0) -> None:
        """Keep them."""
        self.sent += len(job_ids)
        if after:
            self.later += [(job_id, after) for job_id in job_ids]
        else:
            self.messages += job_ids

    def waiting(self) -> int:
        """Return how many are kept."""
        return len(self.messages)


@pytest.fixture
def jobs(installed: Path, tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs that nobody is told of."""
    with BatchJobs.open("memory:", files=str(tmp_path)) as opened:
        yield opened


def test_a_turn_does_a_small_job_and_sends_nothing(jobs: BatchJobs) -> None:
    """One message is enough for a job of one chunk, or of none."""
    box = Box()
    for job in (jobs.create("empty"), jobs.create("letters", {"chunks": 1})):
        take_turn(jobs, job.id, box)
        assert jobs.get(job.id).status is Status.COMPLETED
    assert box.sent == 0


def test_a_turn_calls_in_one_worker_if_nobody_waits(jobs: BatchJobs) -> None:
    """Where there are chunks for another worker one is called in, unless messages wait already."""
    box = Box()
    take_turn(jobs, jobs.create("letters").id, box)
    assert box.sent == 1
    take_turn(jobs, jobs.create("letters").id, box)
    assert box.sent == 1


def test_a_turn_that_is_over_goes_on_later(jobs: BatchJobs) -> None:
    """A job whose turn is over queues up again: one message is taken, and one is sent."""
    box = Box()
    job = jobs.create("letters", {"chunks": 3, "seconds": 0.02})
    box.send([job.id])
    turns = 0
    while box.messages:
        take_turn(jobs, box.messages.pop(0), box, seconds=0.01)
        turns += 1
        assert len(box.messages) <= 2
    assert text(jobs, jobs.get(job.id)) == first_attempts(3)
    assert turns <= 10  # 5 chunks were claimed


def test_a_repeated_message_dies_where_nothing_is_to_do(jobs: BatchJobs) -> None:
    """Messages for jobs that ended, wait to be confirmed, or are held by others send nothing."""
    box = Box()
    planned = jobs.create("letters", dry_run=True)
    take_turn(jobs, planned.id, box)
    ended = jobs.work(jobs.create("letters").id)
    held = jobs.create("letters")
    limits, now = jobs.limits(), jobs.clock.now()
    assert jobs.store.claim("other", limits=limits, seconds=9, at=now, job_id=held.id)
    for job in (planned, ended, held):
        take_turn(jobs, job.id, box)
    assert box.sent == 0


def test_a_chunk_to_be_tried_again_sends_a_message_for_later(jobs: BatchJobs) -> None:
    """A chunk that failed is told of when it may be tried again."""
    box = Box()
    job = jobs.create("odd", {"raises": ["own"]})
    take_turn(jobs, job.id, box)
    ((job_id, after),) = box.later
    assert job_id == job.id
    assert 0 < after <= 0.5


def test_only_lost_messages_are_made_up_for(jobs: BatchJobs) -> None:
    """Open jobs with work are told of if fewer messages wait than there are such jobs."""
    box = Box()
    waiting = [jobs.create("letters") for _ in range(3)]
    take_turn(jobs, jobs.create("letters", dry_run=True).id, Box())
    remind(jobs.claimable(), box)
    assert sorted(box.messages) == sorted(job.id for job in waiting)
    remind(jobs.claimable(), box)
    assert box.sent == 3


def test_of_many_open_jobs_some_are_told_of(jobs: BatchJobs) -> None:
    """One look goes through a hundred jobs, and in the end all are found."""
    made: list[BatchJob] = [jobs.create("letters") for _ in range(130)]
    found: set[str] = set()
    for _ in range(40):
        box = Box()
        remind(jobs.claimable(), box)
        assert box.sent <= 100
        found |= set(box.messages)
    assert found == {job.id for job in made}
