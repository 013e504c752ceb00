"""Jobs, plans and ends of chunks for the tests of stores; no assertion belongs here."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier, Thread
from typing import Any, Protocol

from batchjob._typing import JsonObject
from batchjob.abc import Limits, Store
from batchjob.core.chunks import Chunk, ChunkKind, Finished, Lease, Part, Planned
from batchjob.core.files import StoredFile
from batchjob.core.ids import job_id
from batchjob.core.job import BatchJob, Terms
from batchjob.core.results import JobError, Outcomes, StatDescriptor
from batchjob.errors import BatchJobError

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
LEASE = 30.0
LIMITS = Limits(batch_types={"export": 1})
PRODUCTS = StatDescriptor(key="products", name="Products", message="3 products will be exported")
BROKEN = JobError(code="broken", message="it broke", row=3, column="SKU", params={"n": 1})
FILE = StoredFile(key="jobs/1/out/1/a.csv", size=7, sha256="ab" * 32)

_numbers = count(1)

Advance = Callable[[float], None]


class Effects(Protocol):
    """Something outside batchjob that can be changed in a store's transaction, and looked at."""

    def add(self, transaction: Any, word: str) -> None:
        """Add a word as part of the transaction."""

    def seen(self) -> Sequence[str]:
        """Return the words that are committed."""


def after(seconds: float) -> datetime:
    """Return the time some seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def a_job(
    *,
    batch_type: str = "export",
    dry_run: bool = False,
    created_by: str | None = "usr_1",
    context: JsonObject | None = None,
    at: datetime = NOON,
) -> BatchJob:
    """Return a new job with an id of its own."""
    return BatchJob(
        id=job_id(next(_numbers), 0),
        batch_type=batch_type,
        dry_run=dry_run,
        created_by=created_by,
        context=context or {},
        created_at=at,
        updated_at=at,
    )


def created(store: Store, *, terms: Terms | None = None, **job: Any) -> BatchJob:
    """Keep a new job in the store."""
    return store.create(a_job(**job), terms or Terms())


def chunks(number: int, *, first: int = 0, weight: int = 1) -> tuple[Chunk, ...]:
    """Return chunks numbered from *first*; the payload of each is its number."""
    return tuple(Chunk({"n": n}, seq=n, weight=weight) for n in range(first, first + number))


def claimed(store: Store, kind: ChunkKind, *, worker: str = "w1", **only: Any) -> Lease:
    """Claim the next chunk, which is to be of *kind*."""
    lease = store.claim(worker, limits=LIMITS, seconds=LEASE, at=NOON, **only)
    if lease is None or lease.kind is not kind:
        raise LookupError(f"the next chunk is no {kind} but {lease}")
    return lease


def planned(store: Store, number: int = 1, *, weight: int = 1, **job: Any) -> BatchJob:
    """Keep a new job and plan it with so many chunks."""
    new = created(store, **job)
    plan = claimed(store, ChunkKind.PLAN, job_id=new.id)
    done = Planned(chunks=chunks(number, weight=weight), stat_descriptors=(PRODUCTS,))
    store.complete(plan, done, at=NOON)
    return store.get(new.id)


def worked(
    store: Store, lease: Lease, *, outcomes: Outcomes | None = None, at: datetime = NOON
) -> None:
    """Complete a work chunk."""
    store.complete(lease, Part(seq=lease.seq, outcomes=outcomes), at=at)


def finished(store: Store, number: int = 1, **job: Any) -> BatchJob:
    """Keep a new job and see it through to its end."""
    new = planned(store, number, **job)
    for _ in range(number):
        worked(store, claimed(store, ChunkKind.WORK, job_id=new.id))
    last = claimed(store, ChunkKind.FINISH, job_id=new.id)
    store.complete(last, Finished(file=FILE), at=NOON)
    return store.get(new.id)


def failed(store: Store, lease: Lease, *, delay: float = 0.0, give_up: bool = False) -> bool:
    """Report an error of a chunk."""
    return store.fail(lease, [BROKEN], detail="boom", delay=delay, give_up=give_up, at=NOON)


def at_once(*works: Callable[[], Any]) -> Sequence[Any]:
    """Do all of this at once, in threads, and return what they answer, or raise, in order."""
    start, answers = Barrier(len(works)), dict[int, Any]()

    def do(number: int) -> None:
        start.wait(60)
        try:
            answers[number] = works[number]()
        except BatchJobError as error:
            answers[number] = error

    threads = [Thread(target=do, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[number] for number in range(len(works))]


def could_be_claimed(
    store: Store, *, limits: Limits = LIMITS, job_id: str | None = None
) -> Lease | None:
    """Claim whatever there is."""
    return store.claim("w2", limits=limits, seconds=LEASE, at=NOON, job_id=job_id)
