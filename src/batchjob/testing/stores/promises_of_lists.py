"""What every store promises of lists of jobs."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

import attrs
import pytest

from batchjob.abc import ORDERS, Cursor, JobQuery, Store, TimeRange
from batchjob.core.job import BatchJob
from batchjob.core.status import Status
from batchjob.testing.stores.making import NOON, a_job, after, created, finished, planned

MS = timedelta(milliseconds=1)


def ids(jobs: Sequence[BatchJob]) -> list[str]:
    """Return the ids of jobs."""
    return [job.id for job in jobs]


def listed(store: Store, **query: Any) -> list[str]:
    """Return the ids of the jobs that match, which is as many as the page says."""
    page = store.list(JobQuery(**query, limit=100))
    assert page.count == len(page.jobs)
    return ids(page.jobs)


def pages(store: Store, query: JobQuery) -> Iterator[tuple[BatchJob, ...]]:
    """Yield the pages of a list, each behind the last job of the one before."""
    while jobs := store.list(query).jobs:
        yield jobs
        at = getattr(jobs[-1], query.order.removeprefix("-"))
        query = attrs.evolve(query, after=Cursor(at=at, id=jobs[-1].id))


class PromisesOfLists:
    """The port `JobStore`, as far as it is about `list`."""

    def test_jobs_are_listed_newest_first(self, store: Store) -> None:
        """A list has the newest job first, of equally old ones that with the greater id."""
        old, new, also_new = (created(store, at=after(s)) for s in (0, 1, 1))
        page = store.list(JobQuery())
        assert ids(page.jobs) == [also_new.id, new.id, old.id]
        assert page.jobs[2] == store.get(old.id)

    def test_a_page_is_part_of_the_list(self, store: Store) -> None:
        """A page has as many jobs as were asked for, from where, and says how many match."""
        jobs = [created(store, at=after(second)) for second in range(5)]
        page = store.list(JobQuery(limit=2, offset=1))
        assert ids(page.jobs) == [jobs[3].id, jobs[2].id]
        assert page.count == 5
        assert store.list(JobQuery(offset=9)).jobs == ()

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            (JobQuery(batch_types=("import",)), [1]),
            (JobQuery(batch_types=("import", "export")), [2, 1, 0]),
            (JobQuery(statuses=(Status.CANCELED,)), [2]),
            (JobQuery(statuses=(Status.CREATED, Status.CANCELED)), [2, 1, 0]),
            (JobQuery(created_by="usr_2"), [2]),
            (JobQuery(created_by="usr_2", batch_types=("import",)), []),
            (JobQuery(created_by="usr_2", shared_types=("import",)), [2, 1]),
            (JobQuery(created_by="usr_9", shared_types=("import", "export")), [2, 1, 0]),
            (JobQuery(created_by="usr_2", hidden_types=("export",)), []),
            (JobQuery(hidden_types=("export",)), [1]),
        ],
    )
    def test_a_list_has_what_was_asked_for(
        self, store: Store, query: JobQuery, expected: list[int]
    ) -> None:
        """A list can be restricted by type, status and creator, and counts what then matches."""
        jobs = [
            created(store, at=after(0)),
            created(store, at=after(1), batch_type="import"),
            created(store, at=after(2), created_by="usr_2"),
        ]
        store.move(jobs[2].id, "cancel", at=NOON, actor=None)
        page = store.list(query)
        assert ids(page.jobs) == [jobs[index].id for index in expected]
        assert page.count == len(expected)

    def test_jobs_are_listed_by_id(self, store: Store) -> None:
        """Of ids that are asked for those are listed that there are, in the list's order."""
        first, second, _ = (created(store, at=after(second)) for second in range(3))
        asked = (first.id, a_job().id, second.id, first.id)
        assert listed(store, ids=asked) == [second.id, first.id]
        assert listed(store, ids=(first.id,), batch_types=("import",)) == []

    @pytest.mark.parametrize("order", ORDERS)
    def test_a_list_has_the_order_that_was_asked_for(self, store: Store, order: str) -> None:
        """A list is by creation or by the last change, either way, and equal times go by id."""
        jobs = [created(store, at=after(second)) for second in (0, 1, 1, 2)]
        store.move(jobs[0].id, "cancel", at=after(9), actor=None)
        rising = [jobs[n].id for n in ((0, 1, 2, 3) if "created_at" in order else (1, 2, 3, 0))]
        assert listed(store, order=order) == (rising[::-1] if order[0] == "-" else rising)

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("only", [{}, {"created_by": "usr_2"}, {"statuses": (Status.CREATED,)}])
    def test_cursors_lead_through_a_list(self, store: Store, order: str, only: Any) -> None:
        """Pages behind cursors have each job of the list once, in order, equal times or not."""
        for number in range(9):
            creator = "usr_2" if number % 3 else "usr_1"
            job = created(store, at=after(number // 4), created_by=creator)
            if number % 2:
                store.move(job.id, "cancel", at=after(9 - number // 4), actor=None)
        walked = [ids(page) for page in pages(store, JobQuery(order=order, limit=2, **only))]
        assert list(chain.from_iterable(walked)) == listed(store, order=order, **only)
        assert {len(page) for page in walked[:-1]} == {2}

    def test_a_page_behind_a_cursor_counts_the_whole_list(self, store: Store) -> None:
        """How many match does not depend on the page, and an offset counts from the cursor."""
        jobs = [created(store, at=after(second)) for second in range(5)]
        cursor = Cursor(at=jobs[3].created_at, id=jobs[3].id)
        page = store.list(JobQuery(after=cursor, offset=1, limit=1))
        assert (ids(page.jobs), page.count) == ([jobs[1].id], 5)

    def test_a_cursor_outlives_its_job(self, store: Store) -> None:
        """A list goes on from where a job was, also when that is forgotten."""
        jobs = [created(store, at=after(second)) for second in range(3)]
        cursor = Cursor(at=jobs[1].created_at, id=jobs[1].id)
        store.move(jobs[1].id, "cancel", at=NOON, actor=None)
        store.purge([jobs[1].id])
        assert ids(store.list(JobQuery(after=cursor)).jobs) == [jobs[0].id]

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (TimeRange(gt=after(1)), [2]),
            (TimeRange(gte=after(1)), [2, 1]),
            (TimeRange(lt=after(1)), [0]),
            (TimeRange(lte=after(1)), [1, 0]),
            (TimeRange(gt=NOON, lt=after(2)), [1]),
            (TimeRange(gt=after(2), lt=NOON), []),
            (TimeRange(gt=after(1) - MS / 2), [2, 1]),
            (TimeRange(gte=after(1) + MS / 2), [2]),
            (TimeRange(lt=after(1) + MS / 2), [1, 0]),
            (TimeRange(lte=after(1) - MS / 2), [0]),
            (TimeRange(), [2, 1, 0]),
            (TimeRange(null=True), []),
        ],
    )
    def test_a_list_can_be_of_a_time(
        self, store: Store, wanted: TimeRange, expected: list[int]
    ) -> None:
        """A list can be restricted to times above and below bounds, to the millisecond."""
        jobs = [created(store, at=after(second)) for second in range(3)]
        assert listed(store, times={"created_at": wanted}) == [jobs[n].id for n in expected]

    def test_a_time_that_there_is_not_is_null(self, store: Store) -> None:
        """A job that was never confirmed has no such time: it is within no bounds, but null."""
        new, confirmed, done = created(store), planned(store), finished(store)
        assert listed(store, times={"confirmed_at": TimeRange(null=True)}) == [new.id]
        late = TimeRange(lte=after(9))
        assert listed(store, times={"confirmed_at": late}) == [done.id, confirmed.id]
        unfinished = {"confirmed_at": late, "completed_at": TimeRange(null=True)}
        assert listed(store, times=unfinished) == [confirmed.id]
        assert listed(store, times={"completed_at": TimeRange(null=True, lte=after(9))}) == []

    @pytest.mark.parametrize("text", ["a\0b", "\ud800", "'; drop"])
    def test_what_no_job_can_have_matches_none(self, store: Store, text: str) -> None:
        """Texts that databases do not take are no error where a list is restricted by them."""
        created(store)
        for query in ({"ids": (text,)}, {"batch_types": (text,)}, {"created_by": text}):
            assert listed(store, **query) == []
