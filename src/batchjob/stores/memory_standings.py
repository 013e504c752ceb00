"""The part of a store in memory that says where a job stands."""

from collections import Counter

from batchjob.abc import JobStore, Limits
from batchjob.core.chunks import ChunkKind, ChunkState
from batchjob.core.standing import Standing
from batchjob.stores.memory_board import Board
from batchjob.stores.memory_jobs import job_row
from batchjob.stores.memory_rows import Rows
from batchjob.stores.standings import standing


class MemoryStandings(JobStore):
    """Where jobs stand, in memory."""

    _rows: Rows
    _board: Board

    def standing(self, job_id: str, *, limits: Limits) -> Standing:
        """Return where the job stands for a worker with these limits; `UnknownJob` if nowhere."""
        with self._rows.locked():
            row, chunks = job_row(self._rows, job_id), self._rows.chunks_of(job_id)
            work = [each for each in chunks if each.kind is ChunkKind.WORK] if row.total else []
            tried = [self._board.tried(each) for each in self._rows.leased_chunks_of(job_id)]
            waiting = [each for each in chunks if each.state is ChunkState.READY]
            again = [each for each in waiting if each.not_before > 0]
            if again:
                first = min(again, key=lambda each: (each.not_before, each.seq))
                tried.append(self._board.tried(first))
            facts = self._board.facts(row)
        return standing(facts, tried, Counter(each.state for each in work), limits)
