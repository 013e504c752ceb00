"""The ports: what batchjob asks of stores, file stores, engines, clocks and strategies.

Signatures and what an implementer owes; no logic. Whoever writes an adapter needs its module alone.
"""

from batchjob.abc.engines import GRACE, Engine, EngineFactory, Pool, Works
from batchjob.abc.files import FileStore, FileStoreFactory
from batchjob.abc.lists import ORDERS, TIMES, Cursor, JobPage, JobQuery, TimeRange
from batchjob.abc.settings import Clock, Settings
from batchjob.abc.stores import (
    STRATEGY_WAIT,
    ChunkStore,
    EventStore,
    JobStore,
    Limits,
    Store,
    StoreFactory,
    TokenStore,
)
from batchjob.abc.strategies import Context, Run, Strategy

__all__ = [
    "GRACE",
    "ORDERS",
    "STRATEGY_WAIT",
    "TIMES",
    "ChunkStore",
    "Clock",
    "Context",
    "Cursor",
    "Engine",
    "EngineFactory",
    "EventStore",
    "FileStore",
    "FileStoreFactory",
    "JobPage",
    "JobQuery",
    "JobStore",
    "Limits",
    "Pool",
    "Run",
    "Settings",
    "Store",
    "StoreFactory",
    "Strategy",
    "TimeRange",
    "TokenStore",
    "Works",
]
