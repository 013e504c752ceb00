import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from batchjob.abc import JobQuery, Store
from batchjob.core.chunks import Finished, Lease, Part, Planned
from batchjob.core.events import Event
from batchjob.core.job import BatchJob
from batchjob.core.results import Outcomes
from batchjob.core.status import Status
from batchjob.errors import BatchJobError
from batchjob.stores.memory import MemoryStore
from batchjob.stores.sql import SqlStore
from stores.databases import CLOCK, SETTINGS, Clock, migrated
from stores.making import BROKEN, FILE, a_job, after, chunks

STEPS = [0.1, 5.0, 31.0, 400.0, -3.0, -100_000.0, 100_000.0]


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

    @rule(target=jobs, dry_run=st.booleans())
    def create(self, *, dry_run: bool) -> BatchJob:
        """A new job."""
        job = a_job(dry_run=dry_run, at=after(len(self.made)))
        self.made.append(job.id)
        self.both(lambda store: store.create(job, context_version=1))
        return job

    @rule(target=leases, worker=st.sampled_from("ab"), seconds=st.sampled_from([3.0, 30.0]))
    def claim(self, worker: str, seconds: float) -> Any:
        """A claim of whatever there is."""
        lease = self.both(
            lambda store: store.claim(worker, batch_types=["export"], seconds=seconds, at=after(9))
        )
        return multiple() if lease is None else lease

    @rule(target=leases, job=jobs)
    def claim_of(self, job: BatchJob) -> Any:
        """A claim of a chunk of one job."""
        lease = self.both(
            lambda store: store.claim(
                "c", batch_types=["export"], seconds=30.0, at=after(9), job_id=job.id
            )
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

    @rule(seconds=st.sampled_from(STEPS))
    def clock(self, seconds: float) -> None:
        """A step of the clock."""
        self.now += seconds
        Clock(self.sql)(seconds)

    @rule()
    def sweep(self) -> None:
        """A sweep."""
        self.both(lambda store: store.sweep(at=after(20)))

    @invariant()
    def all_is_the_same(self) -> None:
        """Whatever can be read is the same in both."""
        for job_id in self.made:
            self.both(partial(all_of, job_id))
            waits = [store.next_claim(job_id) for store in (self.memory, self.sql)]
            assert waits[0] == pytest.approx(waits[1], abs=1e-3)
        self.both(lambda store: store.list(JobQuery(statuses=tuple(Status)[:4], limit=100)))


def answer(ask: Callable[[Store], Any], store: Store) -> Any:
    """Return what the store answers, or what its error says."""
    try:
        return ask(store)
    except BatchJobError as error:
        return repr(error)


def all_of(job_id: str, store: Store) -> tuple[BatchJob, list[Event], list[Part]]:
    """Return all that can be read of a job."""
    return store.get(job_id), list(store.events(job_id)), list(store.parts(job_id))


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
