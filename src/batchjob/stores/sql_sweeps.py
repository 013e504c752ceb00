"""The part of a SQL store that ends what can only end by a sweep."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from batchjob.abc import STRATEGY_WAIT, ChunkStore, Limits
from batchjob.stores.database import Database
from batchjob.stores.retrying import retried
from batchjob.stores.rules import dumps, strategy_missing, worker_lost
from batchjob.stores.sql_moves import made, moved
from batchjob.stores.statements import Statements

_PAGE: Final = 1000  # rows that are tidied at a time
_ENDINGS: Final = 100  # jobs that one sweep ends: the next one goes on


class SqlSweeps(ChunkStore):
    """Sweeping in a SQL database."""

    _database: Database
    _statements: Statements

    def sweep(self, *, at: datetime, limits: Limits) -> int:
        """End what can only end here, and return how many chunks were given up.

        Chunks whose last attempt's lease is over are dead; jobs that no worker has had a strategy
        for in `STRATEGY_WAIT` fail (of old ones, each sweep that has one says so); chunks of ended
        jobs become void; a finish that is missing is added.
        """
        stray = {
            "before": at - timedelta(seconds=STRATEGY_WAIT),
            "early": at - timedelta(seconds=STRATEGY_WAIT / 2),
            "batch_types": dumps(dict(limits.batch_types)),
            "actor_jobs": limits.actor_jobs,
        }
        with self._database.read() as connection:  # so that an idle sweep takes no lock
            found = connection.execute(self._statements.to_sweep, stray).one()
            exhausted, untidy, unfinished, overlooked, stranded = found
            strays = self._strays(connection, stray) if stranded else ()
        buried = 0
        while exhausted and buried < _ENDINGS and self._bury(at):
            buried += 1
        if overlooked:
            self._serve({**stray, "at": at})
        for row in strays:
            self._strand(row, {**stray, "at": at})
        if untidy or buried or strays:
            self._tidy(at)
        if unfinished:
            self._repair()
        return buried

    def _strays(self, connection: sa.Connection, stray: dict[str, Any]) -> Sequence[sa.Row[Any]]:
        values = {**stray, "most": _ENDINGS}
        return connection.execute(self._statements.strays, values).all()

    @retried
    def _bury(self, at: datetime) -> bool:
        with self._database.write() as connection:
            row = connection.execute(self._statements.bury).one_or_none()
            if row is None:
                return False
            errors = (worker_lost(row.kind, row.seq, row.attempts),)
            failing = {"job_id": row.job_id, "at": at, **made(errors)}
            moved(connection, self._statements, "fail", failing)
            return True

    @retried
    def _serve(self, stray: dict[str, Any]) -> None:
        with self._database.write() as connection:
            connection.execute(self._statements.serve, {**stray, "most": _PAGE})

    @retried
    def _strand(self, row: sa.Row[Any], stray: dict[str, Any]) -> None:
        errors = (strategy_missing(row.batch_type, row.context_version),)
        failing = {**stray, "job_id": row.id, **made(errors)}
        with self._database.write() as connection:
            statement = self._statements.fail_stray
            moved(connection, self._statements, "fail", failing, statement=statement)

    @retried
    def _tidy(self, at: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(self._statements.void, {"most": _PAGE})
            connection.execute(self._statements.tidied, {"most": _PAGE, "at": at})

    @retried
    def _repair(self) -> None:
        with self._database.write() as connection:
            connection.execute(self._statements.repair)
