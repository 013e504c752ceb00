"""Short transactions that are done again where the database ended them for another one."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from batchjob.errors import TransientConflict

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

RETRIES: Final = 3
_PAUSE: Final = 0.02  # seconds before the first one, at most; then twice as long each time


def retried(method: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """Return *method* so that after a deadlock or a serialization failure it is done again.

    Three times at most, after a short wait of random length. For whole transactions alone: what a
    caller does in a transaction of its own, only the caller can do again.
    """

    @wraps(method)
    def again(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        for retry in range(RETRIES):
            try:
                return method(*args, **kwargs)
            except TransientConflict:
                time.sleep(random.uniform(0, _PAUSE * 2**retry))  # noqa: S311 - no secret
        return method(*args, **kwargs)

    return again
