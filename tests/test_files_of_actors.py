"""The facade: files that are uploaded, and those that jobs made."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchjob import BatchJobs, FileRecord
from batchjob.batchjobs.requests import plain_name
from batchjob.errors import FileInUse, InvalidKey, StoreUnavailable, UnknownFile
from support import Lines, Offering


@pytest.fixture(params=["memory:", "sqlite"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BatchJobs]:
    """Jobs on each embedded store."""
    url = f"sqlite:///{tmp_path}/jobs.db" if request.param == "sqlite" else request.param
    plugins = {"test": Offering(Lines())}
    with BatchJobs.open(url, files=str(tmp_path / "files"), plugins=plugins) as opened:
        yield opened


def result_key(jobs: BatchJobs) -> str:
    """Make a job of usr_1, do it, and return the key of its file."""
    result = jobs.work(jobs.create("lines", actor="usr_1").id).result
    if result is None or result.file_key is None:
        raise LookupError("the job has no file")
    return result.file_key


def test_an_upload_is_kept_under_a_key_of_its_own(jobs: BatchJobs) -> None:
    """The file, its size and digest, its owner and a harmless name are known."""
    stored = jobs.upload(io.BytesIO(b"a;b"), "../../etc/my file\n.csv", actor="usr_1")
    assert stored.key.startswith("uploads/")
    assert stored.key.endswith("/my-file-.csv")
    assert (stored.size, stored.sha256[:8]) == (3, "5719af18")
    with jobs.files.read(stored.key) as file:
        assert file.read() == b"a;b"
    assert jobs.store.get_file(stored.key).owner == "usr_1"
    with pytest.raises(UnknownFile):
        jobs.store.get_file("uploads/other")


def test_an_upload_can_be_written_piece_by_piece(jobs: BatchJobs) -> None:
    """What the block writes is one file of the actor's, whole when the block has ended."""
    with jobs.writing("prices.csv", actor="usr_1") as sink:
        assert [sink.write(piece) for piece in (b"a;", b"", b"b")] == [2, 0, 1]
        assert sink.size == 3
        with pytest.raises(RuntimeError, match="when its block has ended"):
            _ = sink.stored
        assert not list(jobs.files.keys())
        assert not jobs.uploads()
    record = jobs.file(sink.stored.key, actor="usr_1")
    assert (record.file, record.name, record.owner) == (sink.stored, "prices.csv", "usr_1")
    with jobs.open_file(sink.stored.key, actor="usr_1") as file:
        assert file.read() == b"a;b"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_upload_that_breaks_off_leaves_nothing(
    jobs: BatchJobs, tmp_path: Path, error: type[BaseException]
) -> None:
    """If the block raises, there is no file and no word of one."""

    def break_off() -> None:
        with jobs.writing("a.csv") as sink:
            sink.write(b"a" * 5000)
            raise error

    with pytest.raises(error):
        break_off()
    assert not jobs.uploads()
    assert not [path for path in tmp_path.glob("files/**/*") if path.is_file()]


def test_an_upload_that_the_store_does_not_take_leaves_nothing(
    jobs: BatchJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the store is out of reach when the file is whole, the file goes."""

    def add_file(_: FileRecord) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(jobs.store, "add_file", add_file)
    with pytest.raises(StoreUnavailable), jobs.writing("a.csv") as sink:
        sink.write(b"a")
    assert not list(jobs.files.keys())


def test_somebody_elses_file_is_unknown(jobs: BatchJobs) -> None:
    """To another actor an upload, or a job's file, is as unknown as one that is not there."""
    upload, result = jobs.upload(io.BytesIO(b"a"), "a.csv", actor="usr_1").key, result_key(jobs)
    nobodys = jobs.upload(io.BytesIO(b"a"), "a.csv").key
    for verb in (jobs.file, jobs.open_file, jobs.delete_file):
        for key in (upload, result, nobodys, "uploads/x/a.csv", f"{upload}.old"):
            with pytest.raises(UnknownFile) as refused:
                verb(key, actor="usr_2")
            assert str(refused.value) == f"there is no file {key!r}"
    assert [record.file.key for record in jobs.uploads(actor="usr_1")] == [upload]
    assert len(jobs.uploads()) == 2
    assert not jobs.uploads(actor="usr_2")


@pytest.mark.parametrize(
    "key",
    ["../../etc/passwd", "/etc/passwd", "uploads\\x", "a/%2e%2e/b", "a\0b", "a/" * 300 + "a", ""],
)
def test_a_key_that_no_file_can_have_is_refused(jobs: BatchJobs, key: str) -> None:
    """A key that would lead elsewhere is refused by each verb, whatever is stored."""
    for verb in (jobs.file, jobs.open_file, jobs.delete_file):
        with pytest.raises(InvalidKey):
            verb(key)


def test_the_file_of_a_job_is_its_creators(jobs: BatchJobs) -> None:
    """The creator of a job reads its file by its key, and what is known of it."""
    key = result_key(jobs)
    record = jobs.file(key, actor="usr_1")
    with jobs.open_file(key, actor="usr_1") as file:
        content = file.read()
    assert (record.name, record.owner, record.file.size) == ("lines.txt", "usr_1", len(content))
    with pytest.raises(FileInUse, match="it goes when the job is purged"):
        jobs.delete_file(key, actor="usr_1")
    jobs.open_file(key).close()


def test_a_deleted_file_is_gone(jobs: BatchJobs) -> None:
    """The owner's file goes with what is known of it, and is unknown from then on."""
    key = jobs.upload(io.BytesIO(b"a"), "a.csv", actor="usr_1").key
    jobs.delete_file(key, actor="usr_1")
    assert not list(jobs.files.keys())
    for verb in (jobs.file, jobs.open_file, jobs.delete_file):
        with pytest.raises(UnknownFile):
            verb(key)


def test_a_deletion_that_broke_off_can_be_done_again(jobs: BatchJobs) -> None:
    """A file that is gone, and still known, cannot be read and can be deleted."""
    key = jobs.upload(io.BytesIO(b"a"), "a.csv").key
    jobs.files.delete(key)
    with pytest.raises(UnknownFile):
        jobs.open_file(key)
    jobs.delete_file(key)
    assert not jobs.uploads()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../my table.csv", "my-table.csv"),
        ("\u4ea7\u54c1.csv", "file.csv"),
        (".htaccess", "htaccess"),
        ("...", "file"),
        ("x" * 200 + ".csv", "x" * 96 + ".csv"),
    ],
)
def test_a_name_for_people_is_plain_in_the_key(given: str, kept: str) -> None:
    """Of a name letters, digits and its ending stay; one of which nothing stays is ``file``."""
    assert plain_name(given) == kept
