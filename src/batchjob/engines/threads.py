"""The engine ``threads:N``: workers in threads of this process."""

from batchjob.abc import Engine, Works
from batchjob.engines.pools import PoolEngine, size


def open_threads(setting: str, works: Works) -> Engine:
    """Return the engine of a setting such as ``threads:4``; `InvalidSetting` if it is none."""
    threads = size(setting)
    return PoolEngine(lambda: works.pool(threads=threads))
