"""The built-in engines, offered by the hook that strangers use; each is loaded when it is named."""

from collections.abc import Mapping

from batchjob.abc import Engine, EngineFactory, Settings, Works
from batchjob.errors import MissingExtra
from batchjob.hookspecs import hookimpl


@hookimpl
def batchjob_engines() -> Mapping[str, EngineFactory]:
    """Offer ``inline``, ``threads:N``, ``processes:N`` and ``celery`` (or ``celery:BROKER``)."""
    return {"inline": _inline, "threads": _threads, "processes": _processes, "celery": _celery}


def _inline(setting: str, settings: Settings, works: Works) -> Engine:
    from batchjob.engines.inline import InlineEngine

    return InlineEngine(works)


def _threads(setting: str, settings: Settings, works: Works) -> Engine:
    from batchjob.engines.threads import open_threads

    return open_threads(setting, works)


def _processes(setting: str, settings: Settings, works: Works) -> Engine:
    from batchjob.engines.processes import open_processes

    return open_processes(setting, settings, works)


def _celery(setting: str, settings: Settings, works: Works) -> Engine:
    try:
        from batchjob.engines.celery import open_celery
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "celery":
            raise
        raise MissingExtra("the engine celery", "celery") from None
    return open_celery(setting, settings)
