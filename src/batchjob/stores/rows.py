"""Rows of the tables as the core's values, and back. No statement belongs here."""

from collections.abc import Mapping
from typing import Any

import attrs
import sqlalchemy as sa

from batchjob.core.chunks import ChunkKind, Lease, Part
from batchjob.core.events import Event
from batchjob.core.files import FileRecord, StoredFile, job_of
from batchjob.core.job import BatchJob, Terms
from batchjob.core.results import OUTCOMES, JobError, Outcomes, StatDescriptor
from batchjob.core.status import STAMPS, Status
from batchjob.core.tokens import KeptToken, Token
from batchjob.stores import rules

_SAME = ("id", "batch_type", "created_by", "dry_run", "created_at", "updated_at")
_KEPT = (*_SAME, *STAMPS.values(), "deleted_at")


def of_job(job: BatchJob, terms: Terms) -> dict[str, Any]:
    """Return the row of a new job."""
    row = {name: getattr(job, name) for name in _KEPT} | attrs.asdict(terms)
    return row | {"status": job.status.value, "context": job.context}


def job(row: sa.RowMapping) -> BatchJob:
    """Return the job of a row, with its result as far as it is known."""
    result = rules.result(
        stat_descriptors=stat_descriptors(row["stat_descriptors"]),
        errors=errors(row["errors"]),
        count=row["count"],
        advancement_count=row["advancement_count"],
        outcomes=_outcomes(row),
        completed=row["completed_at"] is not None,
        file=_file(row),
    )
    kept = {name: row[name] for name in _KEPT}
    context = {**row["context"], **(row["amended"] or {})}
    return BatchJob(**kept, status=Status(row["status"]), context=context, result=result)


def terms(row: sa.RowMapping) -> Terms:
    """Return what the job of a row was made with."""
    return Terms(**{field.name: row[field.name] for field in attrs.fields(Terms)})


def _outcomes(row: sa.RowMapping) -> Outcomes | None:
    counts = {name: row[f"rows_{name}"] for name in OUTCOMES}
    return None if None in counts.values() else Outcomes(**counts)


def _file(row: sa.RowMapping) -> StoredFile | None:
    if row["file_key"] is None:
        return None
    return StoredFile(key=row["file_key"], size=row["file_size"], sha256=row["file_sha256"])


def stat_descriptors(found: list[dict[str, str]] | None) -> tuple[StatDescriptor, ...] | None:
    """Return stat descriptors from their JSON."""
    return None if found is None else tuple(StatDescriptor(**each) for each in found)


def errors(found: list[dict[str, Any]] | None) -> tuple[JobError, ...] | None:
    """Return errors from their JSON."""
    if found is None:
        return None
    return tuple(JobError(**{**each, "err": tuple(each["err"])}) for each in found)


def listed(values: tuple[StatDescriptor, ...] | tuple[JobError, ...]) -> list[dict[str, Any]]:
    """Return stat descriptors or errors as JSON."""
    return [attrs.asdict(value) for value in values]


def event(row: sa.RowMapping) -> Event:
    """Return the event of a row."""
    before = row["from_status"]
    return Event(
        job_id=row["job_id"],
        n=row["n"],
        at=row["at"],
        actor=row["actor"],
        from_status=None if before is None else Status(before),
        to_status=Status(row["to_status"]),
        reason=row["reason"],
        position=row["position"],
    )


def of_record(record: FileRecord) -> dict[str, Any]:
    """Return the row of a file."""
    return {
        **attrs.asdict(record.file),
        "job_id": job_of(record.file.key),
        "name": record.name,
        "owner": record.owner,
        "created_at": record.created_at,
    }


def record(row: sa.RowMapping) -> FileRecord:
    """Return what a row says of a file."""
    return FileRecord(
        file=StoredFile(key=row["key"], size=row["size"], sha256=row["sha256"]),
        name=row["name"],
        owner=row["owner"],
        created_at=row["created_at"],
    )


def record_of_result(row: sa.RowMapping) -> FileRecord:
    """Return what a job's row says of the file that it made."""
    return FileRecord(
        file=StoredFile(key=row["file_key"], size=row["file_size"], sha256=row["file_sha256"]),
        name=rules.file_name(row["file_key"]),
        owner=row["created_by"],
        created_at=row["ended_at"] or row["updated_at"],
    )


def of_token(kept: KeptToken) -> dict[str, Any]:
    """Return the row of a token."""
    return {**attrs.asdict(kept.token), "hash": kept.sha256}


def token(row: sa.RowMapping | Mapping[str, Any]) -> Token:
    """Return the token of a row."""
    return Token(**{field.name: row[field.name] for field in attrs.fields(Token)})


def lease(row: sa.Row[Any], *, worker: str, seconds: float) -> Lease:
    """Return the lease that a claim's row grants."""
    return Lease(
        job_id=row.job_id,
        kind=ChunkKind(row.kind),
        seq=row.seq,
        token=row.token,
        attempt=row.attempts,
        max_attempts=row.max_attempts,
        seconds=seconds,
        worker=worker,
        payload=row.payload,
        weight=row.weight,
    )


def of_part(part: Part) -> dict[str, Any]:
    """Return the JSON that a done chunk's row keeps."""
    return {
        "file": None if part.file is None else attrs.asdict(part.file),
        "outcomes": None if part.outcomes is None else attrs.asdict(part.outcomes),
    }


def part(seq: int, found: Mapping[str, Any]) -> Part:
    """Return what a done chunk left, from its row's JSON."""
    file, outcomes = found["file"], found["outcomes"]
    return Part(
        seq=seq,
        file=None if file is None else StoredFile(**file),
        outcomes=None if outcomes is None else Outcomes(**outcomes),
    )
