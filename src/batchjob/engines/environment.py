"""Settings as environment variables: how a process is told where things are, and opens them.

Not on the command line, where everybody on the machine could read a password.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from batchjob.abc import Settings
from batchjob.errors import InvalidSetting

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs

_PREFIX: Final = "BATCHJOB_"
_TEXTS: Final = ("store", "files", "catalog", "engine")
_NAMES: Final = (*_TEXTS, "lease", "actor_jobs", "retention", "options")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def to_environment(settings: Settings) -> Mapping[str, str]:
    """Return *settings* as variables, without the engine: who works for one needs none."""
    found = {"store": settings.store, "files": settings.files, "lease": repr(settings.lease)}
    if settings.catalog is not None:
        found["catalog"] = settings.catalog
    if settings.actor_jobs is not None:
        found["actor_jobs"] = str(settings.actor_jobs)
    if settings.retention is not None:
        found["retention"] = f"{math.ceil(settings.retention)}s"
    if settings.options:
        found["options"] = json.dumps(dict(settings.options))
    return {_variable(name): value for name, value in found.items()}


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return *environ* without the variables that are settings."""
    ours = {_variable(name) for name in _NAMES}
    return {name: value for name, value in environ.items() if name not in ours}


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Return the settings that *environ* names; `InvalidSetting` if one cannot be read."""
    given: dict[str, Any] = {
        name: value for name in _TEXTS if (value := environ.get(_variable(name)))
    }
    if lease := environ.get(_variable("lease")):
        given["lease"] = _number("lease", lease, float)
    if actor_jobs := environ.get(_variable("actor_jobs")):
        given["actor_jobs"] = _number("actor_jobs", actor_jobs, int)
    if retention := environ.get(_variable("retention")):
        given["retention"] = _seconds(retention)
    return Settings(**given, options=options(environ))


def open_jobs(settings: Settings) -> "BatchJobs":
    """Open the jobs of *settings*, without their engine; raises as `BatchJobs.open`."""
    from batchjob.batchjobs import BatchJobs

    return BatchJobs.open(
        settings.store,
        files=settings.files,
        catalog=settings.catalog,
        lease=settings.lease,
        actor_jobs=settings.actor_jobs,
        retention=settings.retention,
        options=settings.options,
    )


def options(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return what ``BATCHJOB_OPTIONS`` holds for plugins: a JSON object of texts."""
    text = environ.get(_variable("options")) or "{}"
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise InvalidSetting(
            f'{_variable("options")} is no JSON object of texts; write e.g. {{"region": "eu"}}'
        )
    return found


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"


def _number(name: str, text: str, kind: type[float] | type[int]) -> float:
    try:
        return kind(text)
    except ValueError:
        raise InvalidSetting(f"{_variable(name)} is {text!r}, which is no number") from None


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII)
    if found is None:
        raise InvalidSetting(
            f"{_variable('retention')} is {text!r}, which is no time; write e.g. 30d or 12h"
        )
    return float(found[1]) * _UNITS[found[2]]
