"""The spans and counters themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Status as SpanStatus
from opentelemetry.trace import StatusCode, TracerProvider

from batchjob.core.chunks import ChunkKind, Lease
from batchjob.core.events import Event
from batchjob.core.job import BatchJob
from batchjob.core.results import OUTCOMES
from batchjob.core.status import OPEN
from batchjob.errors import LeaseLost, Paused
from batchjob.hookspecs import hookimpl

_NAME = "batchjob"


class Telemetry:
    """A plugin that tells OpenTelemetry of attempts.

    The providers are OpenTelemetry's global ones unless others are given. Spans are named
    ``batchjob plan``, ``batchjob work`` and ``batchjob finish``. Counters: ``batchjob.chunks`` (by
    type, kind and how the attempt ended) and ``batchjob.refusals`` (completions that came too late,
    by type and kind). ``batchjob.queue.age`` is how many seconds jobs waited for a worker.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._chunks = meter.create_counter("batchjob.chunks", "{chunk}", "Attempts at chunks")
        self._refusals = meter.create_counter(
            "batchjob.refusals", "{chunk}", "Completions that came too late"
        )
        self._age = meter.create_histogram("batchjob.queue.age", "s", "Wait for the first worker")

    @hookimpl
    @contextmanager
    def batchjob_watch_attempt(self, job: BatchJob, lease: Lease) -> Iterator[None]:
        """Make a span of an attempt, and count it."""
        if lease.kind is ChunkKind.PLAN and lease.attempt == 1:
            waited = (datetime.now(UTC) - job.created_at).total_seconds()
            self._age.record(max(0.0, waited), {"type": job.batch_type})
        kind: dict[str, Any] = {"type": job.batch_type, "kind": lease.kind.value}
        name, given = f"batchjob {lease.kind}", _attributes(job, lease)
        with self._tracer.start_as_current_span(
            name, attributes=given, set_status_on_exception=False
        ) as span:
            try:
                yield
            except LeaseLost:
                self._refusals.add(1, kind)
                raise
            except Paused:
                self._chunks.add(1, {**kind, "end": "paused"})
                raise
            except BaseException as error:
                span.set_status(SpanStatus(StatusCode.ERROR, type(error).__name__))
                self._chunks.add(1, {**kind, "end": "failed"})
                raise
            self._chunks.add(1, {**kind, "end": "done"})


class JobCounts:
    """A plugin that counts jobs that ended, and their rows, whichever process did them.

    ``batchjob.jobs`` by type and status, ``batchjob.rows`` by type and outcome. It hears of each
    transition, which costs every change of a job a look at the event table: so it is not there
    unless it is given to a `BatchJobs`, and one process is enough.
    """

    def __init__(self, *, meter_provider: MeterProvider | None = None) -> None:
        meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._jobs = meter.create_counter("batchjob.jobs", "{job}", "Jobs that ended")
        self._rows = meter.create_counter("batchjob.rows", "{row}", "Rows of jobs that ended")

    @hookimpl
    def batchjob_job_changed(self, event: Event, job: BatchJob) -> None:
        """Count a job that has ended, and its rows if it completed."""
        if event.to_status in OPEN:
            return
        of_type = {"type": job.batch_type}
        self._jobs.add(1, {**of_type, "status": event.to_status.value})
        outcomes = None if job.result is None else job.result.outcomes
        if outcomes is not None:
            for name in OUTCOMES:
                if number := getattr(outcomes, name):
                    self._rows.add(number, {**of_type, "outcome": name})


def _attributes(job: BatchJob, lease: Lease) -> dict[str, Any]:
    return {
        "batchjob.job.id": job.id,
        "batchjob.type": job.batch_type,
        "batchjob.chunk.kind": lease.kind.value,
        "batchjob.chunk.seq": lease.seq,
        "batchjob.chunk.attempt": lease.attempt,
    }
