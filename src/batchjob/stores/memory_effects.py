"""What a done chunk changes in a store in memory; the lease has been looked at before."""

from collections.abc import Sequence
from datetime import datetime

import attrs

from batchjob.core.chunks import Chunk, ChunkKind, Finished, Part, Planned
from batchjob.core.results import Outcomes
from batchjob.core.status import sources
from batchjob.core.times import utc_ms
from batchjob.errors import InvalidState
from batchjob.stores import rules
from batchjob.stores.memory_jobs import job_row, moved
from batchjob.stores.memory_rows import ChunkRow, Rows


def keep(rows: Rows, lease: ChunkRow, done: Planned | Part | Finished, at: datetime) -> None:
    """Move the job on by what a chunk did; `InvalidState` if it has ended."""
    if isinstance(done, Part):
        _advance(rows, lease, done, at)
    elif isinstance(done, Planned):
        _plan(rows, lease, done, at)
    else:
        errors = rules.kept(done.errors) or None
        moved(rows, lease.job_id, "complete", at, file=done.file, errors=errors)


def stage(rows: Rows, plan: ChunkRow, chunks: Sequence[Chunk]) -> None:
    """Keep chunks of a plan, in place of what another attempt staged."""
    if plan.staged_by != plan.token:
        for row in rows.chunks_of(plan.job_id):
            if row.kind is ChunkKind.WORK:
                rows.drop_chunk(row)
    for chunk in chunks:
        rows.put_chunk(
            ChunkRow(
                job_id=plan.job_id,
                kind=ChunkKind.WORK,
                seq=chunk.seq,
                payload=rules.dumps(chunk.payload),
                weight=chunk.weight,
            )
        )


def _plan(rows: Rows, lease: ChunkRow, planned: Planned, at: datetime) -> None:
    stage(rows, lease, planned.chunks)
    weights = [row.weight for row in rows.chunks_of(lease.job_id) if row.kind is ChunkKind.WORK]
    row = moved(
        rows,
        lease.job_id,
        "pre_process",
        at,
        amended=rules.dumps(dict(planned.context)),
        stat_descriptors=planned.stat_descriptors,
        errors=rules.kept(planned.errors) or None,
        file=planned.file,
        total=len(weights),
        count=sum(weights),
    )
    if not row.job.dry_run:
        moved(rows, lease.job_id, "confirm", at)


def _advance(rows: Rows, lease: ChunkRow, part: Part, at: datetime) -> None:
    before = job_row(rows, lease.job_id)
    if before.job.status not in (allowed := sources("complete")):
        raise InvalidState(lease.job_id, "complete", before.job.status, allowed)
    outcomes = before.outcomes
    if part.outcomes is not None:
        outcomes = part.outcomes + (outcomes or Outcomes())
    after = attrs.evolve(
        before,
        job=attrs.evolve(before.job, updated_at=max(utc_ms(at), before.job.updated_at)),
        done=before.done + 1,
        advancement_count=before.advancement_count + lease.weight,
        outcomes=outcomes,
    )
    rows.put_job(after)
    if after.done == after.total:
        rows.put_chunk(ChunkRow(job_id=lease.job_id, kind=ChunkKind.FINISH, seq=0))
