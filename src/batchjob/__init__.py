"""The front door: the names that services and plugins import, and no logic."""

from batchjob.abc import (
    ChunkStore,
    Clock,
    Cursor,
    Engine,
    EventStore,
    FileStore,
    JobPage,
    JobQuery,
    JobStore,
    Limits,
    Pool,
    Run,
    Settings,
    Store,
    Strategy,
    TimeRange,
    TokenStore,
    Works,
)
from batchjob.batchjobs import BatchJobs, BatchType
from batchjob.converters.contexts import json_key
from batchjob.converters.jobs import job_from_json, job_to_json
from batchjob.core.changes import Change, ChangePage, Outcome
from batchjob.core.chunks import Chunk, Part
from batchjob.core.events import Event
from batchjob.core.files import FileRecord, StoredFile, check_key
from batchjob.core.job import BatchJob, Terms
from batchjob.core.results import JobError, Outcomes, Result, StatDescriptor
from batchjob.core.standing import Standing, Wait
from batchjob.core.status import MOVES, Status
from batchjob.core.tokens import Token
from batchjob.errors import BatchJobError, Fault, InvalidContext, InvalidState, Refused
from batchjob.hookspecs import hookimpl
from batchjob.tabular.export import ExportStrategy
from batchjob.tabular.imports import ImportContext, ImportStrategy
from batchjob.tabular.planning import Row
from batchjob.tabular.rows import column

__all__ = [
    "MOVES",
    "BatchJob",
    "BatchJobError",
    "BatchJobs",
    "BatchType",
    "Change",
    "ChangePage",
    "Chunk",
    "ChunkStore",
    "Clock",
    "Cursor",
    "Engine",
    "Event",
    "EventStore",
    "ExportStrategy",
    "Fault",
    "FileRecord",
    "FileStore",
    "ImportContext",
    "ImportStrategy",
    "InvalidContext",
    "InvalidState",
    "JobError",
    "JobPage",
    "JobQuery",
    "JobStore",
    "Limits",
    "Outcome",
    "Outcomes",
    "Part",
    "Pool",
    "Refused",
    "Result",
    "Row",
    "Run",
    "Settings",
    "Standing",
    "StatDescriptor",
    "Status",
    "Store",
    "StoredFile",
    "Strategy",
    "Terms",
    "TimeRange",
    "Token",
    "TokenStore",
    "Wait",
    "Works",
    "check_key",
    "column",
    "hookimpl",
    "job_from_json",
    "job_to_json",
    "json_key",
]
