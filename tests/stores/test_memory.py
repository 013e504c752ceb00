from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from batchjob.core.chunks import ChunkKind, Part
from batchjob.stores.memory import MemoryStore, MemoryTransaction
from batchjob.testing.stores.conformance import StoreConformance
from batchjob.testing.stores.making import Advance, claimed, planned


@attrs.define
class Clock:
    """A clock that stands where it is put."""

    seconds: float = 1_000_000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Move on, or back."""
        self.seconds += seconds


@attrs.define
class Words:
    """A list that words are added to at a commit."""

    words: list[str] = attrs.field(factory=list)

    def add(self, transaction: Any, word: str) -> None:
        """Add a word when the transaction commits."""
        transaction.on_commit(lambda: self.words.append(word))

    def seen(self) -> Sequence[str]:
        """Return the words."""
        return self.words


class TestMemoryStore(StoreConformance):
    """A store in memory is a store."""

    @pytest.fixture
    def clock(self) -> Clock:
        """A clock of the test's own."""
        return Clock()

    @pytest.fixture
    def store(self, clock: Clock) -> MemoryStore:
        """An empty store."""
        return MemoryStore(clock=clock)

    @pytest.fixture
    def advance(self, clock: Clock) -> Advance:
        """Moves the clock."""
        return clock.advance

    @pytest.fixture
    def effects(self) -> Words:
        """Words that are added at commits."""
        return Words()


def test_effects_that_raise_undo_the_chunk() -> None:
    """An effect that raises at the commit undoes the chunk, and the next one does not happen."""
    store, words = MemoryStore(), Words()
    planned(store)
    lease = claimed(store, ChunkKind.WORK)

    def breaks() -> None:
        raise ZeroDivisionError

    def complete(transaction: MemoryTransaction) -> None:
        transaction.on_commit(breaks)
        words.add(transaction, "never")
        store.complete(lease, Part(seq=0), at=store.get(lease.job_id).updated_at)

    with pytest.raises(ZeroDivisionError), store.transaction() as transaction:
        complete(transaction)
    assert not words.words
    store.renew(lease)


def test_the_own_clock_is_the_time_of_day() -> None:
    """A store in memory that is given no clock goes by the time of day."""
    store = MemoryStore()
    job = planned(store, 1)
    claimed(store, ChunkKind.WORK)
    wait = store.next_claim(job.id)
    assert wait is not None
    assert 29 < wait <= 30
