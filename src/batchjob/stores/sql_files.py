"""The part of a SQL store that keeps what is known of files."""

from collections.abc import Sequence

import sqlalchemy as sa

from batchjob.abc import JobStore
from batchjob.core.files import FileRecord, job_of
from batchjob.errors import UnknownFile
from batchjob.stores import rows
from batchjob.stores.database import Database
from batchjob.stores.retrying import retried
from batchjob.stores.rules import storable
from batchjob.stores.tables import file, job


class SqlFiles(JobStore):
    """What is known of files, in a SQL database."""

    _database: Database

    @retried
    def add_file(self, record: FileRecord) -> None:
        """Remember whose a file is and what it is called, in place of what was known of its key."""
        with self._database.write() as connection:
            connection.execute(sa.delete(file).where(file.c.key == record.file.key))
            connection.execute(sa.insert(file), rows.of_record(record))

    def get_file(self, key: str) -> FileRecord:
        """Return what is known of the file; `UnknownFile` if nothing is."""
        if not storable(key):
            raise UnknownFile(key)
        with self._database.read() as connection:
            told = connection.execute(sa.select(file).where(file.c.key == key)).mappings().first()
            if told is not None:
                return rows.record(told)
            if (job_id := job_of(key)) is not None:
                of_job = sa.select(job).where(job.c.id == job_id, job.c.file_key == key)
                if (made := connection.execute(of_job).mappings().first()) is not None:
                    return rows.record_of_result(made)
        raise UnknownFile(key)

    def files(self, *, owner: str | None = None, limit: int = 100) -> Sequence[FileRecord]:
        """Return what was told of files (of one owner, if named), the newest first."""
        wanted = sa.select(file).order_by(file.c.created_at.desc(), file.c.key.desc()).limit(limit)
        if owner is not None:
            wanted = wanted.where(file.c.owner == owner if storable(owner) else sa.false())
        with self._database.read() as connection:
            return tuple(rows.record(row) for row in connection.execute(wanted).mappings())

    @retried
    def delete_file(self, key: str) -> None:
        """Forget what was told of the file; `UnknownFile` if that was nothing."""
        with self._database.write() as connection:
            gone = sa.delete(file).where(file.c.key == key if storable(key) else sa.false())
            if not connection.execute(gone).rowcount:
                raise UnknownFile(key)
