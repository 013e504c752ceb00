import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from batchjob.abc import ORDERS, TIMES, Cursor, JobQuery, Limits, Store, TimeRange
from batchjob.core.chunks import Finished, Lease, Part, Planned
from batchjob.core.job import BatchJob, Terms
from batchjob.core.results import Outcomes
from batchjob.core.standing import Standing
from batchjob.core.status import Status
from batchjob.errors import BatchJobError
from batchjob.stores.memory import MemoryStore
from batchjob.stores.sql import SqlStore
from batchjob.testing.stores.making import BROKEN, FILE, LIMITS, a_job, after, chunks
from stores.databases import CLOCK, SETTINGS, Clock, migrated

ONE_EACH = Limits(batch_types={"export": 2}, actor_jobs=1)
NEWER = Limits(batch_types={"export": 2})
STEPS = [0.1, 5.0, 31.0, 400.0, -3.0, -100_000.0, 100_000.0]

seconds = st.integers(-1, 21).map(after)
ranges = st.builds(
    TimeRange,
    **{name: st.none() | seconds for name in ("gt", "gte", "lt", "lte")},
    null=st.sampled_from([False, False, True]),
)
queries = st.builds(
    JobQuery,
    statuses=st.lists(st.sampled_from(Status), max_size=3).map(tuple),
    created_by=st.sampled_from([None, "usr_1"]),
    times=st.dictionaries(st.sampled_from(TIMES), ranges, max_size=2),
    order=st.sampled_from(ORDERS),
    after=st.none() | st.builds(Cursor, at=seconds, id=st.sampled_from(["batch_", "batch_9"])),
    limit=st.integers(0, 5),
    offset=st.integers(0, 2),
)


class Walk(RuleBasedStateMachine):
    """One walk over two stores: whatever is asked, both give the same answer."""

    template: Path
    leases: Bundle[Lease] = Bundle("leases")
    jobs: Bundle[BatchJob] = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copyfile(self.template, self.folder / "jobs.db")
        self.sql = SqlStore.open(f"sqlite:///{self.folder / 'jobs.db'}", SETTINGS, now_sql=CLOCK)
        self.now = 1_000_000.0
        self.memory = MemoryStore(clock=lambda: self.now)
        self.made: list[str] = []
        self.staged: dict[tuple[str, int], int] = {}

    def teardown(self) -> None:
        """Put the files away."""
        self.sql.close()
        shutil.rmtree(self.folder)

    def both(self, ask: Callable[[Store], Any]) -> Any:
        """Ask both stores, and return the answer, an error too."""
        first, second = (answer(ask, store) for store in (self.memory, self.sql))
        assert first == second
        return first

    @rule(
        target=jobs,
        dry_run=st.booleans(),
        created_by=st.sampled_from(["usr_1", None]),
        version=st.sampled_from([1, 1, 2]),
        exclusive=st.sampled_from([None, None, "k"]),
        key=st.sampled_from([None, None, "k"]),
        request=st.sampled_from("ab"),
    )
    def create(
        self,
        *,
        dry_run: bool,
        created_by: str | None,
        version: int,
        exclusive: str | None,
        key: str | None,
        request: str,
    ) -> Any:
        """A new job, or a request that was sent before."""
        job = a_job(dry_run=dry_run, created_by=created_by, at=after(len(self.made)))
        terms = Terms(
            context_version=version,
            exclusive_key=exclusive,
            idempotency_key=key,
            request_hash=request,
        )
        made = self.both(lambda store: store.create(job, terms))
        if not isinstance(made, BatchJob) or made.id != job.id:
            return multiple()
        self.made.append(job.id)
        return job

    @rule(
        target=leases,
        worker=st.sampled_from("ab"),
        seconds=st.sampled_from([3.0, 30.0]),
        limits=st.sampled_from([LIMITS, ONE_EACH, NEWER]),
    )
    def claim(self, worker: str, seconds: float, limits: Limits) -> Any:
        """A claim of whatever there is."""
        lease = self.both(
            lambda store: store.claim(worker, limits=limits, seconds=seconds, at=after(9))
        )
        return multiple() if lease is None else lease

    @rule(target=leases, job=jobs)
    def claim_of(self, job: BatchJob) -> Any:
        """A claim of a chunk of one job."""
        lease = self.both(
            lambda store: store.claim("c", limits=LIMITS, seconds=30.0, at=after(9), job_id=job.id)
        )
        return multiple() if lease is None else lease

    @rule(lease=leases, number=st.integers(0, 3), created=st.none() | st.integers(0, 9))
    def complete(self, lease: Lease, number: int, created: int | None) -> None:
        """A completion, current or not."""
        outcomes = None if created is None else Outcomes(created=created)
        ends: dict[str, Planned | Part | Finished] = {
            "plan": Planned(chunks=chunks(number, first=5), context={"planned": lease.token}),
            "work": Part(seq=lease.seq, outcomes=outcomes),
            "finish": Finished(file=FILE),
        }
        done = ends[lease.kind]
        self.both(lambda store: store.complete(lease, done, at=after(number)))

    @rule(lease=leases, number=st.integers(0, 2))
    def stage(self, lease: Lease, number: int) -> None:
        """Some chunks of a plan, kept early; an attempt gives a number once."""
        if lease.kind == "plan":
            first = self.staged.get((lease.job_id, lease.token), 10)
            self.staged[lease.job_id, lease.token] = first + number
            self.both(lambda store: store.stage(lease, chunks(number, first=first)))

    @rule(lease=leases)
    def renew(self, lease: Lease) -> None:
        """A heartbeat."""
        self.both(lambda store: store.renew(lease))

    @rule(lease=leases)
    def release(self, lease: Lease) -> None:
        """A chunk given back."""
        self.both(lambda store: store.release(lease))

    @rule(lease=leases, delay=st.sampled_from([0.0, 10.0, 1000.0]), give_up=st.booleans())
    def fail(self, lease: Lease, delay: float, *, give_up: bool) -> None:
        """A chunk that failed."""
        self.both(
            lambda store: store.fail(
                lease, [BROKEN], detail="x", delay=delay, give_up=give_up, at=after(7)
            )
        )

    @rule(job=jobs, verb=st.sampled_from(["confirm", "confirm", "cancel", "fail"]))
    def move(self, job: BatchJob, verb: Any) -> None:
        """A move by hand."""
        self.both(lambda store: store.move(job.id, verb, at=after(3), actor="u", reason="r"))

    @rule(job=jobs, second=st.integers(0, 20))
    def pause(self, job: BatchJob, second: int) -> None:
        """A pause."""
        self.both(lambda store: store.pause(job.id, at=after(second), actor="u"))

    @rule(job=jobs, second=st.integers(0, 20))
    def resume(self, job: BatchJob, second: int) -> None:
        """The end of a pause."""
        self.both(lambda store: store.resume(job.id, at=after(second), actor="u"))

    @rule(listener=st.sampled_from("xy"), worker=st.sampled_from("ab"), number=st.integers(0, 3))
    def hear(self, listener: str, worker: str, number: int) -> None:
        """A worker that tells a listener some of what is new, and may keep it."""
        events = self.both(lambda store: store.unheard(listener, worker=worker, seconds=9.0))
        for event in events[:number]:
            for store in (self.memory, self.sql):  # their positions are their own
                (own,) = store.events(event.job_id, after=event.n - 1)[:1] or (None,)
                if own is not None:
                    store.heard(listener, own, worker=worker)

    @rule(listener=st.sampled_from("xy"), worker=st.sampled_from("ab"))
    def hand_over(self, listener: str, worker: str) -> None:
        """A listener that a worker lets go of."""
        self.both(lambda store: store.hand_over(listener, worker=worker))

    @rule(second=st.integers(0, 21), number=st.integers(0, 3))
    def purge(self, second: int, number: int) -> None:
        """Some jobs that ended before a time, and one more, forgotten."""
        ids = self.both(lambda store: list(store.ended(before=after(second), limit=number)))
        self.both(lambda store: store.purge([*ids, *self.made[:1]]))

    @rule(query=queries)
    def lists(self, query: JobQuery) -> None:
        """A page of a list."""
        self.both(lambda store: store.list(query))

    @rule(numbers=st.lists(st.integers(0, 9), min_size=1, max_size=3))
    def listed_ids(self, numbers: list[int]) -> None:
        """Some jobs by id."""
        if ids := tuple(self.made[number] for number in numbers if number < len(self.made)):
            self.both(lambda store: store.list(JobQuery(ids=ids)))

    @rule(seconds=st.sampled_from(STEPS))
    def clock(self, seconds: float) -> None:
        """A step of the clock."""
        self.now += seconds
        Clock(self.sql)(seconds)

    @rule()
    def sweep(self) -> None:
        """A sweep."""
        self.both(lambda store: store.sweep(at=after(20), limits=LIMITS))

    @rule()
    def late_sweep(self) -> None:
        """A sweep a day later, by a worker that knows another type."""
        limits = Limits(batch_types={"import": 1})
        self.both(lambda store: store.sweep(at=after(100_000), limits=limits))

    @invariant()
    def all_is_the_same(self) -> None:
        """Whatever can be read is the same in both."""
        for job_id in self.made:
            self.both(partial(all_of, job_id))
            waits = [store.next_claim(job_id) for store in (self.memory, self.sql)]
            assert waits[0] == pytest.approx(waits[1], abs=1e-3)
            for limits in (LIMITS, ONE_EACH):
                self.both(partial(where, job_id, limits))
        self.both(lambda store: store.list(JobQuery(statuses=tuple(Status)[:4], limit=100)))


def answer(ask: Callable[[Store], Any], store: Store) -> Any:
    """Return what the store answers, or what its error says."""
    try:
        return ask(store)
    except BatchJobError as error:
        return repr(error)


def all_of(job_id: str, store: Store) -> tuple[Any, ...]:
    """Return all that can be read of a job."""
    job, terms, sent = store.get(job_id), store.terms(job_id), store.sent_context(job_id)
    return job, terms, sent, list(store.events(job_id)), list(store.parts(job_id))


def where(job_id: str, limits: Limits, store: Store) -> Standing:
    """Return where a job stands, to the millisecond."""
    found = store.standing(job_id, limits=limits)
    seconds = None if found.seconds is None else round(found.seconds, 3)
    left = None if found.left is None else round(found.left, 3)
    return attrs.evolve(found, seconds=seconds, left=left)


def test_memory_and_sqlite_agree(tmp_path: Path) -> None:
    """Whatever is done to a store, one in memory and one in SQLite give the same answers."""
    template = tmp_path / "template.db"
    migrated(f"sqlite:///{template}")
    Walk.template = template
    Walk.TestCase.settings = settings(
        max_examples=60,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    Walk.TestCase().runTest()
