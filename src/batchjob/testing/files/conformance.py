"""The promises of the port `FileStore`, to be kept by every file store."""

import hashlib

import pytest

from batchjob.abc import FileStore
from batchjob.errors import InvalidKey, UnknownFile
from batchjob.testing.promises import promises

__all__ = ["FileStoreConformance"]


def put(files: FileStore, key: str, content: bytes) -> None:
    """Write a file."""
    with files.write(key) as file:
        file.write(content)


def get(files: FileStore, key: str) -> bytes:
    """Read a file."""
    with files.read(key) as file:
        return file.read()


@promises
class FileStoreConformance:
    """All that a file store promises.

    Subclass it in a test module, with the fixture ``files``: an empty file store.
    """

    def test_what_is_written_can_be_read(self, files: FileStore) -> None:
        """A file has the bytes that were written, and a later one under its key replaces it."""
        put(files, "a/b.txt", b"one")
        put(files, "a/b.txt", b"two")
        assert get(files, "a/b.txt") == b"two"

    def test_bytes_are_kept_as_they_are(self, files: FileStore) -> None:
        """Whatever they are, and however many: written in pieces, read in pieces."""
        block = bytes(range(256)) * 4096
        with files.write("large") as file:
            for _ in range(3):
                file.write(block)
        with files.read("large") as file:
            assert file.read(10) == block[:10]
            found = hashlib.sha256(block[:10])
            while rest := file.read(1 << 16):
                found.update(rest)
        # Their digests: what pytest shows of two large texts that differ takes it an hour to find.
        assert found.hexdigest() == hashlib.sha256(block * 3).hexdigest()
        put(files, "empty", b"")
        assert get(files, "empty") == b""

    def test_a_file_is_not_there_until_it_is_whole(self, files: FileStore) -> None:
        """While it is written it cannot be read, and is no key."""
        with files.write("a/b") as file:
            file.write(b"half")
            file.flush()
            assert list(files.keys()) == []
            with pytest.raises(UnknownFile):
                files.read("a/b")
        assert list(files.keys()) == ["a/b"]

    def test_the_old_file_stays_until_the_new_one_is_whole(self, files: FileStore) -> None:
        """Who reads while it is replaced gets the old bytes, all of them."""
        put(files, "a", b"old")
        with files.write("a") as file:
            file.write(b"newer")
            assert get(files, "a") == b"old"
        assert get(files, "a") == b"newer"

    def test_a_writer_that_fails_leaves_nothing(self, files: FileStore) -> None:
        """The error is the writer's own, and the old file stays."""
        put(files, "a", b"old")
        for key in ("a", "b"):
            with pytest.raises(FileNotFoundError, match="mine"):
                _fail(files, key)
        assert get(files, "a") == b"old"
        assert list(files.keys()) == ["a"]

    def test_keys_are_listed_by_prefix(self, files: FileStore) -> None:
        """A prefix may end in the middle of a name; an unknown one has no keys."""
        for key in ("jobs/1/a", "jobs/1/b", "jobs/12/a", "other"):
            put(files, key, b"")
        assert sorted(files.keys("jobs/1")) == ["jobs/1/a", "jobs/1/b", "jobs/12/a"]
        assert sorted(files.keys("jobs/1/")) == ["jobs/1/a", "jobs/1/b"]
        assert list(files.keys("nothing/here")) == []
        assert len(list(files.keys())) == 4

    def test_a_file_that_is_not_there_is_unknown(self, files: FileStore) -> None:
        """Neither is a folder a file."""
        put(files, "a/b", b"")
        for key in ("never", "never/was", "a"):
            with pytest.raises(UnknownFile):
                files.read(key)

    def test_a_deleted_file_is_gone(self, files: FileStore) -> None:
        """Deleting twice, or what never was, is fine; others stay."""
        put(files, "a/b", b"")
        put(files, "a/c", b"")
        for _ in range(2):
            files.delete("a/b")
        files.delete("never/was")
        with pytest.raises(UnknownFile, match="there is no file 'a/b'"):
            files.read("a/b")
        assert list(files.keys()) == ["a/c"]

    def test_a_folder_is_deleted_with_all_in_it(self, files: FileStore) -> None:
        """Neighbours whose names begin alike stay, and doing it again is fine."""
        for key in ("jobs/1/parts/a", "jobs/1/out/b", "jobs/12/a"):
            put(files, key, b"")
        for _ in range(2):
            files.delete_all("jobs/1")
        assert list(files.keys()) == ["jobs/12/a"]
        with pytest.raises(InvalidKey):
            files.delete_all("..")

    @pytest.mark.parametrize(
        "key",
        [
            *("", "/", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".", ".."),
            *("a\\b", "C:x", "%2e%2e/x", "a\0b", "a\nb", "a\u202eb", "file:///x"),
            *("a" * 256, "a/" * 300 + "a", "é" * 200, "a/.tmp-x"),
        ],
    )
    def test_a_key_that_leads_elsewhere_is_refused(self, files: FileStore, key: str) -> None:
        """Neither read, write nor delete takes a key that is not plain and relative."""
        with pytest.raises(InvalidKey):
            files.read(key)
        with pytest.raises(InvalidKey):
            put(files, key, b"")
        with pytest.raises(InvalidKey):
            files.delete(key)
        assert list(files.keys()) == []


def _fail(files: FileStore, key: str) -> None:
    with files.write(key) as file:
        file.write(b"new")
        raise FileNotFoundError("mine")
