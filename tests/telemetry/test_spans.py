"""Spans and counters, as a real SDK of OpenTelemetry takes them."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from batchjob import BatchJobs, Chunk, Outcomes, Run
from batchjob.errors import LeaseLost
from batchjob.telemetry.spans import JobCounts, Telemetry
from support import Lines, LinesContext, Offering


class Failing(Lines):
    """Fails its first attempts, or loses its lease."""

    batch_type = "failing"
    left = 1

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Fail as often as was set."""
        if self.left:
            self.left -= 1
            if run.context.word == "lost":
                raise LeaseLost(run.job_id, "work", chunk.seq, run.fence)
            raise ValueError("secret")
        return super().work(run, chunk)


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Where spans go."""
    return InMemorySpanExporter()


@pytest.fixture
def reader() -> InMemoryMetricReader:
    """Where counts go."""
    return InMemoryMetricReader()


@pytest.fixture
def jobs(exporter: InMemorySpanExporter, reader: InMemoryMetricReader) -> Iterator[BatchJobs]:
    """Jobs that tell a real SDK."""
    tracers, meters = TracerProvider(), MeterProvider(metric_readers=[reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    plugins = {
        "lines": Offering(Lines(), Failing()),
        "mine": Telemetry(tracer_provider=tracers, meter_provider=meters),
        "counts": JobCounts(meter_provider=meters),
    }
    with BatchJobs.open("memory:", plugins=plugins, disable=["telemetry"]) as opened:
        yield opened


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """Return what a span says."""
    return dict(span.attributes or {})


def counts(reader: InMemoryMetricReader) -> dict[str, dict[str, Any]]:
    """Return the points of each metric, by the values of their attributes."""
    data = reader.get_metrics_data()
    assert data is not None
    found: dict[str, dict[str, Any]] = {}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        points: Any = metric.data.data_points
        found[metric.name] = {
            " ".join(str(value) for _, value in sorted(point.attributes.items())): point
            for point in points
        }
    return found


def test_nobody_hears_of_jobs_who_was_not_asked_to() -> None:
    """The plugin that comes along is no listener: each would cost every change of a job."""
    with BatchJobs.open("memory:") as jobs:
        assert "telemetry" in jobs.plugins.names
        assert jobs.plugins.listeners == ()


def test_each_attempt_is_a_span(jobs: BatchJobs, exporter: InMemorySpanExporter) -> None:
    """The plan, each chunk and the finish are spans that name job, type, chunk and attempt."""
    job = jobs.work(jobs.create("lines", {"lines": 2}).id)
    spans = exporter.get_finished_spans()
    names = [span.name for span in spans]
    assert names == ["batchjob plan", "batchjob work", "batchjob work", "batchjob finish"]
    assert attributes(spans[2]) == {
        "batchjob.job.id": job.id,
        "batchjob.type": "lines",
        "batchjob.chunk.kind": "work",
        "batchjob.chunk.seq": 1,
        "batchjob.chunk.attempt": 1,
    }
    assert all(span.status.is_ok for span in spans)


def test_a_failed_attempt_is_a_span_with_its_error(
    jobs: BatchJobs, exporter: InMemorySpanExporter
) -> None:
    """The span of an attempt that raised has the exception, and the next one has its number."""
    jobs.work(jobs.create("failing", {"lines": 1}).id)
    works = [span for span in exporter.get_finished_spans() if span.name == "batchjob work"]
    assert [span.status.is_ok for span in works] == [False, True]
    assert works[0].status.description == "ValueError"
    assert works[0].events[0].name == "exception"
    assert attributes(works[1])["batchjob.chunk.attempt"] == 2


def test_jobs_attempts_and_rows_are_counted(jobs: BatchJobs, reader: InMemoryMetricReader) -> None:
    """Counters go by type, status, kind, end and outcome; a wait is measured for each job."""
    jobs.work(jobs.create("failing", {"lines": 3}).id)
    jobs.cancel(jobs.create("lines").id)
    found = counts(reader)
    values = {
        name: {k: getattr(p, "value", None) for k, p in found[name].items()} for name in found
    }
    assert values["batchjob.jobs"] == {"completed failing": 1, "canceled lines": 1}
    assert values["batchjob.chunks"] == {
        "done plan failing": 1,
        "failed work failing": 1,
        "done work failing": 3,
        "done finish failing": 1,
    }
    assert values["batchjob.rows"] == {"created failing": 3}
    assert found["batchjob.queue.age"]["failing"].count == 1


def test_completions_that_come_too_late_are_counted(
    jobs: BatchJobs, reader: InMemoryMetricReader
) -> None:
    """A lost lease is a refusal, and no failed attempt."""
    job = jobs.create("failing", {"lines": 1, "word": "lost"})
    worker = jobs.worker()
    assert worker.step(job.id) == "plan"
    assert worker.step(job.id) == "work"
    found = counts(reader)
    assert found["batchjob.refusals"]["work failing"].value == 1
    assert set(found["batchjob.chunks"]) == {"done plan failing"}
