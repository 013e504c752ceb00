"""Partial indexes of the tables: importing this module adds them to the metadata.

They stand apart because SQLAlchemy loads a dialect, slowly, for each option that it is given for
it; only what makes or compares tables needs them.
"""

import sqlalchemy as sa

from batchjob.stores.rules import TO_CLAIM
from batchjob.stores.tables import (
    CLAIMABLE_STATES,
    ENDED,
    LEASED,
    PROCESSING,
    chunk,
    file,
    job,
    quoted,
)

_CLAIMABLE_JOBS = sa.text(f"status IN {quoted(TO_CLAIM)}")
_UNTIDY_JOBS = sa.text(f"status IN {quoted(ENDED)} AND tidied_at IS NULL")
sa.Index(
    "batchjob_job_claim_idx",
    job.c.id,
    unique=True,  # it is anyhow; SQLite then knows that the chunks need no sorting
    sqlite_where=_CLAIMABLE_JOBS,
    postgresql_where=_CLAIMABLE_JOBS,
)
sa.Index(
    "batchjob_job_untidy_idx", job.c.id, sqlite_where=_UNTIDY_JOBS, postgresql_where=_UNTIDY_JOBS
)
_IN_PROCESS = sa.text(PROCESSING)
sa.Index(
    "batchjob_job_exclusive_idx",
    job.c.exclusive_key,
    unique=True,  # of two that are started at once, one is
    sqlite_where=_IN_PROCESS,
    postgresql_where=_IN_PROCESS,
)
sa.Index(
    "batchjob_job_actor_idx",
    job.c.created_by,
    sqlite_where=_IN_PROCESS,
    postgresql_where=_IN_PROCESS,
)
# Two, because one over both columns would take nobody for a creator like no other.
_KEYED = sa.text("idempotency_key IS NOT NULL AND created_by IS NOT NULL")
_KEYED_BY_NOBODY = sa.text("idempotency_key IS NOT NULL AND created_by IS NULL")
sa.Index(
    "batchjob_job_idempotency_idx",
    job.c.created_by,
    job.c.idempotency_key,
    unique=True,
    sqlite_where=_KEYED,
    postgresql_where=_KEYED,
)
sa.Index(
    "batchjob_job_idempotency_of_nobody_idx",
    job.c.idempotency_key,
    unique=True,
    sqlite_where=_KEYED_BY_NOBODY,
    postgresql_where=_KEYED_BY_NOBODY,
)
_OVER = sa.text("ended_at IS NOT NULL")
sa.Index(
    "batchjob_job_ended_idx",
    job.c.ended_at,
    job.c.id,
    sqlite_where=_OVER,
    postgresql_where=_OVER,
)
_CLAIMABLE_CHUNKS = sa.text(f"state IN {quoted(CLAIMABLE_STATES)}")
sa.Index(
    "batchjob_chunk_claim_idx",
    chunk.c.job_id,
    chunk.c.kind,
    chunk.c.not_before,
    chunk.c.seq,
    sqlite_where=_CLAIMABLE_CHUNKS,
    postgresql_where=_CLAIMABLE_CHUNKS,
)
_LEASED_CHUNKS = sa.text(LEASED)
sa.Index(
    "batchjob_chunk_leased_idx",
    chunk.c.job_id,
    chunk.c.kind,
    chunk.c.seq,
    sqlite_where=_LEASED_CHUNKS,
    postgresql_where=_LEASED_CHUNKS,
)
_OF_JOBS = sa.text("job_id IS NOT NULL")
sa.Index("batchjob_file_job_idx", file.c.job_id, sqlite_where=_OF_JOBS, postgresql_where=_OF_JOBS)
