from collections.abc import Iterator
from pathlib import Path

import pytest

from batchjob import BatchJobs
from batchjob.testing.engines.conformance import EngineConformance, first_attempts, text


@pytest.fixture
def jobs(installed: Path, tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs that are done while they are made."""
    with BatchJobs.open(
        f"sqlite:///{tmp_path}/jobs.db", files=str(tmp_path / "files"), engine="inline"
    ) as opened:
        yield opened


class TestInline(EngineConformance):
    """The engine of the caller's own thread keeps the promises."""

    workers = 1


def test_ctrl_c_is_the_callers(jobs: BatchJobs) -> None:
    """Ctrl-C while a job is done goes to the caller, and costs the chunk no attempt."""
    with pytest.raises(KeyboardInterrupt):
        jobs.create("odd", {"raises": ["interrupt"]})
    (job,) = jobs.list().jobs
    standing = jobs.standing(job.id)
    assert (standing.attempts, standing.seconds) == (0, 0)
    assert text(jobs, jobs.work(jobs.create("letters").id)) == first_attempts(5)
