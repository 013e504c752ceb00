"""The part of a SQL store that says where a job stands; what follows from it is in `standings`."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from batchjob.abc import JobStore, Limits
from batchjob.core.chunks import ChunkKind, ChunkState
from batchjob.core.standing import Standing
from batchjob.core.status import MOVES, OPEN, Status
from batchjob.errors import UnknownJob
from batchjob.stores.database import Database
from batchjob.stores.standings import JobFacts, Tried, standing
from batchjob.stores.statements import Statements
from batchjob.stores.tables import chunk


class SqlStandings(JobStore):
    """Where jobs stand, in a SQL database."""

    _database: Database
    _statements: Statements

    def standing(self, job_id: str, *, limits: Limits) -> Standing:
        """Return where the job stands for a worker with these limits; `UnknownJob` if nowhere."""
        of_job = {"job_id": job_id}
        with self._database.read() as connection:
            row = connection.execute(self._statements.standing, of_job).mappings().one_or_none()
            if row is None:
                raise UnknownJob(job_id)
            found = connection.execute(self._statements.tried, of_job).mappings().all()
            tried = [_tried(each) for each in found]
            states = _states(connection, job_id, row, tried)
        return standing(_facts(row), tried, states, limits)


def _facts(row: sa.RowMapping) -> JobFacts:
    given = {field.name: row[field.name] for field in attrs.fields(JobFacts)}
    return JobFacts(**{**given, "status": Status(row["status"])})


def _tried(row: sa.RowMapping) -> Tried:
    return Tried(
        kind=ChunkKind(row["kind"]),
        seq=row["seq"],
        state=ChunkState(row["state"]),
        attempts=row["attempts"],
        max_attempts=row["max_attempts"],
        seconds=max(0.0, row["seconds"]),
        error=(row["error"] or {}).get("class"),
    )


def _states(
    connection: sa.Connection, job_id: str, row: sa.RowMapping, tried: Sequence[Tried]
) -> Mapping[ChunkState, int]:
    """Count the work chunks of a planned job; only one that was broken off has to be counted."""
    total, done, status = row["total"], row["done"], Status(row["status"])
    if not total:
        return {}
    if status in OPEN or status in MOVES["complete"].values():
        leased = sum(
            each.state is ChunkState.LEASED and each.kind is ChunkKind.WORK for each in tried
        )
        ready = max(0, total - done - leased)  # the rows are read one after the other
        return {ChunkState.READY: ready, ChunkState.LEASED: leased, ChunkState.DONE: done}
    counted: sa.Select[Any] = (
        sa.select(chunk.c.state, sa.func.count())
        .where(chunk.c.job_id == job_id, chunk.c.kind == ChunkKind.WORK.value)
        .group_by(chunk.c.state)
    )
    return {ChunkState(state): number for state, number in connection.execute(counted)}
