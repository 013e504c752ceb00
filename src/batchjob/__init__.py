"""The front door: the names that services and plugins import, and no logic."""

from batchjob.abc import (
    ChunkStore,
    Clock,
    Engine,
    FileStore,
    JobPage,
    JobQuery,
    JobStore,
    Run,
    Settings,
    Store,
    Strategy,
)
from batchjob.batchjobs import BatchJobs, BatchType
from batchjob.converters import job_from_json, job_to_json, json_key
from batchjob.core.chunks import Chunk, Part
from batchjob.core.events import Event
from batchjob.core.files import FileRecord, StoredFile
from batchjob.core.job import BatchJob
from batchjob.core.results import JobError, Outcomes, Result, StatDescriptor
from batchjob.core.status import MOVES, Status
from batchjob.errors import BatchJobError, Fault, InvalidContext, InvalidState, Refused
from batchjob.hookspecs import hookimpl
from batchjob.tabular import ExportStrategy

__all__ = [
    "MOVES",
    "BatchJob",
    "BatchJobError",
    "BatchJobs",
    "BatchType",
    "Chunk",
    "ChunkStore",
    "Clock",
    "Engine",
    "Event",
    "ExportStrategy",
    "Fault",
    "FileRecord",
    "FileStore",
    "InvalidContext",
    "InvalidState",
    "JobError",
    "JobPage",
    "JobQuery",
    "JobStore",
    "Outcomes",
    "Part",
    "Refused",
    "Result",
    "Run",
    "Settings",
    "StatDescriptor",
    "Status",
    "Store",
    "StoredFile",
    "Strategy",
    "hookimpl",
    "job_from_json",
    "job_to_json",
    "json_key",
]
