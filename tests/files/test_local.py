"""Files in a local folder."""

import os
import resource
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from batchjob.abc import FileStore
from batchjob.errors import InvalidKey, StorageFull, StoreUnavailable, UnknownFile
from batchjob.files.local import LocalFileStore
from batchjob.testing.files.conformance import FileStoreConformance, get, put


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    """A store in a folder that is not there yet."""
    return LocalFileStore.open(str(tmp_path / "files"))


class TestLocalFileStore(FileStoreConformance):
    """A local folder keeps all promises."""


def left(tmp_path: Path) -> list[str]:
    """Return the files below the folder, also half-written ones."""
    return sorted(path.name for path in tmp_path.rglob("*") if path.is_file())


def test_a_url_names_a_folder_too(tmp_path: Path) -> None:
    """``file://`` URLs and paths are the same store; escapes in URLs are read."""
    put(LocalFileStore.open(f"file://{tmp_path}/my%20files"), "a", b"x")
    assert get(LocalFileStore.open(str(tmp_path / "my files")), "a") == b"x"


def test_a_writer_that_fails_leaves_nothing(files: FileStore, tmp_path: Path) -> None:
    """The error is the writer's own, the old file stays, and no temporary file is left."""
    put(files, "a", b"old")
    with pytest.raises(FileNotFoundError, match="mine"), files.write("a") as file:  # noqa: PT012
        file.write(b"new")
        raise FileNotFoundError("mine")
    assert get(files, "a") == b"old"
    assert left(tmp_path) == ["a"]


def test_a_folder_is_deleted_with_all_in_it(files: FileStore, tmp_path: Path) -> None:
    """Half-written files and folders go too, neighbours stay, and links are not followed."""
    for key in ("jobs/1/parts/a", "jobs/1/out/b", "jobs/12/a"):
        put(files, key, b"")
    (tmp_path / "files/jobs/1/.tmp-left").touch()
    (tmp_path / "files/jobs/1/link").symlink_to(tmp_path / "files/jobs/12")
    for _ in range(2):
        files.delete_all("jobs/1")
    assert list(files.keys()) == ["jobs/12/a"]
    assert not (tmp_path / "files/jobs/1").exists()
    with pytest.raises(InvalidKey):
        files.delete_all("..")


def test_what_was_half_written_long_ago_is_deleted(files: FileStore, tmp_path: Path) -> None:
    """Only temporary files that nobody has written to since; a whole file stays, however old."""
    for name in ("a", "b"):
        put(files, f"jobs/1/{name}", b"")
        (tmp_path / f"files/jobs/1/.tmp-{name}").touch()
    for name in ("a", ".tmp-a"):
        os.utime(tmp_path / "files/jobs/1" / name, (0, 0))
    files.tidy(older_than=timedelta(days=1))
    assert {path.name for path in (tmp_path / "files/jobs/1").iterdir()} == {"a", "b", ".tmp-b"}


@pytest.mark.parametrize(
    "key",
    [
        *("", "/", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".", ".."),
        *("a\\b", "C:x", "%2e%2e/x", "a\0b", "a\nb", "a\u202eb", "file:///x"),
        *("a" * 256, "a/" * 300 + "a", "é" * 200, "a/.tmp-x"),
    ],
)
def test_a_key_that_leads_elsewhere_is_refused(files: FileStore, tmp_path: Path, key: str) -> None:
    """Neither read, write nor delete takes a key that is not plain and relative."""
    with pytest.raises(InvalidKey, match="the file key"):
        files.read(key)
    with pytest.raises(InvalidKey, match="the file key"):
        put(files, key, b"")
    with pytest.raises(InvalidKey, match="the file key"):
        files.delete(key)
    assert left(tmp_path) == []


def test_links_are_not_followed(files: FileStore, tmp_path: Path) -> None:
    """A link inside the folder is no way out of it."""
    put(files, "a/real", b"")
    (tmp_path / "secret").write_text("s", "utf-8")
    (tmp_path / "files/a/link").symlink_to(tmp_path / "secret")
    (tmp_path / "files/out").symlink_to(tmp_path)
    with pytest.raises(UnknownFile):
        files.read("a/link")
    for read_or_write in (files.read, lambda key: put(files, key, b"")):
        with pytest.raises(InvalidKey, match="leads out of the file store"):
            read_or_write("out/secret")


def test_a_folder_or_a_pipe_is_no_file(files: FileStore, tmp_path: Path) -> None:
    """Only plain files are there."""
    put(files, "a/b", b"")
    with pytest.raises(UnknownFile):
        files.read("a")
    with pytest.raises(UnknownFile):
        files.read("a/b/c")


@pytest.mark.parametrize("key", ["b", "sub/b"])
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, key: str) -> None:
    """A file in the folder's place is an error in words, without the path."""
    (tmp_path / "files").write_text("", "utf-8")
    files = LocalFileStore.open(str(tmp_path / "files"))
    with pytest.raises(StoreUnavailable) as refused:
        put(files, key, b"")
    assert str(refused.value).startswith("the file store cannot be used: ")
    assert str(tmp_path) not in str(refused.value)


FULL = """
import resource, sys
from batchjob.errors import StorageFull
from batchjob.files.local import LocalFileStore
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    with LocalFileStore.open(sys.argv[1]).write("a/b") as file:
        for _ in range(int(sys.argv[2])):
            file.write(b"x" * 1000)
except StorageFull as error:
    print(error)
"""


@pytest.mark.parametrize("writes", ["5", "100"])
def test_f15_a_full_disk_leaves_no_temporary_file(tmp_path: Path, writes: str) -> None:
    """No room is an error of its own, whether a write or the last flush finds it."""
    command = [sys.executable, "-c", FULL, str(tmp_path / "files"), writes]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "the file store is full; make room and try again\n"
    assert done.stderr == ""
    assert left(tmp_path) == []
    assert issubclass(StorageFull, StoreUnavailable)
    assert resource.RLIMIT_FSIZE is not None
    assert os.listdir(tmp_path / "files" / "a") == []  # noqa: PTH208 - the temporary ones too
