"""What all ports are given: where things are, and what time it is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

SQL_DRIVERS: Final = {  # by the scheme of a URL, as SQLAlchemy calls what speaks to the database
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


@attrs.frozen(kw_only=True)
class Settings:
    """Where things are: URLs of the store, the file store, the engine and the catalogue.

    ``files`` is a folder or a URL. ``engine`` is None where nobody is told of new work. ``lease``
    is in seconds. ``actor_jobs`` is how many jobs of one actor may be processed at once, None for
    any number. ``retention`` is the seconds that ended jobs are kept, None for ever. ``options``
    is for what plugins read of their own.
    """

    store: str = "sqlite:///batchjob.db"
    files: str = "batchjob-files"
    engine: str | None = None
    catalog: str | None = None
    lease: float = 30.0
    actor_jobs: int | None = None
    retention: float | None = None
    options: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def catalog_url(self) -> str:
        """The catalogue's URL: the store's own database unless another one is named."""
        return self.store if self.catalog is None else self.catalog

    @property
    def sql_url(self) -> str | None:
        """The store's URL for SQLAlchemy's ``create_engine``, None if the store is not in SQL.

        It is for strategies that read what `Run.transaction` writes.
        """
        scheme, _, rest = self.store.partition(":")
        driver = SQL_DRIVERS.get(scheme)
        return driver and f"{driver}:{rest}"


class Clock(ABC):
    """The time of day, for the stamps of jobs; leases go by the store's own clock."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the time, aware."""
