"""The rows of a store in memory and transactions over them; no rule of the protocol is here."""

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn, TypeVar

import attrs

from batchjob.core.chunks import ChunkKind, ChunkState, Part
from batchjob.core.events import Event
from batchjob.core.files import FileRecord, StoredFile
from batchjob.core.job import BatchJob, Terms
from batchjob.core.results import JobError, Outcomes, StatDescriptor
from batchjob.core.status import target
from batchjob.core.tokens import KeptToken
from batchjob.stores.rules import MAX_ATTEMPTS

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Place = tuple[str, ChunkKind, float, int]
"""Where a chunk stands among those that may be claimed: job, kind, not before when, number."""


@attrs.frozen(kw_only=True)
class JobRow:
    """A job and what a store keeps beside it; ``context`` and ``amended`` are JSON text.

    ``ended_at`` is when the job ended, ``paused_s`` how long it was paused while processing,
    ``served_at`` when a sweep last had its strategy.
    """

    job: BatchJob
    terms: Terms
    context: str
    amended: str = "{}"
    ended_at: datetime | None = None
    paused_at: datetime | None = None
    paused_s: float = 0.0
    served_at: datetime | None = None
    total: int = 0
    done: int = 0
    count: int | None = None
    advancement_count: int = 0
    outcomes: Outcomes | None = None
    stat_descriptors: tuple[StatDescriptor, ...] | None = None
    errors: tuple[JobError, ...] | None = None
    file: StoredFile | None = None


@attrs.frozen(kw_only=True)
class ChunkRow:
    """A chunk and its lease; ``payload`` is JSON text, times are seconds of the store's clock."""

    job_id: str
    kind: ChunkKind
    seq: int
    state: ChunkState = ChunkState.READY
    token: int = 0
    attempts: int = 0
    max_attempts: int = MAX_ATTEMPTS
    worker: str | None = None
    lease_until: float = 0.0
    lease_s: float = 0.0
    not_before: float = 0.0
    payload: str = "null"
    weight: int = 0
    staged_by: int | None = None
    part: Part | None = None
    detail: str | None = None
    error: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the chunk may still be done."""
        return self.state in {ChunkState.READY, ChunkState.LEASED}

    @property
    def place(self) -> Place:
        """Where it stands among the open ones."""
        return self.job_id, self.kind, self.not_before, self.seq


@attrs.frozen(kw_only=True)
class ListenerRow:
    """What a listener has heard, and who holds it until when, for how many seconds."""

    position: int
    worker: str | None = None
    held_until: float = 0.0
    held_s: float = 0.0


class MemoryTransaction:
    """An open transaction of a store in memory, as a strategy sees it."""

    def __init__(self) -> None:
        self._effects: list[Callable[[], object]] = []
        self.rolled_back = False

    def on_commit(self, effect: Callable[[], object]) -> None:
        """Call *effect* when the transaction commits; never, if it does not.

        Effects run in order, before anybody else sees the chunk done. One that raises undoes the
        chunk and leaves out those after it.
        """
        self._effects.append(effect)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Forget the effects that the block gives if it raises."""
        before = len(self._effects)
        try:
            yield
        except BaseException:
            del self._effects[before:]
            raise

    def __getattr__(self, name: str) -> NoReturn:
        """Say why what a connection has is not there."""
        why = f"a transaction of the store memory: has no {name}, for there is no SQL in memory"
        raise AttributeError(f"{why}; open the jobs on sqlite: or postgresql: for that")

    def rollback(self) -> None:
        """Keep nothing of the transaction, however its block ends."""
        self.rolled_back = True

    def run(self) -> None:
        """Call the effects."""
        for effect in self._effects:
            effect()


class Rows:
    """Jobs, chunks by job, events by job and by position, listeners, files, tokens by digest.

    Besides, the jobs by idempotency key, the open chunks in the order of claims, and by job those
    that are leased.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, JobRow] = {}
        self.keys: dict[tuple[str | None, str], str] = {}
        self.log: dict[int, Event] = {}
        self.listeners: dict[str, ListenerRow] = {}
        self.leased: dict[str, set[tuple[ChunkKind, int]]] = {}
        self.processing: dict[str, bool] = {}
        self._position: dict[str, int] = {}
        self.chunks: dict[str, dict[tuple[ChunkKind, int], ChunkRow]] = {}
        self.events: dict[str, tuple[Event, ...]] = {}
        self.files: dict[str, FileRecord] = {}
        self.tokens: dict[str, KeptToken] = {}
        self.open: list[Place] = []
        self._lock = threading.RLock()
        self._undo: list[Callable[[], object]] | None = None  # None outside of transactions

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads out, to read."""
        with self._lock:
            yield

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        """Keep other threads out; undo all that was put if the block raises, or is rolled back."""
        with self._lock:
            outer, self._undo = self._undo, []
            transaction = MemoryTransaction()
            try:
                yield transaction
                if transaction.rolled_back:
                    self._roll_back()
                else:
                    transaction.run()
            except BaseException:
                self._roll_back()
                raise
            finally:
                inner, self._undo = self._undo, outer
                if outer is not None:  # within another one, which may yet be undone
                    outer.extend(inner or ())

    def chunk(self, job_id: str, kind: ChunkKind, seq: int) -> ChunkRow | None:
        """Return a chunk's row, or None if there is none."""
        return self.chunks.get(job_id, {}).get((kind, seq))

    def chunks_of(self, job_id: str) -> tuple[ChunkRow, ...]:
        """Return the rows of a job's chunks as they are now."""
        with self._lock:
            return tuple(self.chunks.get(job_id, {}).values())

    def open_chunks(self) -> Iterator[ChunkRow]:
        """Yield the chunks that may still be done, in the order of claims."""
        for job_id, kind, _, seq in self.open:
            yield self.chunks[job_id][kind, seq]

    def open_chunks_of(self, job_id: str) -> Iterator[ChunkRow]:
        """Yield the chunks of one job that may still be done, in the order of claims."""
        for index in range(bisect_left(self.open, (job_id,)), len(self.open)):
            of_job, kind, _, seq = self.open[index]
            if of_job != job_id:
                return
            yield self.chunks[job_id][kind, seq]

    def open_jobs(self) -> Iterator[str]:
        """Yield the ids of jobs that have a chunk that may still be done, in their order."""
        index = 0
        while index < len(self.open):
            job_id = self.open[index][0]
            yield job_id
            index = bisect_left(self.open, (job_id + "\0",))

    def leased_chunks_of(self, job_id: str) -> Sequence[ChunkRow]:
        """Return the chunks of a job that are leased, whether the lease is over or not."""
        return [self.chunks[job_id][key] for key in self.leased.get(job_id, ())]

    @property
    def position(self) -> int:
        """The position of the last event, also if that was forgotten since."""
        return self._position.get("last", 0)

    def put_job(self, row: JobRow) -> None:
        """Keep a job's row in place of what there was."""
        self._put(self.jobs, row.job.id, row)
        in_process = row.job.status is target("start") or None
        self._put(self.processing, row.job.id, in_process)
        if row.terms.idempotency_key is not None:
            self._put(self.keys, (row.job.created_by, row.terms.idempotency_key), row.job.id)

    def add_event(self, event: Event) -> None:
        """Keep one more event of a job, and give it the next position."""
        placed = attrs.evolve(event, position=self.position + 1)
        self._put(self._position, "last", self.position + 1)
        self._put(self.log, self.position, placed)
        self._put(self.events, event.job_id, (*self.events.get(event.job_id, ()), placed))

    def put_listener(self, name: str, row: ListenerRow) -> None:
        """Keep a listener's row in place of what there was."""
        self._put(self.listeners, name, row)

    def put_file(self, record: FileRecord) -> None:
        """Keep what is known of a file in place of what there was."""
        self._put(self.files, record.file.key, record)

    def drop_file(self, key: str) -> None:
        """Forget what is known of a file."""
        self._put(self.files, key, None)

    def put_token(self, kept: KeptToken) -> None:
        """Keep a token in place of what there was."""
        self._put(self.tokens, kept.sha256, kept)

    def put_chunk(self, row: ChunkRow) -> None:
        """Keep a chunk's row in place of what there was."""
        self._index(self.chunk(row.job_id, row.kind, row.seq), row)
        self._put(self.chunks.setdefault(row.job_id, {}), (row.kind, row.seq), row)

    def drop_job(self, job_id: str) -> None:
        """Forget a job, its chunks and events, and the files under its keys."""
        row = self.jobs[job_id]
        for chunk in self.chunks_of(job_id):
            self.drop_chunk(chunk)
        for event in self.events.get(job_id, ()):
            self._put(self.log, event.position or 0, None)
        for key in [key for key in self.files if key.startswith(f"jobs/{job_id}/")]:
            self.drop_file(key)
        self._put(self.events, job_id, None)
        if row.terms.idempotency_key is not None:
            self._put(self.keys, (row.job.created_by, row.terms.idempotency_key), None)
        self._put(self.jobs, job_id, None)

    def drop_chunk(self, row: ChunkRow) -> None:
        """Forget a chunk."""
        self._index(row, None)
        self._put(self.chunks[row.job_id], (row.kind, row.seq), None)

    def _index(self, before: ChunkRow | None, after: ChunkRow | None) -> None:
        self._on_rollback(lambda: self._reindex(after, before))
        self._reindex(before, after)

    def _reindex(self, before: ChunkRow | None, after: ChunkRow | None) -> None:
        if before is not None and before.is_open:
            del self.open[bisect_left(self.open, before.place)]
        if after is not None and after.is_open:
            insort(self.open, after.place)
        for row, change in ((before, set.discard), (after, set.add)):
            if row is not None and row.state is ChunkState.LEASED:
                change(self.leased.setdefault(row.job_id, set()), (row.kind, row.seq))

    def _put(self, table: MutableMapping[Key, Value], key: Key, row: Value | None) -> None:
        before = table.get(key)
        self._on_rollback(lambda: _set(table, key, before))
        _set(table, key, row)

    def _on_rollback(self, undo: Callable[[], object]) -> None:
        if self._undo is None:
            raise RuntimeError("rows are put within a transaction")
        self._undo.append(undo)

    def _roll_back(self) -> None:
        while self._undo:
            self._undo.pop()()


def _set(table: MutableMapping[Key, Value], key: Key, row: Value | None) -> None:
    if row is None:
        table.pop(key, None)
    else:
        table[key] = row
