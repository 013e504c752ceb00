"""What the tests of stores do in other processes; such a process has to import it by its name."""

from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier

from batchjob.stores.sql import SqlStore
from stores.databases import SETTINGS


def open_at_once(url: str, start: Barrier) -> None:
    """Open a store when the others do, and write to it."""
    start.wait(60)
    store = SqlStore.open(url, SETTINGS)
    store.sweep(at=datetime.now(UTC))
    with store.transaction():
        pass
    store.close()
