"""Partial indexes of the tables: importing this module adds them to the metadata.

They stand apart because SQLAlchemy loads a dialect, slowly, for each option that it is given for
it; only what makes or compares tables needs them.
"""

import sqlalchemy as sa

from batchjob.stores.rules import TO_CLAIM
from batchjob.stores.tables import CLAIMABLE_STATES, ENDED, chunk, job, quoted

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
_CLAIMABLE_CHUNKS = sa.text(f"state IN {quoted(CLAIMABLE_STATES)}")
sa.Index(
    "batchjob_chunk_claim_idx",
    chunk.c.job_id,
    chunk.c.not_before,
    chunk.c.kind,
    chunk.c.seq,
    sqlite_where=_CLAIMABLE_CHUNKS,
    postgresql_where=_CLAIMABLE_CHUNKS,
)
