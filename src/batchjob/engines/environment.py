"""Settings as environment variables: how a process is told where things are, and opens them.

Not on the command line, where everybody on the machine could read a password.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from batchjob.abc import Settings
from batchjob.core.times import seconds
from batchjob.errors import InvalidSetting

if TYPE_CHECKING:
    from batchjob.batchjobs import BatchJobs

_PREFIX: Final = "BATCHJOB_"
_TEXTS: Final = ("store", "files", "catalog", "engine")
_NUMBERS: Final[Mapping[str, tuple[Callable[[str], float], str]]] = {
    "lease": (float, "number"),
    "actor_jobs": (int, "number"),
    "retention": (seconds, "time such as 30d or 12h"),
}
_NAMES: Final = (*_TEXTS, *_NUMBERS, "options", "grace")


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
    for name, (kind, what) in _NUMBERS.items():
        if text := environ.get(_variable(name)):
            given[name] = _read(name, text, kind, what)
    return Settings(**given, options=plugin_options(environ))


def open_jobs(settings: Settings) -> "BatchJobs":
    """Open the jobs of *settings*, without their engine; raises as `BatchJobs.open`."""
    from batchjob.batchjobs import BatchJobs

    return BatchJobs.of(attrs.evolve(settings, engine=None))


def plugin_options(environ: Mapping[str, str]) -> Mapping[str, str]:
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


def _read(name: str, text: str, kind: Callable[[str], float], what: str) -> float:
    try:
        return kind(text)
    except ValueError:
        raise InvalidSetting(f"{_variable(name)} is {text!r}, which is no {what}") from None
