"""The part of a store in memory that keeps what is known of files."""

from collections.abc import Sequence

from batchjob.abc import JobStore
from batchjob.core.files import FileRecord, job_of
from batchjob.errors import UnknownFile
from batchjob.stores.memory_rows import Rows
from batchjob.stores.rules import file_name


class MemoryFiles(JobStore):
    """What is known of files, in memory."""

    _rows: Rows

    def add_file(self, record: FileRecord) -> None:
        """Remember whose a file is and what it is called, in place of what was known of its key."""
        with self._rows.transaction():
            self._rows.put_file(record)

    def get_file(self, key: str) -> FileRecord:
        """Return what is known of the file; `UnknownFile` if nothing is."""
        with self._rows.locked():
            record = self._rows.files.get(key) or self._of_job(key)
        if record is None:
            raise UnknownFile(key)
        return record

    def files(self, *, owner: str | None = None, limit: int = 100) -> Sequence[FileRecord]:
        """Return what was told of files (of one owner, if named), the newest first."""
        with self._rows.locked():
            known = [each for each in self._rows.files.values() if owner in (None, each.owner)]
        known.sort(key=lambda each: (each.created_at, each.file.key), reverse=True)
        return known[:limit]

    def delete_file(self, key: str) -> None:
        """Forget what was told of the file; `UnknownFile` if that was nothing."""
        with self._rows.transaction():
            if key not in self._rows.files:
                raise UnknownFile(key)
            self._rows.drop_file(key)

    def _of_job(self, key: str) -> FileRecord | None:
        """Return what a job says of the file that it made, None if no job made it."""
        row = self._rows.jobs.get(job_of(key) or "")
        if row is None or row.file is None or row.file.key != key:
            return None
        return FileRecord(
            file=row.file,
            name=file_name(key),
            owner=row.job.created_by,
            created_at=row.ended_at or row.job.updated_at,
        )
