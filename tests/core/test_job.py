"""The job as a value."""

from datetime import datetime, timedelta, timezone

import attrs
import pytest

from batchjob.core import job as verbs
from batchjob.core.results import Outcomes, Result
from batchjob.errors import InvalidTime
from support import NOON, new_job


def test_times_are_utc_and_cut_to_milliseconds() -> None:
    """A time with another zone becomes UTC, and what is below a millisecond is cut, not rounded."""
    there = timezone(timedelta(hours=2))
    job = new_job(created_at=datetime(2024, 1, 1, 14, 0, 0, 1_999, tzinfo=there))
    assert job.created_at.isoformat() == "2024-01-01T12:00:00.001000+00:00"


def test_naive_times_are_refused() -> None:
    """A time without a zone is an error that says what to give instead."""
    with pytest.raises(InvalidTime, match=r"has no zone; give an aware one"):
        new_job(created_at=datetime(2024, 1, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(InvalidTime):
        verbs.cancel(new_job(), at=datetime(2024, 1, 1))  # noqa: DTZ001 - that is the point


def test_a_job_is_frozen() -> None:
    """A job cannot be changed, only replaced."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        new_job().id = "other"  # type: ignore[misc]


def test_the_verbs_lead_through_a_whole_life() -> None:
    """Planned, confirmed, started and completed, a job has each time and its last result."""
    at = iter(NOON + timedelta(seconds=n) for n in range(9))
    job = verbs.pre_process(new_job(), at=next(at), result=Result(count=3))
    job = verbs.start(verbs.confirm(job, at=next(at)), at=next(at))
    job = verbs.complete(job, at=next(at), result=Result(count=3, progress=1.0))
    assert (job.status, job.result) == ("completed", Result(count=3, progress=1.0))
    assert job.pre_processed_at == NOON
    assert job.completed_at == job.updated_at == NOON + timedelta(seconds=3)


def test_a_failed_job_says_why() -> None:
    """To fail a job is to give it a result."""
    failed = verbs.fail(new_job(), at=NOON, result=Result(count=1))
    assert (failed.status, failed.failed_at, failed.result) == ("failed", NOON, Result(count=1))


def test_outcomes_add_up() -> None:
    """Outcomes are summed one by one, and their total is all of them."""
    both = Outcomes(created=1, failed=2) + Outcomes(created=3, skipped=4)
    assert both == Outcomes(created=4, failed=2, skipped=4)
    assert both.total == 10
