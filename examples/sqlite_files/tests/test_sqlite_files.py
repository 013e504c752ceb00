"""The file store keeps all promises, and jobs can be done with it."""

from pathlib import Path

import pytest
import sqlite_files

from batchjob import BatchJobs, FileStore, Settings
from batchjob.errors import InvalidSetting
from batchjob.testing.files.conformance import FileStoreConformance


class TestSqliteFileStore(FileStoreConformance):
    """All that a file store promises."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> FileStore:
        """An empty one."""
        return sqlite_files.SqliteFileStore(str(tmp_path / "files.db"))


def test_it_is_found_by_its_scheme(tmp_path: Path) -> None:
    """A URL names the file, and one that names none is refused."""
    plugins = {"tested": sqlite_files}
    url = f"sqlite:///{tmp_path}/files.db"
    with BatchJobs.open("memory:", files=url, plugins=plugins, disable=["sqlite-files"]) as jobs:
        assert isinstance(jobs.files, sqlite_files.SqliteFileStore)
    with pytest.raises(InvalidSetting, match="names no SQLite file"):
        sqlite_files.batchjob_file_stores()["sqlite"]("sqlite:x", Settings())
