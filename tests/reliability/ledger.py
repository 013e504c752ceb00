"""A plain account of what a store of jobs should hold, kept in step with a real one by a walk.

It says the protocol a second time, without a database: who may do what is decided here from what
happened, and the real store has to agree. Times are the seconds of the store's own clock.
"""

from collections.abc import Iterator
from typing import Final

import attrs

LEASE: Final = 30.0
LONGEST_WAIT: Final = 300.0
FINAL: Final = frozenset({"completed", "failed", "canceled"})
BEFORE: Final = {
    "confirm": {"pre_processed"},
    "cancel": {"created", "pre_processed", "confirmed", "processing"},
}
CLAIMABLE: Final = {
    "plan": {"created"},
    "work": {"confirmed", "processing"},
    "finish": {"confirmed", "processing"},
}
Place = tuple[str, int]
"""A chunk within its job: kind and seq."""


@attrs.define(kw_only=True)
class ChunkEntry:
    """What is known of a chunk; ``paid`` counts claims that were not given back untried."""

    weight: int = 0
    state: str = "ready"
    token: int = 0
    paid: int = 0
    until: float = 0.0
    not_before: float = 0.0

    def may_be_tried(self, now: float) -> bool:
        """Tell whether its time has come; a time that nobody sets so far ahead is no time."""
        if self.state == "leased":
            return self.is_over(now)
        due = self.not_before <= now or self.not_before > now + LONGEST_WAIT
        return self.state == "ready" and due

    def is_over(self, now: float) -> bool:
        """Tell whether it is leased, and the lease is over."""
        return self.state == "leased" and not now <= self.until <= now + 2 * LEASE


@attrs.define(kw_only=True)
class JobEntry:
    """What is known of a job."""

    id: str
    most: int
    """How often a chunk may be tried."""
    dry_run: bool = False
    key: str | None = None
    status: str = "created"
    paused: bool = False
    chunks: dict[Place, ChunkEntry] = attrs.field(factory=lambda: {("plan", 0): ChunkEntry()})
    staged: tuple[int, list[ChunkEntry]] = (0, [])
    total: int = 0
    done: int = 0
    advancement: int = 0
    rows_created: int | None = None
    file: str | None = None
    events: int = 1
    effects: list[Place] = attrs.field(factory=list)

    def moved(self, status: str) -> None:
        """Change the status, with an event; a final one stays."""
        if self.status not in FINAL:
            self.status = status
            self.events += 1
            if status == "confirmed" and not self.total:
                self.chunks["finish", 0] = ChunkEntry()

    def current(self, place: Place, token: int) -> ChunkEntry | None:
        """Return the chunk if this token holds it."""
        entry = self.chunks.get(place)
        return entry if entry and (entry.state, entry.token) == ("leased", token) else None


class Ledger:
    """All jobs, and the clock."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.jobs: dict[str, JobEntry] = {}

    def claimable(self, job_id: str | None = None) -> Iterator[tuple[JobEntry, Place]]:
        """Yield each chunk that may be claimed now."""
        for job in self.jobs.values():
            if job.paused or (job_id and job.id != job_id) or self._waits(job):
                continue
            for place, entry in job.chunks.items():
                tried = entry.may_be_tried(self.now) and entry.paid < job.most
                if tried and job.status in CLAIMABLE[place[0]]:
                    yield job, place

    def _waits(self, job: JobEntry) -> bool:
        """Tell whether another job holds the exclusive key that *job* needs to start."""
        others = (other for other in self.jobs.values() if other.status == "processing")
        holds = any(other.key == job.key for other in others)
        return job.status == "confirmed" and job.key is not None and holds

    def claim(self, job: JobEntry, place: Place, token: int) -> None:
        """Note a claim: the attempt is paid for, and a confirmed job starts."""
        entry = job.chunks[place]
        assert token > entry.token, "I9: a claim raises the token"
        entry.state, entry.token, entry.paid = "leased", token, entry.paid + 1
        entry.until = self.now + LEASE
        if job.status == "confirmed":
            job.moved("processing")

    def may_complete(self, job: JobEntry, place: Place, token: int) -> bool:
        """Tell whether a completion counts: the current token, and a job that it can move on."""
        wanted = "created" if place[0] == "plan" else "processing"
        return job.current(place, token) is not None and job.status == wanted

    def complete_plan(self, job: JobEntry, token: int, chunks: list[ChunkEntry]) -> None:
        """Note a plan that counts: what its own attempt staged, and then *chunks*."""
        job.chunks["plan", 0].state = "done"
        staged = job.staged[1] if job.staged[0] == token else []
        for seq, entry in enumerate([*staged, *chunks]):
            job.chunks["work", seq] = entry
        job.total = len(staged) + len(chunks)
        job.moved("pre_processed")
        if not job.dry_run:
            job.moved("confirmed")

    def complete_work(self, job: JobEntry, place: Place, created: int | None) -> None:
        """Note a work chunk that counts."""
        entry = job.chunks[place]
        entry.state = "done"
        job.effects.append(place)
        job.done += 1
        job.advancement += entry.weight
        if created is not None:
            job.rows_created = (job.rows_created or 0) + created
        if job.done == job.total:
            job.chunks["finish", 0] = ChunkEntry()

    def complete_finish(self, job: JobEntry, file: str) -> None:
        """Note a finish that counts."""
        job.chunks["finish", 0].state = "done"
        job.effects.append(("finish", 0))
        job.file = file
        job.moved("completed")

    def fail(self, job: JobEntry, place: Place, token: int, *, delay: float, give_up: bool) -> bool:
        """Note an error; return whether it ended the job."""
        entry = job.current(place, token)
        if entry is None:
            return False
        entry.token += 1
        entry.not_before = self.now + min(delay, LONGEST_WAIT)
        entry.state = "dead" if give_up or entry.paid >= job.most else "ready"
        ends = entry.state == "dead" and job.status not in FINAL
        if ends:
            job.moved("failed")
        return ends

    def release(self, job: JobEntry, place: Place, token: int) -> None:
        """Note that a chunk was given back untried."""
        if entry := job.current(place, token):
            entry.state, entry.paid = "ready", entry.paid - 1

    def sweep(self) -> int:
        """Note a sweep; return how many chunks it gives up."""
        given_up = 0
        for job in self.jobs.values():
            for entry in job.chunks.values():
                if entry.is_over(self.now) and entry.paid >= job.most:
                    entry.state, entry.token = "dead", entry.token + 1
                    job.moved("failed")
                    given_up += 1
            for entry in job.chunks.values():
                if job.status in FINAL and entry.state in {"ready", "leased"}:
                    entry.state = "void"
        return given_up
