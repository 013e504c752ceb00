"""What an actor may be allowed or forbidden to do to jobs."""

from typing import Final, Literal, get_args

Action = Literal["create", "see", "confirm", "cancel", "pause", "resume", "retry"]
"""``see`` is to look at a job, its events, its standing and its files, and to find it in lists."""

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
