"""What a measurement comes to: figures, their goals, and the machine that they are true of."""

import os
import platform
import sqlite3
import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import starmap
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks.catalogs import SERVER

_LIBRARIES: Final = ("attrs", "cattrs", "pluggy", "sqlalchemy", "psycopg", "click", "rich")
_TITLES: Final = ("figure", "median", "least", "most", "runs", "", "goal", "")


@attrs.frozen(kw_only=True)
class Options:
    """What to measure, and how often.

    *stores* says where a job's store is: ``apart`` in a SQLite file of its own, or in the ``same``
    database as the catalogue. *whole*: whole commands too. *server* is
    PostgreSQL's URL, where databases may be made.
    """

    sizes: Sequence[int] = (1_000, 10_000, 100_000)
    databases: Sequence[str] = ("sqlite", "postgresql")
    stores: Sequence[str] = ("apart", "same")
    rounds: int = 5
    jobs: int = 200
    whole: bool = True
    server: str = SERVER

    def as_json(self) -> Mapping[str, Any]:
        """Return them, but for the server, whose URL may hold a password."""
        return attrs.asdict(self, filter=attrs.filters.exclude("server"))


@attrs.frozen
class Figure:
    """One thing that was measured, each time it was.

    The *goal* is the most that its median may be, or the least if it has to be *at_least* that.
    """

    name: str
    runs: Sequence[float]
    unit: str = "s"
    goal: float | None = None
    at_least: bool = False

    @property
    def median(self) -> float:
        """The median of all runs."""
        return statistics.median(self.runs)

    @property
    def verdict(self) -> str:
        """``ok`` or ``MISSED``; nothing where there is no goal."""
        if self.goal is None:
            return ""
        met = self.median >= self.goal if self.at_least else self.median <= self.goal
        return "ok" if met else "MISSED"

    def as_json(self) -> Mapping[str, Any]:
        """Return all there is to know of it."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "min": min(self.runs),
            "max": max(self.runs),
            "goal": self.goal,
            "at_least": self.at_least,
            "verdict": self.verdict,
            "runs": list(self.runs),
        }


def ratio(
    name: str,
    ours: Sequence[float],
    floor: Sequence[float],
    *,
    goal: float | None = None,
    at_least: bool = False,
) -> Figure:
    """Return how many times the floor's our cost is: of each pair of runs that took turns."""
    runs = [a / b for a, b in zip(ours, floor, strict=True)]
    return Figure(name, runs, "x", goal, at_least)


def table(figures: Iterable[Figure]) -> str:
    """Return *figures* as lines for people."""
    rows = [_TITLES, *map(_cells, figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            [row[0].ljust(widths[0]), *starmap(str.rjust, zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    values = (figure.median, min(figure.runs), max(figure.runs))
    sign = ">=" if figure.at_least else "<="
    goal = "" if figure.goal is None else f"{sign} {figure.goal:g}"
    numbers = (f"{value:.3g}" if value < 100 else f"{value:.0f}" for value in values)  # noqa: PLR2004
    return (figure.name, *numbers, str(len(figure.runs)), figure.unit, goal, figure.verdict)


def machine() -> Mapping[str, Any]:
    """Return what the figures depend on: processors, load, versions, and the date."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": os.cpu_count(),
        "cpu": _cpu(),
        "system": platform.platform(),
        "load": os.getloadavg(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else ()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
