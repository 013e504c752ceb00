"""What every store promises of files: whose they are, and what they are called."""

import attrs
import pytest

from batchjob.abc import Store
from batchjob.core.chunks import ChunkKind, Finished
from batchjob.core.files import FileRecord
from batchjob.core.job import BatchJob
from batchjob.errors import UnknownFile
from batchjob.testing.stores.making import FILE, NOON, after, claimed, planned


def told(store: Store, key: str, *, owner: str | None = "usr_1", second: int = 0) -> FileRecord:
    """Tell the store of a file."""
    file = attrs.evolve(FILE, key=key)
    record = FileRecord(file=file, name="prices ü.csv", owner=owner, created_at=after(second))
    store.add_file(record)
    return record


def with_file(store: Store) -> tuple[BatchJob, str]:
    """Keep a job that is about to end with a file, and return it and the file's key."""
    job = planned(store, 0)
    return job, f"jobs/{job.id}/out/1/a.csv"


class PromisesOfFiles:
    """The port `JobStore`, as far as it is about files."""

    def test_what_is_known_of_a_file_is_the_last_that_was_said(self, store: Store) -> None:
        """A file's record is read as it was given, and a later one takes its place."""
        first = told(store, FILE.key)
        assert store.get_file(FILE.key) == first
        later = told(store, FILE.key, owner=None, second=1)
        assert store.get_file(FILE.key) == later

    @pytest.mark.parametrize("key", ["no/such", "jobs/batch_1/out/1/a.csv", "a\0b", "\ud800"])
    def test_a_file_that_nobody_told_of_is_unknown(self, store: Store, key: str) -> None:
        """Whatever is asked of it, a file that is not known is said to be so."""
        with pytest.raises(UnknownFile):
            store.get_file(key)
        with pytest.raises(UnknownFile):
            store.delete_file(key)

    def test_the_file_of_a_job_is_its_creators(self, store: Store) -> None:
        """Of the file that a job made is known what it is, once the job is completed."""
        job, key = with_file(store)
        last = claimed(store, ChunkKind.FINISH, job_id=job.id)
        with pytest.raises(UnknownFile):
            store.get_file(key)
        file = attrs.evolve(FILE, key=key)
        store.complete(last, Finished(file=file), at=after(3))
        record = FileRecord(file=file, name="a.csv", owner="usr_1", created_at=after(3))
        assert store.get_file(key) == record
        with pytest.raises(UnknownFile):
            store.get_file(f"jobs/{job.id}/out/2/a.csv")

    def test_the_file_of_a_job_goes_with_the_job(self, store: Store) -> None:
        """A job's file cannot be forgotten alone, and is when the job is purged."""
        job, key = with_file(store)
        last = claimed(store, ChunkKind.FINISH, job_id=job.id)
        store.complete(last, Finished(file=attrs.evolve(FILE, key=key)), at=NOON)
        with pytest.raises(UnknownFile):
            store.delete_file(key)
        assert store.get_file(key).file.key == key
        store.purge([job.id])
        with pytest.raises(UnknownFile):
            store.get_file(key)

    def test_files_are_listed_newest_first(self, store: Store) -> None:
        """Files that were told of are listed, those of one owner if asked for, so many at most."""
        old, new, also_new = (told(store, f"u/{n}", second=n // 2) for n in (1, 2, 3))
        others = told(store, "u/4", owner=None, second=9)
        assert list(store.files()) == [others, also_new, new, old]
        assert list(store.files(owner="usr_1", limit=2)) == [also_new, new]
        assert list(store.files(owner="usr_2")) == []
        assert list(store.files(owner="\0")) == []

    def test_a_deleted_file_is_forgotten(self, store: Store) -> None:
        """A file that was deleted is unknown, and the others stay."""
        gone, kept = told(store, "u/1"), told(store, "u/2")
        store.delete_file(gone.file.key)
        with pytest.raises(UnknownFile):
            store.get_file(gone.file.key)
        with pytest.raises(UnknownFile):
            store.delete_file(gone.file.key)
        assert list(store.files()) == [kept]
