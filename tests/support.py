"""What tests share: Hypothesis strategies for jobs and JSON, and strategies."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

import attrs
from hypothesis import strategies as st

from batchjob import Chunk, Outcomes, Part, Run, Settings, Strategy, hookimpl
from batchjob.core.ids import job_id
from batchjob.core.job import BatchJob
from batchjob.core.results import JobError, Result, StatDescriptor
from batchjob.core.status import Status

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def new_job(**changes: Any) -> BatchJob:
    """Return a job that was just created, with *changes*."""
    given: dict[str, Any] = {
        "id": job_id(1_704_110_400_000, 7),
        "batch_type": "lines",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return BatchJob(**(given | changes))


@attrs.frozen(kw_only=True)
class LinesContext:
    """How many lines, how many in a chunk, and the first word of each."""

    lines: int = 3
    page: int = 1
    word: str = "line"


class Lines(Strategy[LinesContext]):
    """Writes lines of text: the smallest strategy that uses every phase."""

    batch_type: ClassVar[str] = "lines"

    def plan(self, run: Run[LinesContext]) -> Iterable[Chunk]:
        """Yield a chunk for each page of lines."""
        total, page = run.context.lines, run.context.page
        for first in range(0, total, page):
            last = min(first + page, total)
            yield Chunk({"first": first, "last": last}, weight=last - first)
        run.describe("lines-count", "Lines to write", f"There will be {total} lines written")

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Write one page."""
        numbers: Any = chunk.payload
        with run.part() as file:
            for number in range(numbers["first"], numbers["last"]):
                file.write(f"{run.context.word} {number}\n")
        return Outcomes(created=numbers["last"] - numbers["first"])

    def finish(self, run: Run[LinesContext], parts: Iterable[Part]) -> None:
        """Join the pages."""
        with run.output("lines.txt") as file:
            run.join(parts, file)


class Offering:
    """A plugin that offers the strategies it is made with, and remembers what it hears."""

    def __init__(self, *strategies: Any) -> None:
        self.strategies = strategies
        self.heard: list[tuple[int, str | None, str]] = []

    @hookimpl
    def batchjob_strategies(self, settings: Settings) -> list[Any]:
        """Offer them."""
        return list(self.strategies)


class Listening(Offering):
    """A plugin that hears of changes, too."""

    @hookimpl
    def batchjob_job_changed(self, event: Any, job: Any) -> None:
        """Remember it."""
        self.heard.append((event.n, event.from_status, event.to_status))


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
json_objects = st.dictionaries(texts, json_values, max_size=4)
times = st.datetimes(
    datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)  # noqa: DTZ001
)  # fmt: skip
counts = st.none() | st.integers(0, 10**9)
stat_descriptors = st.builds(StatDescriptor, key=texts, name=texts, message=texts)
job_errors = st.builds(
    JobError,
    code=texts,
    message=texts,
    row=counts,
    column=st.none() | texts,
    params=st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts, max_size=2),
)
results = st.builds(
    Result,
    stat_descriptors=st.lists(stat_descriptors, max_size=2).map(tuple),
    errors=st.lists(job_errors, max_size=2).map(tuple),
    count=counts,
    advancement_count=counts,
    progress=st.none() | st.floats(0, 1),
    file_key=st.none() | texts,
    file_size=counts,
    outcomes=st.none() | st.builds(Outcomes, created=st.integers(0, 99), failed=st.integers(0, 9)),
)
jobs = st.builds(
    BatchJob,
    id=st.builds(job_id, st.integers(0, 2**48 - 1), st.integers(0, 2**80 - 1)),
    batch_type=texts,
    status=st.sampled_from(Status),
    created_by=st.none() | texts,
    context=json_objects,
    dry_run=st.booleans(),
    result=st.none() | results,
    created_at=times,
    updated_at=times,
    pre_processed_at=st.none() | times,
    confirmed_at=st.none() | times,
    processing_at=st.none() | times,
    completed_at=st.none() | times,
    canceled_at=st.none() | times,
    failed_at=st.none() | times,
    deleted_at=st.none() | times,
)
