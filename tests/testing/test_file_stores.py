"""The suite of file stores: one in memory keeps all promises, and each broken one is found."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest

from batchjob.abc import FileStore
from batchjob.core.files import check_key
from batchjob.errors import UnknownFile
from batchjob.testing.files.conformance import FileStoreConformance
from batchjob.testing.promises import promise_of


class InMemory(FileStore):
    """Keeps files in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    @contextmanager
    def write(self, key: str) -> Iterator[BinaryIO]:
        """Keep the bytes when the block has ended."""
        check_key(key)
        file = io.BytesIO()
        yield file
        self.kept[key] = file.getvalue()

    def read(self, key: str) -> BinaryIO:
        """Return the bytes as a file."""
        check_key(key)
        if key not in self.kept:
            raise UnknownFile(key)
        return io.BytesIO(self.kept[key])

    def delete(self, key: str) -> None:
        """Forget the file."""
        check_key(key)
        self.kept.pop(key, None)

    def delete_all(self, folder: str) -> None:
        """Forget all files below the folder."""
        check_key(folder)
        for key in list(self.keys(f"{folder}/")):
            del self.kept[key]

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys."""
        return (key for key in list(self.kept) if key.startswith(prefix))


class TestInMemory(FileStoreConformance):
    """It keeps all promises."""

    @pytest.fixture
    def files(self) -> FileStore:
        """An empty one."""
        return InMemory()


class KeepsTheFirst(InMemory):
    """Does not replace a file."""

    @contextmanager
    def write(self, key: str) -> Iterator[BinaryIO]:
        """Keep only what is new."""
        with super().write(key) as file:
            yield file
            before = self.kept.get(key)
        if before is not None:
            self.kept[key] = before


class TakesTextAlone(InMemory):
    """Reads files as if newlines were all alike."""

    def read(self, key: str) -> BinaryIO:
        """Change newlines."""
        return io.BytesIO(super().read(key).read().replace(b"\r", b"\n"))


class ShowsHalves(InMemory):
    """Has a file as soon as it is opened, and keeps what a writer has left."""

    @contextmanager
    def write(self, key: str) -> Iterator[BinaryIO]:
        """Keep it from the beginning on."""
        check_key(key)
        self.kept[key] = b""
        file = io.BytesIO()
        try:
            yield file
        finally:
            self.kept[key] = file.getvalue()


class DropsTheOld(InMemory):
    """Has nothing under a key while a new file is written."""

    @contextmanager
    def write(self, key: str) -> Iterator[BinaryIO]:
        """Forget the old file first."""
        self.kept.pop(key, None)
        with super().write(key) as file:
            yield file


class ListsFolders(InMemory):
    """Takes a prefix for a folder."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Add a slash."""
        folder = prefix and prefix.rstrip("/") + "/"
        return (key for key in list(self.kept) if key.startswith(folder))


class MakesUp(InMemory):
    """Has every file, empty where nobody wrote it."""

    def read(self, key: str) -> BinaryIO:
        """Return something."""
        check_key(key)
        return io.BytesIO(self.kept.get(key, b""))


class MindsTwice(InMemory):
    """Complains of what is deleted twice."""

    def delete(self, key: str) -> None:
        """Raise for what is not there."""
        super().read(key)
        super().delete(key)


class DeletesNeighbours(InMemory):
    """Deletes what begins alike."""

    def delete_all(self, folder: str) -> None:
        """Forget the slash."""
        check_key(folder)
        for key in list(self.keys(folder)):
            del self.kept[key]


class Trusting(InMemory):
    """Takes any key."""

    def delete(self, key: str) -> None:
        """Do not look at it."""
        self.kept.pop(key, None)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (KeepsTheFirst, "what_is_written_can_be_read"),
        (TakesTextAlone, "bytes_are_kept_as_they_are"),
        (ShowsHalves, "a_file_is_not_there_until_it_is_whole"),
        (DropsTheOld, "the_old_file_stays_until_the_new_one_is_whole"),
        (ShowsHalves, "a_writer_that_fails_leaves_nothing"),
        (ListsFolders, "keys_are_listed_by_prefix"),
        (MakesUp, "a_file_that_is_not_there_is_unknown"),
        (MindsTwice, "a_deleted_file_is_gone"),
        (DeletesNeighbours, "a_folder_is_deleted_with_all_in_it"),
        (Trusting, "a_key_that_leads_elsewhere_is_refused"),
    ],
)
def test_a_broken_promise_is_found(broken: type[InMemory], promise: str) -> None:
    """The test that is called as the promise fails for a store that breaks it."""
    tried: Callable[..., None] = getattr(FileStoreConformance(), f"test_{promise}")
    given = {"key": "../x"} if promise.startswith("a_key") else {}
    tried(files=InMemory(), **given)
    with pytest.raises((AssertionError, pytest.fail.Exception, UnknownFile)) as found:
        tried(files=broken(), **given)
    assert promise_of(tried) in found.value.__notes__


def test_every_promise_has_been_broken() -> None:
    """No promise of the suite is without a store that breaks it."""
    (mark,) = test_a_broken_promise_is_found.pytestmark  # type: ignore[attr-defined]
    broken = {f"test_{promise}" for _, promise in mark.args[1]}
    promised = {name for name in vars(FileStoreConformance) if name.startswith("test_")}
    assert promised == broken
