"""The places where a crash is worth trying, by name; nothing happens there but in such a trial.

Code that reaches one calls ``faults.point("work.part_written")``, through the module, so that a
trial can put a function of its own in the place of `point`: one that kills the process, say.
"""

from collections.abc import Callable
from typing import Final, Literal, get_args

Point = Literal[
    "claim.before_commit",
    "claim.after_commit",
    "plan.rows_inserted",
    "work.part_written",
    "work.mid_effect",
    "work.before_commit",
    "work.after_commit",
    "finish.merged",
    "finish.published",
    "finish.before_commit",
    "finish.after_commit",
    "confirm.after_commit",
    "run.checkpoint",
]
POINTS: Final[tuple[Point, ...]] = get_args(Point)


def _go_on(reached: Point) -> None:
    pass


point: Callable[[Point], object] = _go_on
"""Called where a point is reached; what it returns is of no account."""
