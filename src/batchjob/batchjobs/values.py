"""Small values that `BatchJobs` gives and takes."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from batchjob._typing import Json
from batchjob.abc import Clock, Settings
from batchjob.errors import InvalidSetting

MIN_LEASE: Final = 3.0
"""The shortest lease, in seconds: below it a busy machine loses leases that it works on."""

MIN_RETENTION: Final = 24 * 3600.0
"""The shortest retention, in seconds: users come back for their files the next day."""


_STORE: Final = "a URL such as sqlite:///batchjob.db, or memory:"
_KINDS: Final[Mapping[str, tuple[Any, str]]] = {
    "store": (str, _STORE),
    "files": (str, "a folder or a URL"),
    "catalog": (str | None, "the URL of a catalogue, or None"),
    "engine": (str | None, "a text such as 'threads:4', or None"),
    "lease": (int | float, "seconds"),
    "actor_jobs": (int | None, "a whole number, or None"),
    "retention": (int | float | None, "seconds, or None"),
    "options": (Mapping, "a dict of texts"),
}
"""Of what type settings are, and what is said where they are not."""


def checked(settings: Settings) -> Settings:
    """Return *settings*, or raise `InvalidSetting` for the first that cannot be right."""
    for name, (kinds, right) in _KINDS.items():
        value = getattr(settings, name)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise InvalidSetting(f"{name} is of type {type(value).__name__}; give {right}")
    for name, text in settings.options.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise InvalidSetting(f"the option {name} is no text; options are a dict of texts")
    if ":" not in settings.store:
        raise InvalidSetting(f"the store is no URL; give {_STORE}")
    if not settings.files.strip():
        raise InvalidSetting("files is empty; give a folder or a URL")
    lease, actor_jobs, retention = settings.lease, settings.actor_jobs, settings.retention
    if not MIN_LEASE <= lease < math.inf:
        raise InvalidSetting(f"the lease is {lease} seconds; it must be {MIN_LEASE:g} or more")
    if retention is not None and not MIN_RETENTION <= retention < math.inf:
        raise InvalidSetting(
            f"the retention is {retention} seconds; give {MIN_RETENTION:g} (a day) or more"
        )
    if actor_jobs is not None and actor_jobs < 1:
        raise InvalidSetting(f"actor_jobs is {actor_jobs}; it must be 1 or more")
    return settings


class SystemClock(Clock):
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC)


@attrs.frozen(kw_only=True)
class BatchType:
    """A batch type that jobs can be made of: its name, its version, and its context's schema.

    ``preview`` says whether its jobs can show their changes, ``template`` whether there is a file
    to fill in for them.
    """

    type: str
    version: int
    context_schema: Mapping[str, Json]
    preview: bool = False
    template: bool = False
