"""The port of file stores."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import BinaryIO

from batchjob.abc.settings import Settings


class FileStore(ABC):
    """Where files live, under keys such as ``jobs/<id>/out/1/product-export.csv``.

    Keys are relative, with ``/``; any other raises `InvalidKey`, and none leads out of the store.
    """

    @abstractmethod
    def write(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open a file. It is there, whole, when the block has ended, or not at all.

        What was under its key stays until then, and is replaced.
        `StorageFull` if there is no room.
        """

    @abstractmethod
    def read(self, key: str) -> BinaryIO:
        """Open a file to read; `UnknownFile` if it is not there."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete a file; one that is not there is fine."""

    @abstractmethod
    def delete_all(self, folder: str) -> None:
        """Delete all files whose keys begin with *folder* and ``/``, half-written ones too."""

    def tidy(self, *, older_than: timedelta) -> None:  # noqa: B027 - optional
        """Delete what was half written longer ago than that, if that leaves anything behind."""

    @abstractmethod
    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that begin with *prefix*, in no order."""


FileStoreFactory = Callable[[str, Settings], FileStore]
"""Opens the file store of a URL or folder."""
