"""A random walk over the lease protocol, on the real SQLite store with its clock in our hand.

Each step is compared with a plain account of what should be, and the invariants I1 to I16 of the
protocol are looked at after it.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from batchjob.abc import Limits
from batchjob.core.chunks import Chunk, ChunkKind, Finished, Lease, Part, Planned
from batchjob.core.files import StoredFile
from batchjob.core.job import Terms
from batchjob.core.results import Outcomes
from batchjob.errors import InvalidState, LeaseLost
from batchjob.stores.sql import SqlStore
from batchjob.testing.stores.making import BROKEN, a_job, after
from reliability.ledger import BEFORE, FINAL, LEASE, LONGEST_WAIT, ChunkEntry, JobEntry, Ledger
from stores.databases import CLOCK, SETTINGS

STEPS: Final = [0.1, 5.0, 31.0, 31.0, 31.0, 61.0, 400.0, -3.0, -100_000.0, 100_000.0]
START: Final = 1_000_000.0
LIMITS: Final = Limits(batch_types={"export": 1})
TALLY: Final = {"walks": 0, "steps": 0, "accepted": 0, "refused": 0}


class Crash(Exception):
    """The process dies: whatever is open is rolled back."""


class Walk(RuleBasedStateMachine):
    """One walk: jobs, workers that may come back late, users, the clock, and crashes."""

    template: ClassVar[Path]
    leases: Bundle[Lease] = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        TALLY["walks"] += 1
        self.folder = Path(tempfile.mkdtemp(dir=_memory()))
        shutil.copyfile(self.template, self.folder / "jobs.db")
        url = f"sqlite:///{self.folder / 'jobs.db'}"
        self.store = SqlStore.open(url, SETTINGS, now_sql=CLOCK)
        self.eye = sqlite3.connect(self.folder / "jobs.db", isolation_level=None)
        self.ledger = Ledger(START)
        self.made: list[JobEntry] = []
        self.ended: dict[str, Any] = {}
        self.highest: dict[str, tuple[int, int, int]] = {}

    def teardown(self) -> None:
        """Let one honest worker end every job (I8, without any nudge: I16), and put away."""
        try:
            self.end_all()
            self.looks_right()
        finally:
            self.eye.close()
            self.store.close()
            shutil.rmtree(self.folder)

    # users

    @initialize(chunks=st.integers(0, 3), most=st.integers(1, 3))
    def first(self, chunks: int, most: int) -> None:
        """A job that is planned and confirmed, so that walks need not find the way there."""
        self.create(most=most, dry_run=False, key=None)
        lease = self._claimed("w0", None)
        assert lease is not None
        self._complete(lease, chunks)

    @rule(most=st.integers(1, 3), dry_run=st.booleans(), key=st.sampled_from([None, None, "k"]))
    def create(self, *, most: int, dry_run: bool, key: str | None) -> None:
        """A new job, of three at most."""
        if len(self.made) == 3:
            return
        new = a_job(dry_run=dry_run, at=self.at)
        self.store.create(new, Terms(exclusive_key=key))
        entry = JobEntry(id=new.id, most=most, dry_run=dry_run, key=key)
        self.made.append(entry)
        self.ledger.jobs[new.id] = entry
        self._bounded(entry)

    @rule(number=st.integers(0, 2), verb=st.sampled_from(["confirm", "confirm", "cancel"]))
    def move(self, number: int, verb: Any) -> None:
        """A user confirms or cancels; what the table does not have is refused."""
        if number >= len(self.made):
            return
        job = self.made[number]
        if job.status not in BEFORE[verb]:
            with pytest.raises(InvalidState):
                self.store.move(job.id, verb, at=self.at, actor="u")
            return
        self.store.move(job.id, verb, at=self.at, actor="u")
        job.moved({"confirm": "confirmed", "cancel": "canceled"}[verb])
        self._bounded(job)

    @rule(number=st.integers(0, 2), verb=st.sampled_from(["pause", "resume", "resume"]))
    def hold(self, number: int, verb: str) -> None:
        """A user pauses or resumes."""
        if number >= len(self.made):
            return
        job, ask = self.made[number], getattr(self.store, verb)
        if job.status in FINAL:
            with pytest.raises(InvalidState):
                ask(job.id, at=self.at, actor="u")
            return
        ask(job.id, at=self.at, actor="u")
        job.events += job.paused != (verb == "pause")
        job.paused = verb == "pause"

    # workers

    @rule(target=leases, worker=st.sampled_from("abc"), number=st.none() | st.integers(0, 2))
    def claim(self, worker: str, number: int | None) -> Any:
        """A worker asks for a chunk, of any job or of one."""
        if number is not None and number >= len(self.made):
            return multiple()
        lease = self._claimed(worker, None if number is None else self.made[number].id)
        return multiple() if lease is None else lease

    @rule(lease=leases, chunks=st.integers(0, 3))
    def complete(self, lease: Lease, chunks: int) -> None:
        """A worker completes; leases are never forgotten, so it may come back at any time."""
        self._complete(lease, chunks)

    @rule(worker=st.sampled_from("abc"), chunks=st.integers(0, 3))
    def do_one(self, worker: str, chunks: int) -> None:
        """A worker does a chunk from claim to completion."""
        lease = self._claimed(worker, None)
        if lease is not None:
            self._complete(lease, chunks)

    @rule(lease=leases, completed=st.booleans())
    def crash(self, lease: Lease, *, completed: bool) -> None:
        """A worker dies with its transaction open, before or after the completion's statements."""
        job, place = self._known(lease)
        if lease.kind is ChunkKind.PLAN:
            return
        with suppress(Crash, LeaseLost), self.store.transaction() as transaction:
            _effect(transaction, lease)
            if completed and self.ledger.may_complete(job, place, lease.token):
                done = _done(lease, 0)
                self.store.complete(lease, done, at=self.at, transaction=transaction)
            raise Crash

    @rule(lease=leases)
    def stage(self, lease: Lease) -> None:
        """A plan keeps a chunk, and goes on."""
        if lease.kind is not ChunkKind.PLAN:
            return
        job, place = self._known(lease)
        staged = job.staged[1] if job.staged[0] == lease.token else []
        may = job.current(place, lease.token) is not None and job.status not in FINAL
        chunk = Chunk({}, weight=2, seq=len(staged))
        assert may == _accepted(lambda: self.store.stage(lease, [chunk]))
        if may:
            job.staged = lease.token, [*staged, ChunkEntry(weight=2)]

    @rule(lease=leases, delay=st.sampled_from([0.0, 1.0, 5_000.0]), give_up=st.booleans())
    def fail(self, lease: Lease, delay: float, *, give_up: bool) -> None:
        """A worker reports an error."""
        job, place = self._known(lease)
        give_up = give_up and delay > 0
        ended = self.store.fail(
            lease, [BROKEN], detail="", delay=delay, give_up=give_up, at=self.at
        )
        expected = self.ledger.fail(job, place, lease.token, delay=delay, give_up=give_up)
        assert ended == expected

    @rule(lease=leases)
    def fail_before_the_clock_is_put_back(self, lease: Lease) -> None:
        """A worker reports an error, and what the chunk waits for comes to lie far ahead."""
        self.fail(lease, 60.0, give_up=False)
        self.clock(-100_000.0)

    @rule(lease=leases)
    def complete_after_a_cancel(self, lease: Lease) -> None:
        """A user cancels the job under a worker, which then completes."""
        number = self.made.index(self.ledger.jobs[lease.job_id])
        self.move(number, "cancel")
        self._complete(lease, 1)

    @rule(lease=leases)
    def renew(self, lease: Lease) -> None:
        """A heartbeat: it counts for the current token of a job that has not ended (I13)."""
        job, place = self._known(lease)
        entry = job.current(place, lease.token)
        may = entry is not None and job.status not in FINAL
        answers: list[bool] = []
        assert may == _accepted(lambda: answers.append(self.store.renew(lease)))
        if may and entry is not None:
            entry.until = self.ledger.now + LEASE
            assert answers == [job.paused]

    @rule(lease=leases)
    def release(self, lease: Lease) -> None:
        """A worker gives a chunk back untried."""
        self.store.release(lease)
        self.ledger.release(*self._known(lease), lease.token)

    # the sweeper and the clock

    @rule()
    def sweep(self) -> None:
        """Any worker sweeps."""
        assert self.store.sweep(at=self.at, limits=LIMITS) == self.ledger.sweep()

    @rule(seconds=st.sampled_from(STEPS))
    def clock(self, seconds: float) -> None:
        """The store's clock goes on, or is set, forwards or back."""
        self.ledger.now = max(1.0, self.ledger.now + seconds)
        self.eye.execute("UPDATE test_clock SET seconds = ?", [self.ledger.now])

    # what has to hold

    @invariant()
    def looks_right(self) -> None:
        """Every invariant that can be seen, and every number as the account has it."""
        TALLY["steps"] += 1
        for job in self.made:
            found = self._look(job)
            self._safe(job, found)
            self._as_told(job, found)

    def _look(self, job: JobEntry) -> dict[str, Any]:
        """Return everything that the database says of a job, read past the store."""
        columns = "status, done, total, advancement_count, rows_created, file_key, paused_at"
        (row,) = self.eye.execute(f"SELECT {columns} FROM batchjob_job WHERE id = ?", [job.id])  # noqa: S608
        chunks = self.eye.execute(
            "SELECT kind, seq, state, token, attempts FROM batchjob_chunk WHERE job_id = ?",
            [job.id],
        )
        effects = self.eye.execute("SELECT kind, seq FROM walk_effect WHERE job_id = ?", [job.id])
        events = self.eye.execute(
            "SELECT n, from_status, to_status, at FROM batchjob_event WHERE job_id = ? ORDER BY n",
            [job.id],
        )
        return {
            **dict(zip(columns.split(", "), row, strict=True)),
            "chunks": {(kind, seq): rest for kind, seq, *rest in chunks},
            "effects": sorted(effects),
            "events": events.fetchall(),
        }

    def _safe(self, job: JobEntry, found: dict[str, Any]) -> None:
        effects, chunks = found["effects"], found["chunks"]
        done = sorted(place for place, row in chunks.items() if row[0] == "done")
        works = [place for place in done if place[0] == "work"]
        assert len(set(effects)) == len(effects), "I1, I5: no effect and no finish twice"
        assert [place for place in done if place[0] != "plan"] == effects, "I7: done with effect"
        if found["status"] == "completed":
            assert len(works) == found["total"] == len(effects) - 1, "I2: completed, all of it"
        last = {name: found[name] for name in ("status", "effects", "file_key", "done")}
        if job.id in self.ended:
            assert last == self.ended[job.id], "I3, I4, I6: what has ended stays as it is"
        elif found["status"] in FINAL:
            self.ended[job.id] = last
        assert found["done"] == len(works), "I10: the counter is the number of done chunks"
        if found["status"] in {"confirmed", "processing"}:
            finish = ("finish", 0) in chunks
            assert finish == (found["done"] == found["total"]), "I11: a finish when all is done"
        assert all(row[2] <= job.most for row in chunks.values()), "I12: attempts"
        reached = found["done"], found["advancement_count"], found["rows_created"] or 0
        before = self.highest.get(job.id, reached)
        assert all(map(int.__ge__, reached, before)), "I14: progress does not fall"
        self.highest[job.id] = reached
        events = found["events"]
        assert [n for n, *_ in events] == list(range(1, job.events + 1)), "I15: an event each"
        assert events[-1][2] == found["status"], "I15: the last event says the status"
        assert all(a[2] == b[1] and a[3] <= b[3] for a, b in pairwise(events)), "I15: in order"

    def _as_told(self, job: JobEntry, found: dict[str, Any]) -> None:
        told = (job.status, job.done, job.total, job.advancement, job.rows_created, job.file)
        names = ("status", "done", "total", "advancement_count", "rows_created", "file_key")
        assert told == tuple(found[name] for name in names)
        assert job.paused == (found["paused_at"] is not None)
        staged = {("work", n): ["ready", 0, 0] for n in range(len(job.staged[1]))}
        entries = {place: [e.state, e.token, e.paid] for place, e in job.chunks.items()}
        if job.status == "created":
            assert found["chunks"] == staged | entries
        elif job.total or job.status not in FINAL:
            assert found["chunks"] == entries
        started = [j.key for j in self.made if j.status == "processing" and j.key]
        assert len(started) == len(set(started)), "one job of an exclusive key at a time"

    def end_all(self) -> None:
        """Confirm and resume everything; then one honest worker, for as long as it may take."""
        for number, job in enumerate(self.made):
            if job.status not in FINAL:
                self.hold(number, "resume")
            if job.status == "pre_processed":
                self.move(number, "confirm")
        waited = 0.0
        while any(job.status not in FINAL | {"pre_processed"} for job in self.made):
            self.sweep()
            if (lease := self._claimed("honest", None)) is not None:
                self._complete(lease, 1)
                for number, job in enumerate(self.made):
                    if job.status == "pre_processed":
                        self.move(number, "confirm")
                continue
            assert waited <= 2 * LEASE + LONGEST_WAIT, "I8: every job can end"
            self.clock(10.0)
            waited += 10.0

    # helpers

    @property
    def at(self) -> Any:
        """The time of day, which the jobs' own stamps go by; it jumps like the store's clock."""
        return after(self.ledger.now - START)

    def _known(self, lease: Lease) -> tuple[JobEntry, tuple[str, int]]:
        return self.ledger.jobs[lease.job_id], (lease.kind.value, lease.seq)

    def _claimed(self, worker: str, job_id: str | None) -> Lease | None:
        lease = self.store.claim(worker, limits=LIMITS, seconds=LEASE, at=self.at, job_id=job_id)
        offered = list(self.ledger.claimable(job_id))
        if lease is None:
            assert not offered, "what may be claimed is found"
            return None
        job, place = self._known(lease)
        assert (job, place) in offered, "only what may be claimed is"
        self.ledger.claim(job, place, lease.token)
        assert lease.attempt == job.chunks[place].paid
        return lease

    def _complete(self, lease: Lease, chunks: int) -> None:
        job, place = self._known(lease)
        may = self.ledger.may_complete(job, place, lease.token)
        TALLY["accepted" if may else "refused"] += 1
        first = len(job.staged[1]) if job.staged[0] == lease.token else 0
        done = _done(lease, chunks, first=first)

        def ask() -> None:
            if isinstance(done, Planned):
                self.store.complete(lease, done, at=self.at)
                return
            with self.store.transaction() as transaction:
                _effect(transaction, lease)
                self.store.complete(lease, done, at=self.at, transaction=transaction)

        assert may == _accepted(ask), "I13: a completion counts if the lease is current"
        if not may:
            return
        if isinstance(done, Planned):
            entries = [ChunkEntry(weight=each.weight) for each in done.chunks]
            self.ledger.complete_plan(job, lease.token, entries)
        elif isinstance(done, Part):
            created = None if done.outcomes is None else done.outcomes.created
            self.ledger.complete_work(job, place, created)
        elif done.file is not None:
            self.ledger.complete_finish(job, done.file.key)
        self._bounded(job)

    def _bounded(self, job: JobEntry) -> None:
        """Give the job's new chunks as few attempts as the walk wants."""
        sql = "UPDATE batchjob_chunk SET max_attempts = ? WHERE job_id = ? AND max_attempts <> ?"
        self.eye.execute(sql, [job.most, job.id, job.most])


def _memory() -> str | None:
    """Return a folder in memory where there is one: a walk need not survive the machine."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - mkdtemp makes its own


def _done(lease: Lease, chunks: int, *, first: int = 0) -> Planned | Part | Finished:
    if lease.kind is ChunkKind.PLAN:
        return Planned(chunks=[Chunk({}, weight=n, seq=n) for n in range(first, first + chunks)])
    if lease.kind is ChunkKind.WORK:
        outcomes = Outcomes(created=lease.token) if lease.seq else None
        return Part(seq=lease.seq, outcomes=outcomes)
    key = f"jobs/{lease.job_id}/out/{lease.token}/a.csv"
    return Finished(file=StoredFile(key=key, size=1, sha256="ab" * 32))


def _effect(transaction: Any, lease: Lease) -> None:
    sql = "INSERT INTO walk_effect VALUES (:job_id, :kind, :seq)"
    transaction.execute(
        sa.text(sql), {"job_id": lease.job_id, "kind": lease.kind.value, "seq": lease.seq}
    )


def _accepted(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except LeaseLost:
        return False
    return True
