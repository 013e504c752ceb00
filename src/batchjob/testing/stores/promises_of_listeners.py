"""What every store promises of listeners: each hears all that happens, in order."""

import threading
from collections.abc import Sequence

from batchjob.abc import Store
from batchjob.core.chunks import ChunkKind, Finished
from batchjob.core.events import Event
from batchjob.core.status import Status
from batchjob.testing.stores.making import (
    NOON,
    Advance,
    at_once,
    claimed,
    created,
    finished,
    planned,
)

HELD = 30.0


def hears(store: Store, *, worker: str = "w1", listener: str = "mail") -> Sequence[Event]:
    """Return what a listener has not heard."""
    return store.unheard(listener, worker=worker, seconds=HELD)


def heard_all(store: Store, *, worker: str = "w1", listener: str = "mail") -> list[Event]:
    """Hear all that there is, and hand over."""
    found = list[Event]()
    while events := hears(store, worker=worker, listener=listener):
        for event in events:
            found.append(event)
            store.heard(listener, event, worker=worker)
    store.hand_over(listener, worker=worker)
    return found


class PromisesOfListeners:
    """The port `JobStore`, as far as it is about listeners."""

    def test_a_new_listener_hears_of_what_happens_from_then_on(self, store: Store) -> None:
        """A listener that was never seen hears nothing of before, and all from then on."""
        finished(store)
        assert not hears(store)
        job = planned(store)
        events = hears(store)
        assert list(events) == list(store.events(job.id))
        assert [event.to_status for event in events] == [
            Status.CREATED,
            Status.PRE_PROCESSED,
            Status.CONFIRMED,
        ]

    def test_what_was_not_heard_is_told_again(self, store: Store) -> None:
        """Events come again until they are said to be heard; after that, never."""
        hears(store)
        planned(store)
        first = hears(store)
        assert hears(store) == first
        store.heard("mail", first[1], worker="w1")
        assert hears(store) == first[2:]
        store.heard("mail", first[0], worker="w1")
        assert hears(store) == first[2:]
        store.heard("mail", first[2], worker="w1")
        assert not hears(store)

    def test_listeners_do_not_know_each_other(self, store: Store) -> None:
        """What one listener has heard is new to another."""
        hears(store)
        hears(store, listener="audit", worker="w2")
        job = created(store)
        heard_all(store)
        assert [event.job_id for event in hears(store, listener="audit", worker="w2")] == [job.id]

    def test_one_worker_at_a_time_holds_a_listener(self, store: Store, advance: Advance) -> None:
        """While a worker holds a listener nobody else is given anything, until its time is over."""
        hears(store)
        created(store)
        events = hears(store)
        assert not hears(store, worker="w2")
        advance(HELD + 1)
        assert hears(store, worker="w2") == events
        store.heard("mail", events[0], worker="w1")
        assert not hears(store)
        assert hears(store, worker="w2") == events

    def test_a_listener_can_be_handed_over(self, store: Store) -> None:
        """A worker that hands a listener over lets another one hear at once; only its own."""
        hears(store)
        created(store)
        events = hears(store)
        store.hand_over("mail", worker="w2")
        assert not hears(store, worker="w2")
        store.hand_over("mail", worker="w1")
        assert hears(store, worker="w2") == events
        store.hand_over("nobody", worker="w2")

    def test_who_has_nothing_to_hear_holds_nothing(self, store: Store) -> None:
        """An empty answer leaves the listener to whoever asks first when something happens."""
        hears(store)
        assert not hears(store, worker="w1")
        created(store)
        assert hears(store, worker="w2")

    def test_a_hold_by_a_clock_that_was_put_back_is_over(
        self, store: Store, advance: Advance
    ) -> None:
        """A listener that is held for longer than anybody can hold it is free."""
        hears(store)
        created(store)
        assert hears(store)
        advance(-100_000)
        assert hears(store, worker="w2")

    def test_a_worker_that_dies_leaves_its_place(self, store: Store, advance: Advance) -> None:
        """What a worker told but did not say so is told again, by the next one, from there on."""
        hears(store)
        planned(store)
        events = hears(store)
        store.heard("mail", events[0], worker="w1")
        advance(HELD + 1)
        assert heard_all(store, worker="w2") == list(events[1:])

    def test_events_come_few_at_a_time_and_none_is_left_out(self, store: Store) -> None:
        """However many events there are, they come in pages, in order, each once."""
        hears(store)
        jobs = [created(store) for _ in range(230)]
        assert 0 < len(hears(store)) < 230
        assert [event.job_id for event in heard_all(store)] == [job.id for job in jobs]

    def test_a_rolled_back_transition_is_not_heard(self, store: Store) -> None:
        """What did not commit is not told, and holds up nothing for good."""
        hears(store)
        job = planned(store, 0)
        last = claimed(store, ChunkKind.FINISH)
        with store.transaction() as transaction:
            store.complete(last, Finished(), at=NOON, transaction=transaction)
            transaction.rollback()
        told = heard_all(store)
        assert [event.to_status for event in told][-1] is Status.PROCESSING
        assert {event.job_id for event in told} == {job.id}

    def test_pauses_are_heard(self, store: Store) -> None:
        """A listener hears of pauses as well."""
        job = created(store)
        hears(store)
        store.pause(job.id, at=NOON, actor=None)
        assert [event.reason for event in heard_all(store)] == ["paused"]

    def test_two_that_pull_for_one_listener_keep_the_order(self, store: Store) -> None:
        """Workers that pull at once hear, together, each event once and in its order."""
        hears(store)
        heard, over = list[Event](), threading.Event()

        def pull(worker: str) -> None:
            while True:
                last = over.is_set()
                for event in hears(store, worker=worker):
                    heard.append(event)
                    store.heard("mail", event, worker=worker)
                store.hand_over("mail", worker=worker)
                if last:
                    return

        pullers = [threading.Thread(target=pull, args=(worker,)) for worker in ("w1", "w2", "w3")]
        for puller in pullers:
            puller.start()
        try:
            at_once(*[lambda: [planned(store, 0) for _ in range(8)]] * 4)
        finally:
            over.set()
            for puller in pullers:
                puller.join()
        assert [event.position for event in heard] == sorted({e.position or 0 for e in heard})
        assert len(heard) == 4 * 8 * 3
        for job_id in {event.job_id for event in heard}:
            assert [e for e in heard if e.job_id == job_id] == list(store.events(job_id))
