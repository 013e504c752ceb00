"""The ports of stores: where jobs live, and the lease protocol on their chunks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

import attrs

from batchjob._typing import JsonObject
from batchjob.abc.lists import JobPage, JobQuery
from batchjob.abc.settings import Settings
from batchjob.core.chunks import Chunk, Finished, Lease, Part, Planned
from batchjob.core.events import Event
from batchjob.core.files import FileRecord, StoredFile
from batchjob.core.job import BatchJob, Terms
from batchjob.core.results import JobError
from batchjob.core.standing import Standing
from batchjob.core.status import Verb
from batchjob.core.tokens import KeptToken, Token

STRATEGY_WAIT: Final = 24 * 3600.0
"""Seconds that a job waits for a worker with its strategy before it fails."""


@attrs.frozen(kw_only=True)
class Limits:
    """What a worker may claim.

    ``batch_types`` are those it has a strategy for, with the newest version of a context that the
    strategy knows. ``actor_jobs`` is how many jobs of one creator may be processed at once, None
    for any number; jobs without a creator are not counted.
    """

    batch_types: Mapping[str, int]
    actor_jobs: int | None = None


class JobStore(ABC):
    """Where jobs live. A transition and its event are one commit. Safe to use from threads.

    What a store raises besides: `StoreUnavailable` when it is out of reach.
    """

    @abstractmethod
    def create(self, job: BatchJob, terms: Terms) -> BatchJob:
        """Keep a new job with its first event and its plan chunk, and return it.

        Where the creator has used the idempotency key before, nothing is made: the job of then is
        returned as it stands, or `IdempotencyConflict` raised if the request was another one. Of
        two at once one makes the job. `DuplicateJob` if there is one of this id.
        """

    @abstractmethod
    def get(self, job_id: str) -> BatchJob:
        """Return the job as it stands; `UnknownJob` if there is none."""

    @abstractmethod
    def terms(self, job_id: str) -> Terms:
        """Return what the job was made with; raises as `get`."""

    @abstractmethod
    def sent_context(self, job_id: str) -> JsonObject:
        """Return the job's context as it was sent, without what planning added; raises as `get`."""

    @abstractmethod
    def standing(self, job_id: str, *, limits: Limits) -> Standing:
        """Return where the job stands for a worker with these limits; raises as `get`."""

    @abstractmethod
    def list(self, query: JobQuery) -> JobPage:
        """Return the jobs that match, a page of them, and how many there are on all pages."""

    @abstractmethod
    def move(
        self, job_id: str, verb: Verb, *, at: datetime, actor: str | None, reason: str | None = None
    ) -> BatchJob:
        """Confirm, cancel or fail a job, whatever chunk is leased, and return it as it is then.

        `InvalidState` if the table has no such move from where the job is when the change would
        be made; `UnknownJob` if there is none. Of two at once, one wins and the other is refused.
        """

    @abstractmethod
    def pause(self, job_id: str, *, at: datetime, actor: str | None) -> BatchJob:
        """Let no chunk of an open job be claimed until `resume`; pausing twice is fine.

        `InvalidState` (verb pause) if the job has ended. The event has the reason ``paused``.
        """

    @abstractmethod
    def resume(self, job_id: str, *, at: datetime, actor: str | None) -> BatchJob:
        """Let the chunks of a paused job be claimed again; of one that is not paused it is fine.

        `InvalidState` (verb resume) if the job has ended. The event has the reason ``resumed``.
        """

    @abstractmethod
    def ended(self, *, before: datetime, limit: int) -> Sequence[str]:
        """Return ids of jobs that ended before a time, at most *limit*, the oldest first."""

    @abstractmethod
    def purge(self, job_ids: Sequence[str]) -> int:
        """Forget these jobs, their chunks, events and file records; return how many there were.

        Never an open job: it stays, whatever is asked.
        """

    @abstractmethod
    def add_file(self, record: FileRecord) -> None:
        """Remember whose a file is and what it is called."""

    @abstractmethod
    def get_file(self, key: str) -> FileRecord:
        """Return what is known of the file; `UnknownFile` if nothing is.

        Of the file that a job has made the job's row knows it: it is its creator's.
        """

    @abstractmethod
    def files(self, *, owner: str | None = None, limit: int = 100) -> Sequence[FileRecord]:
        """Return what `add_file` was told of files (of one owner, if named), the newest first."""

    @abstractmethod
    def delete_file(self, key: str) -> None:
        """Forget what `add_file` was told of the file; `UnknownFile` if that was nothing."""


class TokenStore(ABC):
    """Who may come in by which secret. Secrets are not kept, only their digests."""

    @abstractmethod
    def add_token(self, new: KeptToken) -> None:
        """Keep a token."""

    @abstractmethod
    def find_token(self, sha256: str) -> KeptToken | None:
        """Return the token of a secret by its digest, whether it lets anybody in or not."""

    @abstractmethod
    def tokens(self) -> Sequence[Token]:
        """Return all tokens, the newest first."""

    @abstractmethod
    def revoke_token(self, token_id: str, *, at: datetime) -> Token:
        """Let a token let nobody in from then on, and return it; `UnknownToken` if there is none.

        Of one that is revoked already the time stays.
        """


class EventStore(ABC):
    """What happened to jobs, and which listener has heard how much of it."""

    @abstractmethod
    def events(self, job_id: str, *, after: int = 0) -> Sequence[Event]:
        """Return the job's events whose ``n`` is above *after*, in order."""

    @abstractmethod
    def unheard(self, listener: str, *, worker: str, seconds: float) -> Sequence[Event]:
        """Return the next events that *listener* has not heard, in order; few at a time.

        *worker* holds the listener for *seconds* from then, and nobody else is given anything:
        events are heard in the order of their commits, also by two processes. An empty answer
        means that there is nothing new, or that somebody else holds it. A listener that was never
        seen hears of what happens from then on.
        """

    @abstractmethod
    def heard(self, listener: str, event: Event, *, worker: str) -> None:
        """Remember that *listener* has heard *event* and all before; nothing if it is not held."""

    @abstractmethod
    def hand_over(self, listener: str, *, worker: str) -> None:
        """Let another worker have *listener* now; nothing if it is not held."""


class ChunkStore(ABC):
    """The lease protocol: who may work on what, and whose work counts.

    Lease times are judged by the store's clock alone and decide only who may try; the token
    decides whose completion is kept. Each method is one short transaction of its own, but for
    `complete`, which may be given an open one.
    """

    @abstractmethod
    def claim(
        self,
        worker: str,
        *,
        limits: Limits,
        seconds: float,
        at: datetime,
        job_id: str | None = None,
    ) -> Lease | None:
        """Lease the next chunk that may be tried (of one job, if named), or return None.

        It pays for the attempt, raises the token, and starts a confirmed job, in one commit. The
        job with the fewest leased chunks comes first. Not claimed are chunks of paused jobs, and
        confirmed jobs are not started while another one with their exclusive key is processed, or
        as many of their creator's as *limits* allow; of two at once one is started.
        """

    @abstractmethod
    def renew(self, lease: Lease) -> bool:
        """Make the lease last its seconds from now; return whether the job is paused.

        `LeaseLost` if it is not current any more.
        """

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Any]:
        """Open a transaction that commits when the block ends, and keeps nothing if it raises."""

    @abstractmethod
    def savepoint(self, transaction: Any) -> AbstractContextManager[Any]:
        """Undo what the block does in an open *transaction* if it raises, and nothing else."""

    @abstractmethod
    def stage(self, lease: Lease, chunks: Sequence[Chunk]) -> None:
        """Keep chunks of a plan that goes on; `LeaseLost` if the lease is not current any more.

        The first ones of an attempt replace what an earlier attempt staged.
        """

    @abstractmethod
    def complete(
        self,
        lease: Lease,
        done: Planned | Part | Finished,
        *,
        at: datetime,
        transaction: Any = None,
    ) -> None:
        """Commit what a chunk did: the chunk's row, then the job's, as the last statements.

        A plan moves the job to pre_processed (and on to confirmed where it is no dry run), a work
        chunk moves the counters, the finish completes the job; the last work chunk (or the
        confirming of a plan without chunks) adds the finish. `LeaseLost` if the token is not
        current or the job has ended: then nothing is kept, also of *transaction*.
        """

    @abstractmethod
    def fail(
        self,
        lease: Lease,
        errors: Sequence[JobError],
        *,
        detail: str,
        delay: float,
        give_up: bool,
        at: datetime,
        file: StoredFile | None = None,
    ) -> bool:
        """Give the chunk back after an error: claimable again after *delay* seconds.

        If *give_up*, or if this was the last attempt, the chunk is dead and the job fails with
        *errors* and with *file* as its file, in the same commit; then True is returned. *detail*
        is for operators. A lease that is not current is left alone.
        """

    @abstractmethod
    def release(self, lease: Lease) -> None:
        """Give chunk and attempt back untried; a lease that is not current is left alone."""

    @abstractmethod
    def sweep(self, *, at: datetime, limits: Limits) -> int:
        """End what can only end here, and return how many chunks were given up.

        Chunks whose last attempt's lease is over are dead, and their jobs fail; chunks of ended
        jobs become void; a finish that is missing is added. It reads first, so that an idle sweep
        takes no lock; what is too much for one is left for the next.
        """

    @abstractmethod
    def chunks(self, job_id: str) -> Iterator[Chunk]:
        """Yield the work chunks of a job that is planned, in order; none of one that is not."""

    @abstractmethod
    def parts(self, job_id: str) -> Iterator[Part]:
        """Yield what the done work chunks of a job left, in order."""

    @abstractmethod
    def next_claim(self, job_id: str) -> float | None:
        """Return the seconds until a chunk of the job may be claimed; None if there is none.

        A leased chunk may be once its lease is over, unless that was its last attempt: what
        becomes of it then is `sweep`'s to say. So None can also be said of an open job.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of connections; the store may be used again afterwards."""


class Store(JobStore, EventStore, ChunkStore, TokenStore):
    """Jobs, events and chunks in one place, so that they change in one commit; and tokens."""


StoreFactory = Callable[[str, Settings], Store]
"""Opens the store of a URL."""
