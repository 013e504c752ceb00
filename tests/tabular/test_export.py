"""The base of exports."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from batchjob import BatchJobs, ExportStrategy, Run
from batchjob.tabular import Cell
from support import Offering


@attrs.frozen(kw_only=True)
class Squares:
    """Which numbers to square."""

    numbers: int = 3
    escape_formulas: bool = True


class SquareExport(ExportStrategy[Squares]):
    """Numbers and their squares; odd ones give no row, 4 gives two."""

    batch_type = "square-export"
    file_name = "squares.csv"

    def columns(self, run: Run[Squares]) -> Sequence[str]:
        """Return the header."""
        return ["Number", "Square", "Formula"]

    def keys(self, run: Run[Squares]) -> Iterable[int]:
        """Yield the numbers."""
        yield from range(run.context.numbers)

    def rows(self, run: Run[Squares], keys: Sequence[Any]) -> Iterable[Sequence[Cell]]:
        """Square them."""
        for key in keys:
            if key % 2 == 0:
                yield from [[key, -key * key, f"={key}*{key}"]] * (2 if key == 4 else 1)

    def page_size(self, context: Squares) -> int:
        """Make small chunks."""
        return 2


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (
            {"numbers": 5},
            b"Number;Square;Formula\r\n0;0;'=0*0\r\n2;-4;'=2*2\r\n4;-16;'=4*4\r\n4;-16;'=4*4\r\n",
        ),
        (
            {"numbers": 1, "escape_formulas": False},
            b"Number;Square;Formula\r\n0;0;=0*0\r\n",
        ),
        ({"numbers": 0}, b"Number;Square;Formula\r\n"),
    ],
)
def test_a_strategy_says_columns_keys_and_rows(
    tmp_path: Path, context: Any, expected: bytes
) -> None:
    """Chunks, progress, escaping and the file come from the base; none has at least a header."""
    plugins = {"test": Offering(SquareExport())}
    with BatchJobs.open("memory:", files=str(tmp_path), plugins=plugins) as jobs:
        job = jobs.work(jobs.create("square-export", context).id)
        assert job.result is not None
        assert job.result.count == context["numbers"]
        assert job.result.stat_descriptors[0].key == "square-export-count"
        with jobs.open_result(job.id) as file:
            assert file.read() == expected
