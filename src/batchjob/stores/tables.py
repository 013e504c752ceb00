"""The tables of a SQL store, for statements and for the test that the migrations make the same.

Columns alone; what is done with them is in `statements`. Times of jobs are aware UTC times. Times
of leases are seconds since 1970 by the database's own clock, because it alone judges them.
"""

from typing import Any, Final

import sqlalchemy as sa

from batchjob.core.chunks import ChunkKind, ChunkState
from batchjob.core.results import OUTCOMES
from batchjob.core.status import OPEN, STAMPS, Status, target
from batchjob.stores.columns import BigId, JsonText, UtcTime
from batchjob.stores.rules import MAX_ATTEMPTS

ENDED: Final = tuple(status for status in Status if status not in OPEN)
CLAIMABLE_STATES: Final = (ChunkState.READY, ChunkState.LEASED)

# These are in partial indexes: a statement that is to use one says it in the same words.
PROCESSING: Final = f"status = '{target('start')}'"
LEASED: Final = f"state = '{ChunkState.LEASED}'"

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def quoted(words: tuple[str, ...]) -> str:
    """Return words of ours (never a user's) as the list that SQL has after IN."""
    return "(" + ", ".join(f"'{word}'" for word in words) + ")"


def _count(name: str, *, known: bool = False) -> sa.Column[int]:
    default = "0" if known else None
    return sa.Column(name, sa.BigInteger, nullable=not known, server_default=default)


def _of_job() -> sa.Column[str]:
    return sa.Column(
        "job_id", sa.Text, sa.ForeignKey("batchjob_job.id", ondelete="CASCADE"), nullable=False
    )


job: Final = sa.Table(
    "batchjob_job",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("batch_type", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("context", JsonText, nullable=False),  # as it was sent
    sa.Column("amended", JsonText),  # what planning added to it
    sa.Column("context_version", sa.Integer, nullable=False),
    sa.Column("strategy_version", sa.Text),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    # progress: chunks, then weights, then rows by outcome
    sa.Column("total", sa.Integer, nullable=False, server_default="0"),
    sa.Column("done", sa.Integer, nullable=False, server_default="0"),
    _count("count"),
    _count("advancement_count", known=True),
    *(_count(f"rows_{outcome}") for outcome in OUTCOMES),
    # result
    sa.Column("stat_descriptors", JsonText),
    sa.Column("errors", JsonText),
    _count("error_count"),
    sa.Column("file_key", sa.Text),
    sa.Column("file_size", sa.BigInteger),
    sa.Column("file_sha256", sa.Text),
    sa.Column("file_name", sa.Text),
    sa.Column("input_key", sa.Text),
    sa.Column("input_size", sa.BigInteger),
    sa.Column("input_sha256", sa.Text),
    # what a creator asks for beside the context
    sa.Column("idempotency_key", sa.Text),
    sa.Column("request_hash", sa.Text),
    sa.Column("exclusive_key", sa.Text),
    sa.Column("retry_of", sa.Text),
    # times
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    *(sa.Column(stamp, UtcTime) for stamp in STAMPS.values()),
    sa.Column("ended_at", UtcTime),  # whichever of the last three it was
    sa.Column("paused_at", UtcTime),
    sa.Column("paused_s", sa.Double, nullable=False, server_default="0"),  # while processing
    sa.Column("served_at", UtcTime),  # when a sweep last had the strategy of a job that waits
    sa.Column("tidied_at", UtcTime),  # no chunk of the ended job is left open
    sa.Column("deleted_at", UtcTime),
    sa.CheckConstraint(f"status IN {quoted(tuple(Status))}", name="status"),
    sa.CheckConstraint("0 <= done AND done <= total", name="done"),
    sa.CheckConstraint(
        "advancement_count >= 0 AND (count IS NULL OR advancement_count <= count)",
        name="advancement_count",
    ),
)
sa.Index(None, job.c.created_at, job.c.id)
sa.Index(None, job.c.created_by, job.c.created_at, job.c.id)

chunk: Final = sa.Table(
    "batchjob_chunk",
    metadata,
    _of_job(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default=ChunkState.READY.value),
    sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("max_attempts", sa.Integer, nullable=False, server_default=str(MAX_ATTEMPTS)),
    sa.Column("worker", sa.Text),
    sa.Column("lease_until", sa.Double),
    sa.Column("lease_s", sa.Double),
    sa.Column("not_before", sa.Double, nullable=False, server_default="0"),
    sa.Column("payload", JsonText),
    sa.Column("weight", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("staged_by", sa.BigInteger),  # of a plan: the token whose chunks are staged
    sa.Column("result", JsonText),
    sa.Column("error", JsonText),
    sa.PrimaryKeyConstraint("job_id", "kind", "seq"),
    sa.CheckConstraint(f"kind IN {quoted(tuple(ChunkKind))}", name="kind"),
    sa.CheckConstraint(f"state IN {quoted(tuple(ChunkState))}", name="state"),
    sa.CheckConstraint("seq >= 0", name="seq"),
    sa.CheckConstraint("0 <= attempts AND attempts <= max_attempts", name="attempts"),
    sa.CheckConstraint("weight >= 0", name="weight"),
)

event: Final = sa.Table(
    "batchjob_event",
    metadata,
    sa.Column("position", BigId, primary_key=True),  # the order among all jobs, for listeners
    _of_job(),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor", sa.Text),
    sa.Column("from_status", sa.Text),
    sa.Column("to_status", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("stored_at", sa.Double, nullable=False),  # by the database's clock, unlike ``at``
    sa.UniqueConstraint("job_id", "n"),
    sqlite_autoincrement=True,  # a position is never given twice, also after a purge
)

listener: Final = sa.Table(
    "batchjob_listener",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),  # of the last event that it has heard
    sa.Column("worker", sa.Text),
    sa.Column("held_until", sa.Double),
    sa.Column("held_s", sa.Double),
)

file: Final = sa.Table(
    "batchjob_file",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("job_id", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("deleted_at", UtcTime),
)
sa.Index(None, file.c.owner, file.c.created_at)

token: Final = sa.Table(
    "batchjob_token",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("scopes", JsonText),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime),
    sa.Column("revoked_at", UtcTime),
    sa.Column("last_used_at", UtcTime),
)


def columns(table: sa.Table, *names: str) -> tuple[sa.ColumnClause[Any], ...]:
    """Return the named columns of *table* (all, if none is named), bare, to type a text's rows."""
    return tuple(
        sa.column(column.name, column.type)
        for column in table.columns
        if not names or column.name in names
    )
