"""What a service calls, as a service writes it."""

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, assert_type

from batchjob import (
    MOVES,
    BatchJob,
    BatchJobs,
    Cursor,
    Event,
    FileRecord,
    InvalidContext,
    InvalidState,
    JobPage,
    Outcomes,
    Result,
    StatDescriptor,
    Status,
    StoredFile,
    TimeRange,
    Token,
    hookimpl,
    job_from_json,
    job_to_json,
)
from batchjob.core.chunks import ChunkKind
from batchjob.errors import UnknownBatchType


def use(file: BinaryIO) -> None:
    """Use each verb."""
    with BatchJobs.open("memory:", files="files", lease=10, options={"mine": "1"}) as jobs:
        assert_type(jobs, BatchJobs)
        job = jobs.create("mail", {"subject": "Hello"}, dry_run=True, actor="user_7")
        assert_type(job, BatchJob)
        assert_type(job.status, Status)
        assert_type(job.result, Result | None)
        assert_type(jobs.get(job.id), BatchJob)
        assert_type(jobs.confirm(job.id, actor="user_7"), BatchJob)
        assert_type(jobs.cancel(job.id), BatchJob)
        assert_type(jobs.wait(job.id, timeout=1.5), BatchJob)
        assert_type(jobs.work(job.id, until=Status.PROCESSING, watch=print), BatchJob)
        assert_type(jobs.list(statuses=[Status.FAILED], limit=5), JobPage)
        assert_type(jobs.events(job.id), Sequence[Event])
        assert_type(jobs.list(times={"created_at": TimeRange()}, order="updated_at"), JobPage)
        assert_type(jobs.list(after=Cursor(at=job.created_at, id=job.id)), JobPage)
        assert_type(jobs.upload(file, "a.csv"), StoredFile)
        with jobs.writing("a.csv", actor="user_7") as sink:
            assert_type(sink.write(b"a"), int)
        assert_type(sink.stored, StoredFile)
        assert_type(jobs.file(sink.stored.key), FileRecord)
        assert_type(jobs.create_token("user_7", name="script"), tuple[Token, str])
        assert_type(jobs.holder("secret"), Token | None)
        assert_type(jobs.worker().step(), ChunkKind | None)
        with jobs.open_result(job.id) as found:
            assert_type(found.read(), bytes)
        for known in jobs.types():
            assert_type(known.type, str)


def read(result: Result) -> None:
    """Read a result."""
    assert_type(result.stat_descriptors, tuple[StatDescriptor, ...])
    assert_type(result.count, int | None)
    assert_type(result.progress, float | None)
    assert_type(result.outcomes, Outcomes | None)
    assert_type([error.row for error in result.errors], list[int | None])


def answer(jobs: BatchJobs, job_id: str, body: Mapping[str, Any]) -> object:
    """Turn errors into answers by their fields."""
    try:
        return job_to_json(jobs.create("mail", body))
    except InvalidContext as error:
        return [(fault.pointer, fault.message) for fault in error.faults]
    except UnknownBatchType as error:
        assert_type(error.known, tuple[str, ...])
        assert_type(error.nearest, str | None)
        return error.nearest
    except InvalidState as error:
        assert_type(error.status, str)
        return error.code


assert_type(job_from_json({}), BatchJob)
assert_type(MOVES["cancel"][Status.CREATED], Status)


class Listener:
    """Hears of changes."""

    @hookimpl
    def batchjob_job_changed(self, event: Event, job: BatchJob) -> None:
        """See the hook."""
        assert_type(event.from_status, Status | None)


def wrong(jobs: BatchJobs, job: BatchJob) -> None:
    """What the types refuse."""
    jobs.create("mail", {}, True)  # type: ignore[call-arg]
    jobs.work(job.id, until="finished")  # type: ignore[arg-type]
    jobs.confirm(job)  # type: ignore[arg-type]
    job.status = Status.FAILED  # type: ignore[misc]
