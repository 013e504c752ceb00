"""Faults of disks, files and memory; each test is a line of the fault list, by its number."""

import errno
import io
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from batchjob import BatchJobs, Run, Status
from batchjob.errors import NoResult, StorageFull, UnknownFile, UnknownJob
from batchjob.files.local import LocalFileStore
from reliability import children
from reliability.scene import EFFECTS, RECOVERY, Rows, Scene, Size, scene
from stores.databases import migrated
from support import Offering
from tally import Tally

LARGE = {"chunks": 2, "rows": 5_000}
DAY = 86_400.0


def fill(folder: Path, *, leave: int) -> Path:
    """Fill a small disk but for the last *leave* bytes."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        file.truncate(max(0, file.tell() - leave))
    return filler


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """Let no file of this process grow over *limit* bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def errors_of_chunks(where: Scene) -> str:
    """Return what the store keeps of the errors of chunks."""
    with where.eye.connect() as connection:
        sql = "SELECT error FROM batchjob_chunk WHERE error IS NOT NULL"
        return " ".join(map(str, connection.scalars(sa.text(sql))))


def test_f15_a_full_disk_fails_the_chunk_alone(
    sqlite_url: str, small_disk: Path, tmp_path: Path
) -> None:
    """Where a part has no room the chunk is tried again later; nothing half written is left."""
    with scene(sqlite_url, tmp_path) as here:
        here.jobs.files = LocalFileStore(small_disk / "files")
        filler = fill(small_disk, leave=8192)
        job = here.jobs.create("rows", LARGE)
        worker = here.jobs.worker()
        while here.jobs.get(job.id).status is not Status.PROCESSING:
            assert worker.step()
        assert "storage_full" in errors_of_chunks(here)
        assert here.jobs.store.next_claim(job.id) is not None
        assert not [path for path in small_disk.rglob("*") if path.name.startswith(".tmp-")]
        filler.unlink()
        here.go_on()
        here.is_whole(job, extra=2)


def test_f15_a_limit_on_the_size_of_files_is_a_full_disk(
    postgresql_url: str, tmp_path: Path
) -> None:
    """A file that may not grow further is no room left, too."""
    with scene(postgresql_url, tmp_path) as here:
        job = here.jobs.create("rows", LARGE)
        worker = here.jobs.worker()
        with small_files(4096):
            while here.jobs.get(job.id).status is not Status.PROCESSING:
                assert worker.step()
        assert "storage_full" in errors_of_chunks(here)
        assert not here.temporary_files()
        here.go_on()
        here.is_whole(job, extra=2)


def test_f16_a_full_disk_under_the_store_keeps_it_whole(small_disk: Path, tmp_path: Path) -> None:
    """A transaction without room is refused whole; with room again the job completes."""
    url = migrated(f"sqlite:///{small_disk / 'jobs.db'}")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(EFFECTS)
    engine.dispose()
    with scene(url, tmp_path) as here:
        job = here.jobs.create("rows", {"chunks": 6, "rows": 400})
        filler = fill(small_disk, leave=200_000)
        worker, full = here.jobs.worker(), 0
        for _ in range(12):
            try:
                worker.step()
            except StorageFull:
                full += 1
                here.jobs.sweep()
        assert full
        assert whole(here)
        assert set(here.rows(job.id).values()) <= {1}
        assert len(here.rows(job.id)) % 400 == 0
        filler.unlink()
        here.go_on(most=2 * RECOVERY)
        here.is_whole(job)
        assert whole(here)


def whole(here: Scene) -> bool:
    """Return whether SQLite finds its file whole."""
    with here.eye.connect() as connection:
        return bool(connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok")


def test_f17_memory_that_runs_out_is_an_error_of_the_chunk(
    child: Callable[..., int], sqlite_url: str, tmp_path: Path
) -> None:
    """A chunk that asks for more memory than there is fails its attempt; the worker goes on."""
    assert child(children.work_with_little_memory, sqlite_url, str(tmp_path)) == 0
    with scene(sqlite_url, tmp_path) as here:
        (job,) = here.jobs.list().jobs
        here.is_whole(job, extra=1)
        assert "MemoryError" in errors_of_chunks(here)


def missing(part: Path) -> None:
    """Delete it."""
    part.unlink()


def flipped(part: Path) -> None:
    """Change one bit."""
    data = bytearray(part.read_bytes())
    data[0] ^= 1
    part.write_bytes(bytes(data))


def truncated(part: Path) -> None:
    """Lose the last byte."""
    part.write_bytes(part.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [missing, flipped, truncated])
def test_f24_a_part_that_is_not_as_written_fails_the_job(
    sqlite_url: str, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    """No file is made of parts that are not as their workers wrote them; the error says which."""

    def finish(run: Run[Size]) -> None:
        (part,) = tmp_path.glob(f"files/jobs/{run.job_id}/parts/000001.*")
        harm(part)

    with scene(sqlite_url, tmp_path, Rows(finish=finish)) as here:
        job = here.jobs.create("rows", {"chunks": 3})
        here.go_on(most=0.0)
        failed: Any = here.jobs.get(job.id)
        assert failed.status is Status.FAILED
        (error,) = failed.result.errors
        assert error.code == "part_corrupt"
        assert "chunk 1 " in error.message
        with pytest.raises(NoResult):
            here.jobs.open_result(job.id)
        assert not list(here.jobs.files.keys(f"jobs/{job.id}/out/"))


def forget_old_jobs(here: Scene) -> None:
    """Have the retention go by, and a worker forget what is older."""
    here.clock(DAY + 1)
    here.jobs._upkeep.forget()


def test_f37_a_download_is_whole_while_its_job_is_forgotten(
    set_scene: Callable[..., Scene],
) -> None:
    """Who reads a file while the retention deletes it reads all of it; then there is none."""
    here = set_scene(retention=DAY)
    job = here.jobs.create("rows", LARGE)
    here.go_on()
    whole_file = "".join(f"{row}\n" for row in range(10_000)).encode()
    with here.jobs.open_result(job.id) as file:
        begun = file.read(100)
        forget_old_jobs(here)
        assert not list(here.jobs.files.keys())
        here.jobs.create("rows", LARGE)
        here.go_on()
        assert begun + file.read() == whole_file
    with pytest.raises(UnknownJob):
        here.jobs.open_result(job.id)


def test_f37_a_download_that_comes_too_late_finds_nothing(
    set_scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is forgotten between the look at it and the opening of its file has no file."""
    here = set_scene(retention=DAY)
    job = here.jobs.create("rows", {"chunks": 1})
    here.go_on()
    get = here.jobs.get

    def late(*arguments: Any, **options: Any) -> Any:
        found = get(*arguments, **options)
        forget_old_jobs(here)
        return found

    monkeypatch.setattr(here.jobs, "get", late)
    with pytest.raises(UnknownFile):
        here.jobs.open_result(job.id)
    with pytest.raises(UnknownJob):
        here.jobs.open_result(job.id)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda files, key: files.delete(key), "is missing"),
        (lambda files, key: _overwrite(files, key, b"ada;9\n"), "is not as it was written"),
        (lambda files, key: _overwrite(files, key, b"ada;1\nbob;2\n"), "is not as it was written"),
    ],
)
def test_f25_a_file_that_changes_between_plan_and_work_fails_the_job(
    tmp_path: Path, change: Callable[[Any, str], None], fault: str
) -> None:
    """A job whose file is gone or another one when it is confirmed fails before any effect."""
    tally = Tally()
    plugins = {"tally": Offering(tally)}
    with BatchJobs.open("memory:", files=str(tmp_path), plugins=plugins) as jobs:
        key = jobs.upload(io.BytesIO(b"ada;1\n"), "a.csv").key
        job = jobs.work(jobs.create("tally", {"fileKey": key}, dry_run=True).id)
        change(jobs.files, key)
        jobs.confirm(job.id)
        result = jobs.work(job.id).result
    assert result
    assert [error.code for error in result.errors] == ["input_changed"]
    assert f"the job's file {fault}; upload it again" in result.errors[0].message
    assert tally.totals == {}


def _overwrite(files: LocalFileStore, key: str, content: bytes) -> None:
    with files.write(key) as file:
        file.write(content)
