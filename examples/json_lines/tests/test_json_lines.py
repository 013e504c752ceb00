"""Tables become JSON Lines, whole and in order, whatever happens."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from json_lines import JsonLines

from batchjob import InvalidContext
from batchjob.testing import Harness
from batchjob.testing.strategies.conformance import StrategyConformance

ROWS = [("CUP", 999, None), ("MUG", 1250, 'é "x"\n'), ("POT", 0, "")]


def made(folder: Path) -> JsonLines:
    """Make the strategy, and a table in the folder."""
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        database.execute("CREATE TABLE price (sku TEXT PRIMARY KEY, cents INTEGER, note TEXT)")
        database.executemany("INSERT INTO price VALUES (?, ?, ?)", ROWS)
    return JsonLines(sa.create_engine(f"sqlite:///{folder}/shop.db"), ["price"])


@pytest.mark.parametrize("page", [1, 2, 100])
def test_each_row_is_an_object(tmp_path: Path, page: int) -> None:
    """With all of its columns, in the order of the key."""
    with Harness(made(tmp_path)) as here:
        job = here.run({"table": "price", "page": page})
        lines = here.result(job).decode().split("\n")
    assert lines.pop() == ""
    found = [json.loads(line) for line in lines]
    assert found == [dict(zip(("sku", "cents", "note"), row, strict=True)) for row in ROWS]


def test_other_tables_are_unknown(tmp_path: Path) -> None:
    """A table that is there, and not on the list, is none."""
    with Harness(made(tmp_path)) as here:
        for name in ("sqlite_master", "price; DROP TABLE price", ""):
            with pytest.raises(InvalidContext, match="known are: price"):
                here.create({"table": name})


class TestJsonLines(StrategyConformance):
    """All that strategies promise: the file is the same, whatever goes wrong in between."""

    context: ClassVar[Mapping[str, Any]] = {"table": "price", "page": 1}
    refused = ({"table": "order"}, {"table": "price", "page": 0}, {})

    def make(self, folder: Path) -> JsonLines:
        """Make the strategy."""
        return made(folder)
