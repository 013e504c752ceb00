"""The plugin `telemetry`, in processes of their own."""

import subprocess
import sys

WORK = """
import sys
from batchjob import BatchJobs
from support import Lines, Offering
{before}
with BatchJobs.open("memory:", plugins={{"lines": Offering(Lines())}}) as jobs:
    jobs.work(jobs.create("lines").id)
{after}
"""
SET_UP = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
"""
LOADED = "print(sum(name.partition('.')[0] == 'opentelemetry' for name in sys.modules))"
SPANS = "print(len(exporter.get_finished_spans()))"


def printed(before: str, after: str) -> str:
    """Return what a process prints that does a job."""
    code = WORK.format(before=before, after=after)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd="tests").stdout


def test_a_process_without_opentelemetry_does_not_load_it() -> None:
    """Nothing of it is imported where the host has not done so, though it is installed."""
    assert printed("", LOADED) == "0\n"


def test_a_host_that_has_set_it_up_gets_spans() -> None:
    """The plan, three chunks and the finish of a job go to the host's own provider."""
    assert printed(SET_UP, SPANS) == "5\n"
