"""Where jobs stand, in JSON."""

from batchjob._typing import Json
from batchjob.converters.jobs import time_to_json
from batchjob.core.standing import Standing


def standing_to_json(standing: Standing) -> dict[str, Json]:
    """Return *standing* as a JSON object with all of its keys; seconds have three decimals."""
    return {
        "wait": None if standing.wait is None else standing.wait.value,
        "seconds": None if standing.seconds is None else round(standing.seconds, 3),
        "blocked_by": standing.blocked_by,
        "paused_at": None if standing.paused_at is None else time_to_json(standing.paused_at),
        "retry_of": standing.retry_of,
        "chunks": {state.value: number for state, number in standing.chunks.items()},
        "workers": standing.workers,
        "attempts": standing.attempts,
        "last_error": standing.last_error,
        "left": None if standing.left is None else round(standing.left, 3),
    }
