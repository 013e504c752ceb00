"""The built-in stores, offered by the hook that strangers use; SQLAlchemy is loaded late."""

from collections.abc import Mapping

from batchjob.abc import Settings, Store, StoreFactory
from batchjob.errors import MissingExtra
from batchjob.hookspecs import hookimpl


@hookimpl
def batchjob_stores() -> Mapping[str, StoreFactory]:
    """Offer ``memory:``, ``sqlite:`` and ``postgresql:`` (or ``postgres:``)."""
    return {"memory": _memory, "sqlite": _sql, "postgresql": _sql, "postgres": _sql}


def _memory(url: str, settings: Settings) -> Store:
    from batchjob.stores.memory import MemoryStore

    return MemoryStore()


def _sql(url: str, settings: Settings) -> Store:
    try:
        import sqlalchemy  # noqa: F401  to tell its absence from a fault of our own
    except ImportError:
        raise MissingExtra("a SQL store", "sql") from None
    from batchjob.stores.sql import SqlStore

    return SqlStore.open(url, settings)
