"""The built-in engines, offered by the hook that strangers use."""

from collections.abc import Callable, Mapping

from batchjob.abc import Engine, EngineFactory, Settings
from batchjob.engines.inline import InlineEngine
from batchjob.hookspecs import hookimpl


@hookimpl
def batchjob_engines() -> Mapping[str, EngineFactory]:
    """Offer ``inline``: the caller's thread."""
    return {"inline": _inline}


def _inline(
    setting: str,
    settings: Settings,
    work: Callable[[str], None],
) -> Engine:
    return InlineEngine(work)
