"""The facade: changes of a job, its error report, and templates."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchjob import BatchJob, BatchJobs
from batchjob.errors import InvalidKey, NoPreview, NoReport, NoTemplate, UnknownFile
from support import Lines, Offering
from tally import Tally

GOOD = b"ada;1\nbob;2\neve;3\n"
BAD = b"ada;1\nbob;x\neve;3\n"


@pytest.fixture
def tally() -> Tally:
    """An import."""
    return Tally()


@pytest.fixture
def jobs(tally: Tally, tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs in memory that know it."""
    plugins = {"test": Offering(tally, Lines())}
    with BatchJobs.open("memory:", files=str(tmp_path), plugins=plugins) as opened:
        yield opened


def made(jobs: BatchJobs, content: bytes, *, dry_run: bool = True, **context: bool) -> BatchJob:
    """Make a job of ada's and work on it."""
    key = jobs.upload(io.BytesIO(content), "a.csv", actor="ada").key
    job = jobs.create("tally", {"fileKey": key, **context}, dry_run=dry_run, actor="ada")
    return jobs.work(job.id)


def test_a_planned_job_shows_its_changes_in_pages(jobs: BatchJobs, tally: Tally) -> None:
    """Each row is a change, in order, from where it was asked for; the count is of all."""
    tally.totals = {"bob": 7, "eve": 3}
    job = made(jobs, GOOD)
    page = jobs.changes(job.id, offset=1, limit=2, actor="ada")
    assert (page.count, page.offset) == (3, 1)
    assert [(c.row, c.key, c.outcome.value, c.old, c.new) for c in page.changes] == [
        (3, "bob", "updated", {"total": 7}, {"total": 2}),
        (4, "eve", "unchanged", {}, {}),
    ]
    assert jobs.changes(job.id, limit=1).changes[0].outcome == "created"
    assert jobs.changes(job.id, offset=3).changes == ()


def test_what_was_shown_is_there_until_the_job_is_purged(jobs: BatchJobs, tally: Tally) -> None:
    """A job that has completed still shows its changes."""
    job = made(jobs, GOOD, dry_run=False)
    assert job.status == "completed"
    assert tally.totals == {"ada": 1, "bob": 2, "eve": 3}
    assert len(jobs.changes(job.id).changes) == 3


@pytest.mark.parametrize("batch_type", ["tally", "lines"])
def test_there_is_no_preview_before_there_is_a_plan(jobs: BatchJobs, batch_type: str) -> None:
    """A job that is not planned, or whose type has no preview, has none."""
    key = jobs.upload(io.BytesIO(GOOD), "a.csv").key
    job = jobs.create(batch_type, {"fileKey": key} if batch_type == "tally" else {}, dry_run=True)
    if batch_type == "lines":
        jobs.work(job.id)
    with pytest.raises(NoPreview, match=f"job {job.id} has no list of changes"):
        jobs.changes(job.id)


def test_a_refused_file_leaves_its_report_and_nothing_else(jobs: BatchJobs, tally: Tally) -> None:
    """The job fails with the errors, its file is the report, and what was staged is gone."""
    job = made(jobs, BAD)
    assert job.status == "failed"
    assert job.result
    assert [(e.row, e.column, e.code) for e in job.result.errors] == [
        (3, "number", "invalid_number")
    ]
    with jobs.open_errors(job.id, actor="ada") as report:
        assert report.read() == b"bob;x;invalid_number\n"
    assert job.result.file_key
    assert jobs.file(job.result.file_key, actor="ada").name == "tally-errors.csv"
    assert tally.totals == {}
    assert not [key for key in jobs.files.keys() if "/plan/" in key]  # noqa: SIM118 - no dict


def test_rows_that_are_left_out_are_told_and_reported(jobs: BatchJobs, tally: Tally) -> None:
    """Before it is confirmed the job has the errors and the report of its plan, then the end's."""
    job = made(jobs, BAD, skip_invalid=True)
    assert job.status == "pre_processed"
    assert job.result
    assert job.result.errors[0].message == "'x' is no number"
    assert list(jobs.changes(job.id).changes[1].errors) == list(job.result.errors)
    with jobs.open_errors(job.id) as report:
        assert report.read() == b"bob;x;invalid_number\n"
    jobs.confirm(job.id, actor="ada")
    done = jobs.work(job.id)
    assert (done.status, tally.totals) == ("completed", {"ada": 1, "eve": 3})
    assert done.result
    assert done.result.outcomes
    assert (done.result.outcomes.created, done.result.outcomes.failed) == (2, 1)
    assert [error.message for error in done.result.errors] == ["no number"]
    with jobs.open_errors(job.id) as report:
        assert report.read() == b"1 failed\n"


def test_a_job_without_errors_has_no_report(jobs: BatchJobs) -> None:
    """Neither has an export: its file is no report."""
    for job in (made(jobs, GOOD), jobs.work(jobs.create("lines").id)):
        with pytest.raises(NoReport, match="has no error report"):
            jobs.open_errors(job.id)


def test_a_file_of_another_user_is_not_there(jobs: BatchJobs) -> None:
    """A context that names somebody else's upload is refused, when planned as when created."""
    key = jobs.upload(io.BytesIO(GOOD), "a.csv", actor="bob").key
    with pytest.raises(UnknownFile):
        jobs.create("tally", {"fileKey": key}, actor="ada")
    with pytest.raises(InvalidKey):
        jobs.create("tally", {"fileKey": "../../etc/passwd"}, actor="ada")
    mine = jobs.upload(io.BytesIO(GOOD), "a.csv", actor="ada")
    job = jobs.create("tally", {"fileKey": mine.key}, actor="ada")
    jobs.delete_file(mine.key)
    failed = jobs.work(job.id)
    assert failed.result
    assert failed.result.errors[0].code == "unknown_file"


def test_a_type_may_have_a_template(jobs: BatchJobs) -> None:
    """The template is text; a type that is given no file has none, and types say so."""
    assert jobs.template("tally") == "name;number\r\n"
    with pytest.raises(NoTemplate, match="there is no template for jobs of type lines"):
        jobs.template("lines")
    known = {each.type: each for each in jobs.types()}
    assert (known["tally"].template, known["tally"].preview) == (True, True)
    assert (known["lines"].template, known["lines"].preview) == (False, False)
