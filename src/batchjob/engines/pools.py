"""What the engines ``threads`` and ``processes`` share: workers that start when there is work."""

import os
import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from batchjob.abc import Engine, Pool
from batchjob.errors import InvalidSetting

MOST: Final = 1000
"""The most workers of one engine; more would be a mistake."""


class PoolEngine(Engine):
    """Has a pool of *make* do the work, which is started when there is some.

    So a process that only looks starts nothing, and one that is forked has a pool of its own.
    """

    def __init__(self, make: Callable[[], Pool]) -> None:
        self._make = make
        self._pools: dict[int, Pool] = {}  # by process; a parent's is never touched

    def start(self) -> None:
        """Start the pool if that was not done yet, and have it look for work now."""
        pid = os.getpid()
        pool = self._pools.get(pid)
        if pool is None:
            made = self._make()
            pool = self._pools.setdefault(pid, made)
            if pool is made:
                pool.start()
        pool.nudge()

    def nudge(self, job_id: str) -> None:
        """Start, and look for any work."""
        self.start()

    def remind(self, job_ids: Iterable[str]) -> None:
        """Start, once for all jobs."""
        for _ in islice(job_ids, 1):
            self.start()

    def close(self) -> None:
        """Claim nothing more, and wait for the chunks that are being done; see `Pool.join`."""
        if pool := self._pools.pop(os.getpid(), None):
            pool.drain()
            pool.join()


def size(setting: str) -> int:
    """Return the number of workers in a setting such as ``threads:4``; `InvalidSetting`."""
    found = re.fullmatch(r"[a-z]+:(\d{1,4})", setting, re.ASCII)
    if found is None or not 1 <= int(found[1]) <= MOST:
        name = setting.partition(":")[0]
        raise InvalidSetting(
            f"the engine {name} takes a number of workers from 1 to {MOST}, such as {name}:4"
        )
    return int(found[1])
