"""Law: whatever verbs a job is given, it moves as the design's table says, and else stays."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchjob.core.job import BatchJob, move
from batchjob.core.results import Result
from batchjob.core.status import STAMPS, VERBS, Status, Verb
from batchjob.errors import InvalidState
from support import NOON, new_job

# The table of the design, written out once more: a plain model to hold the code against.
MODEL = {
    "created": {"pre_process": "pre_processed", "cancel": "canceled", "fail": "failed"},
    "pre_processed": {"confirm": "confirmed", "cancel": "canceled", "fail": "failed"},
    "confirmed": {"start": "processing", "cancel": "canceled", "fail": "failed"},
    "processing": {"complete": "completed", "cancel": "canceled", "fail": "failed"},
    "completed": {},
    "canceled": {},
    "failed": {},
}
STEPS = st.lists(st.tuples(st.sampled_from(VERBS), st.integers(-5_000_000, 5_000_000)))


def stamps(job: BatchJob) -> dict[str, Any]:
    """Return the times that verbs stamp."""
    return {name: getattr(job, name) for name in STAMPS.values()}


def check_step(job: BatchJob, verb: Verb, after: BatchJob) -> None:
    """Assert that *after* is *job* moved by *verb* and nothing else."""
    changed = {name for name, at in stamps(after).items() if at != stamps(job)[name]}
    assert after.status == MODEL[job.status][verb]
    assert changed == {STAMPS[verb]}
    assert getattr(after, STAMPS[verb]) == after.updated_at >= job.updated_at
    assert after.updated_at.microsecond % 1000 == 0


@given(steps=STEPS)
def test_every_walk_agrees_with_the_model(steps: list[tuple[Verb, int]]) -> None:
    """A verb that the table has moves the job and stamps its own time; times never run back."""
    job = new_job()
    for verb, microseconds in steps:
        at = NOON + timedelta(microseconds=microseconds)
        if verb in MODEL[job.status]:
            after = move(job, verb, at=at)
            check_step(job, verb, after)
            job = after
        else:
            with pytest.raises(InvalidState) as refused:
                move(job, verb, at=at, result=Result(count=1))
            error = refused.value
            assert (error.job_id, error.verb, error.status) == (job.id, verb, job.status)
            right = " or ".join(status for status in Status if verb in MODEL[status])
            found = f"cannot {verb} job {job.id}: it is {job.status}"
            assert str(error) == f"{found}; it would have to be {right}"


@given(status=st.sampled_from(Status), verb=st.sampled_from(VERBS))
def test_a_refused_verb_changes_nothing(status: Status, verb: Verb) -> None:
    """The job that refused a verb is equal to what it was before."""
    job = new_job(status=status)
    before = new_job(status=status)
    if verb not in MODEL[status]:
        with pytest.raises(InvalidState):
            move(job, verb, at=NOON)
    assert job == before
