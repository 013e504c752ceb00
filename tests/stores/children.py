"""What the tests of stores do in other processes; such a process has to import it by its name."""

import os
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from typing import Final

import sqlalchemy as sa

from batchjob.stores.sql import SqlStore
from batchjob.testing.stores.making import LIMITS, NOON, created
from stores.databases import SETTINGS, opened

_STATUS: Final = sa.text("SELECT status FROM batchjob_job")


def open_at_once(url: str, start: Barrier) -> None:
    """Open a store when the others do, and write to it."""
    start.wait(60)
    store = SqlStore.open(url, SETTINGS)
    store.sweep(at=datetime.now(UTC), limits=LIMITS)
    with store.transaction():
        pass
    store.close()


def fork_after_use(url: str) -> None:
    """Fork in the middle of using a store, and use it in both processes; raises if that hurts."""
    with opened(url) as store:
        job = created(store)
        with store._database.read() as connection:
            seen, engine = [connection.scalar(_STATUS)], store._database._here().writes
            if not (child := os.fork()):
                _cancel_and_exit(store, job.id, engine)
            _, status = os.waitpid(child, 0)
            seen.append(connection.scalar(_STATUS))
        store.pause(created(store).id, at=NOON, actor=None)
        found = [status, seen[0], store.events(job.id)[-1].actor]
    if found != [0, "created", "child"] or seen[1] is None:
        raise AssertionError(found)


def _cancel_and_exit(store: SqlStore, job_id: str, parents: sa.Engine) -> None:
    try:
        if store._database._here().writes is parents:
            os._exit(2)
        store.move(job_id, "cancel", at=NOON, actor="child")
        store.close()
        os._exit(0)
    finally:
        os._exit(1)
