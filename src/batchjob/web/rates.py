"""How often a user may ask for what costs something: counted in this process alone."""

import math
import time
from collections.abc import Callable
from typing import Final

from batchjob.web.problems import problem

_KNOWN: Final = 10_000  # users that are counted at once; who had rest for longest is forgotten


class Rate:
    """Lets each user do something *per_minute* times a minute, that many at once (a token bucket).

    *clock* gives seconds that only grow.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = per_minute, clock
        self._left: dict[str, tuple[float, float]] = {}  # user: how often still, at which time

    def take(self, user_id: str) -> None:
        """Count one for the user; 429, and nothing is counted, where that is one too many."""
        now = self._clock()
        left, at = self._left.pop(user_id, (float(self._most), now))
        left = min(self._most, left + (now - at) * self._most / 60)
        self._left[user_id] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > _KNOWN:
            del self._left[next(iter(self._left))]
        if left < 1:
            seconds = math.ceil((1 - left) * 60 / self._most)
            words = f"these are more than {self._most} new jobs a minute; wait {seconds} s"
            raise problem("too_many_requests", words, headers={"retry-after": str(seconds)})
