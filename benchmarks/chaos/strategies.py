"""What the jobs of a chaos run do: rows in a table without unique constraint, and a part file."""

import os
import signal
from collections.abc import Iterable
from typing import Any, ClassVar, Final

import attrs
import sqlalchemy as sa

from batchjob import Chunk, Outcomes, Part, Run, Settings, Strategy, hookimpl
from batchjob.core import faults

SCHEMA: Final = (
    "CREATE TABLE chaos_effect (job_id text, row_no integer, seq integer, token integer)",
    "CREATE TABLE chaos_finish (job_id text, token integer)",
)
_EFFECT: Final = sa.text("INSERT INTO chaos_effect VALUES (:job_id, :row_no, :seq, :token)")
_FINISH: Final = sa.text("INSERT INTO chaos_finish VALUES (:job_id, :token)")


@attrs.frozen(kw_only=True)
class Size:
    """How many chunks, and how many rows in each."""

    chunks: int = 2
    rows: int = 10


class Rows(Strategy[Size]):
    """Writes each row once, if all is well; ``chaos_effect`` shows if it did not."""

    batch_type: ClassVar[str] = "chaos"

    def plan(self, run: Run[Size]) -> Iterable[Chunk]:
        """Yield chunks that weigh their rows."""
        size = run.context
        for seq in range(size.chunks):
            yield Chunk({"first": seq * size.rows}, weight=size.rows)

    def work(self, run: Run[Size], chunk: Chunk) -> Outcomes | None:
        """Write the rows to the chunk's file, and then to the table."""
        given: Any = chunk.payload
        rows = range(given["first"], given["first"] + run.context.rows)
        with run.part() as file:
            file.writelines(f"{row}\n" for row in rows)
        same = {"job_id": run.job_id, "seq": chunk.seq, "token": run.fence}
        for row in rows:
            run.transaction.execute(_EFFECT, {**same, "row_no": row})
            if row == rows[len(rows) // 2]:
                faults.point("work.mid_effect")
        return Outcomes(created=len(rows))

    def finish(self, run: Run[Size], parts: Iterable[Part]) -> None:
        """Join the parts, and note that there was a finish."""
        with run.output("rows.txt") as file:
            run.join(parts, file)
        run.transaction.execute(_FINISH, {"job_id": run.job_id, "token": run.fence})


class Poison(Rows):
    """Kills whoever works on it, each time."""

    batch_type: ClassVar[str] = "chaos-poison"

    def work(self, run: Run[Size], chunk: Chunk) -> Outcomes | None:
        """Do not come back."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


@hookimpl
def batchjob_strategies(settings: Settings) -> list[Strategy[Any]]:
    """Offer both."""
    return [Rows(), Poison()]
