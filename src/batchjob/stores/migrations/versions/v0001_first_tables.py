"""The first tables: jobs, their chunks and events, listeners, files, and tokens of the API."""

import sqlalchemy as sa
from alembic import op

from batchjob.stores.columns import BigId, JsonText, UtcTime

revision = "batchjob_0001"
down_revision = None

CLAIMABLE_JOBS = sa.text("status IN ('created', 'confirmed', 'processing')")
UNTIDY = sa.text("status IN ('completed', 'canceled', 'failed') AND tidied_at IS NULL")
PROCESSING = sa.text("status = 'processing'")
KEYED = sa.text("idempotency_key IS NOT NULL AND created_by IS NOT NULL")
KEYED_BY_NOBODY = sa.text("idempotency_key IS NOT NULL AND created_by IS NULL")
OVER = sa.text("ended_at IS NOT NULL")
CLAIMABLE_CHUNKS = sa.text("state IN ('ready', 'leased')")
LEASED_CHUNKS = sa.text("state = 'leased'")
OF_JOBS = sa.text("job_id IS NOT NULL")


def upgrade() -> None:
    """Make the tables."""
    _job()
    _job_indexes()
    _chunk()
    _event()
    _listener()
    _file()
    _token()


def _job() -> None:
    op.create_table(
        "batchjob_job",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("batch_type", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("context", JsonText(), nullable=False),
        sa.Column("amended", JsonText()),
        sa.Column("context_version", sa.Integer(), nullable=False),
        sa.Column("strategy_version", sa.Text()),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("count", sa.BigInteger()),
        sa.Column("advancement_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_created", sa.BigInteger()),
        sa.Column("rows_updated", sa.BigInteger()),
        sa.Column("rows_unchanged", sa.BigInteger()),
        sa.Column("rows_skipped", sa.BigInteger()),
        sa.Column("rows_failed", sa.BigInteger()),
        sa.Column("stat_descriptors", JsonText()),
        sa.Column("errors", JsonText()),
        sa.Column("error_count", sa.BigInteger()),
        sa.Column("file_key", sa.Text()),
        sa.Column("file_size", sa.BigInteger()),
        sa.Column("file_sha256", sa.Text()),
        sa.Column("file_name", sa.Text()),
        sa.Column("input_key", sa.Text()),
        sa.Column("input_size", sa.BigInteger()),
        sa.Column("input_sha256", sa.Text()),
        sa.Column("idempotency_key", sa.Text()),
        sa.Column("request_hash", sa.Text()),
        sa.Column("exclusive_key", sa.Text()),
        sa.Column("retry_of", sa.Text()),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("pre_processed_at", UtcTime()),
        sa.Column("confirmed_at", UtcTime()),
        sa.Column("processing_at", UtcTime()),
        sa.Column("completed_at", UtcTime()),
        sa.Column("canceled_at", UtcTime()),
        sa.Column("failed_at", UtcTime()),
        sa.Column("ended_at", UtcTime()),
        sa.Column("paused_at", UtcTime()),
        sa.Column("paused_s", sa.Double(), server_default="0", nullable=False),
        sa.Column("served_at", UtcTime()),
        sa.Column("tidied_at", UtcTime()),
        sa.Column("deleted_at", UtcTime()),
        sa.CheckConstraint(
            "status IN ('created', 'pre_processed', 'confirmed', 'processing',"
            " 'completed', 'canceled', 'failed')",
            name=op.f("batchjob_job_status_check"),
        ),
        sa.CheckConstraint("0 <= done AND done <= total", name=op.f("batchjob_job_done_check")),
        sa.CheckConstraint(
            "advancement_count >= 0 AND (count IS NULL OR advancement_count <= count)",
            name=op.f("batchjob_job_advancement_count_check"),
        ),
        sa.PrimaryKeyConstraint("id", name="batchjob_job_pkey"),
    )


def _job_indexes() -> None:
    op.create_index("batchjob_job_created_at_id_idx", "batchjob_job", ["created_at", "id"])
    op.create_index(
        "batchjob_job_created_by_created_at_id_idx",
        "batchjob_job",
        ["created_by", "created_at", "id"],
    )
    _partial("batchjob_job_claim_idx", "batchjob_job", ["id"], CLAIMABLE_JOBS, unique=True)
    _partial("batchjob_job_untidy_idx", "batchjob_job", ["id"], UNTIDY)
    _partial(
        "batchjob_job_exclusive_idx", "batchjob_job", ["exclusive_key"], PROCESSING, unique=True
    )
    _partial("batchjob_job_actor_idx", "batchjob_job", ["created_by"], PROCESSING)
    _partial(
        "batchjob_job_idempotency_idx",
        "batchjob_job",
        ["created_by", "idempotency_key"],
        KEYED,
        unique=True,
    )
    _partial(
        "batchjob_job_idempotency_of_nobody_idx",
        "batchjob_job",
        ["idempotency_key"],
        KEYED_BY_NOBODY,
        unique=True,
    )
    _partial("batchjob_job_ended_idx", "batchjob_job", ["ended_at", "id"], OVER)


def _partial(
    name: str, table: str, columns: list[str], where: sa.TextClause, *, unique: bool = False
) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _chunk() -> None:
    op.create_table(
        "batchjob_chunk",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="ready", nullable=False),
        sa.Column("token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), server_default="5", nullable=False),
        sa.Column("worker", sa.Text()),
        sa.Column("lease_until", sa.Double()),
        sa.Column("lease_s", sa.Double()),
        sa.Column("not_before", sa.Double(), server_default="0", nullable=False),
        sa.Column("payload", JsonText()),
        sa.Column("weight", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("staged_by", sa.BigInteger()),
        sa.Column("result", JsonText()),
        sa.Column("error", JsonText()),
        sa.CheckConstraint(
            "kind IN ('plan', 'work', 'finish')", name=op.f("batchjob_chunk_kind_check")
        ),
        sa.CheckConstraint(
            "state IN ('ready', 'leased', 'done', 'dead', 'void')",
            name=op.f("batchjob_chunk_state_check"),
        ),
        sa.CheckConstraint(
            "0 <= attempts AND attempts <= max_attempts", name=op.f("batchjob_chunk_attempts_check")
        ),
        sa.CheckConstraint("seq >= 0", name=op.f("batchjob_chunk_seq_check")),
        sa.CheckConstraint("weight >= 0", name=op.f("batchjob_chunk_weight_check")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["batchjob_job.id"], name="batchjob_chunk_job_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "kind", "seq", name="batchjob_chunk_pkey"),
    )
    _partial(
        "batchjob_chunk_claim_idx",
        "batchjob_chunk",
        ["job_id", "kind", "not_before", "seq"],
        CLAIMABLE_CHUNKS,
    )
    _partial(
        "batchjob_chunk_leased_idx", "batchjob_chunk", ["job_id", "kind", "seq"], LEASED_CHUNKS
    )


def _event() -> None:
    op.create_table(
        "batchjob_event",
        sa.Column("position", BigId, nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor", sa.Text()),
        sa.Column("from_status", sa.Text()),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("stored_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["batchjob_job.id"], name="batchjob_event_job_id_fkey", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("position", name="batchjob_event_pkey"),
        sa.UniqueConstraint("job_id", "n", name="batchjob_event_job_id_n_key"),
        sqlite_autoincrement=True,
    )


def _listener() -> None:
    op.create_table(
        "batchjob_listener",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.Text()),
        sa.Column("held_until", sa.Double()),
        sa.Column("held_s", sa.Double()),
        sa.PrimaryKeyConstraint("name", name="batchjob_listener_pkey"),
    )


def _file() -> None:
    op.create_table(
        "batchjob_file",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("job_id", sa.Text()),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("deleted_at", UtcTime()),
        sa.PrimaryKeyConstraint("key", name="batchjob_file_pkey"),
    )
    op.create_index("batchjob_file_owner_created_at_idx", "batchjob_file", ["owner", "created_at"])
    _partial("batchjob_file_job_idx", "batchjob_file", ["job_id"], OF_JOBS)


def _token() -> None:
    op.create_table(
        "batchjob_token",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text()),
        sa.Column("scopes", JsonText()),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime()),
        sa.Column("revoked_at", UtcTime()),
        sa.Column("last_used_at", UtcTime()),
        sa.PrimaryKeyConstraint("id", name="batchjob_token_pkey"),
        sa.UniqueConstraint("hash", name="batchjob_token_hash_key"),
    )
