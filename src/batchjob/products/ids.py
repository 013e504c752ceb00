"""Ids of what an import makes: a prefix and a ULID, many of one moment."""

import time
from collections.abc import Callable
from typing import Final

from batchjob.core.ids import ulid

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_BITS: Final = 20  # of the counter, the last four characters


class IdMaker:
    """Makes ids that rise; a ULID for each would cost thirty times as much."""

    def __init__(self, random_bits: Callable[[int], int]) -> None:
        self._bits, self._head, self._next = random_bits, "", 0

    def __call__(self, prefix: str) -> str:
        """Return a new id with this prefix, such as ``prod``."""
        if not self._next & ((1 << _BITS) - 1):
            random = self._bits(80) >> _BITS << _BITS
            self._head, self._next = ulid(int(time.time() * 1000), random)[:-4], 0
        number = self._next
        self._next += 1
        return f"{prefix}_{self._head}{_PAIRS[number >> 10]}{_PAIRS[number & 1023]}"
