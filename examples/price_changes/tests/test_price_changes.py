"""Prices change as they were shown, once, whatever happens."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import price_changes
import pytest
import sqlalchemy as sa
from price_changes import PriceChanges

from batchjob import InvalidContext, Outcomes
from batchjob.testing import Harness
from batchjob.testing.strategies.conformance import StrategyConformance

PRICES = {"CUP": 999, "MUG-L": 1250, "MUG-S": 1, "POT": 0}


def made(folder: Path) -> PriceChanges:
    """Make the strategy, and its prices in the folder's store."""
    with closing(sqlite3.connect(folder / "jobs.db")) as database, database:
        database.execute("CREATE TABLE price (sku TEXT PRIMARY KEY, cents INTEGER)")
        database.executemany("INSERT INTO price VALUES (?, ?)", PRICES.items())
    return PriceChanges(sa.create_engine(f"sqlite:///{folder}/jobs.db"))


def prices(folder: Path) -> dict[str, int]:
    """Return all prices."""
    with closing(sqlite3.connect(folder / "jobs.db")) as database:
        return dict(database.execute("SELECT sku, cents FROM price"))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Harness]:
    """Jobs in a SQLite file beside the prices."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    with Harness(made(tmp_path), folder=tmp_path, store=url) as harness:
        yield harness


def test_prices_change_as_they_were_shown(here: Harness, tmp_path: Path) -> None:
    """Those of the prefix alone, rounded, and nothing before it is confirmed."""
    job = here.go_on(here.create({"percent": "-10", "prefix": "MUG-"}, dry_run=True))
    shown = here.jobs.changes(job.id).changes
    assert [(c.key, c.outcome.value, c.old, c.new) for c in shown] == [
        ("MUG-L", "updated", {"cents": 1250}, {"cents": 1125}),
        ("MUG-S", "unchanged", {}, {}),
    ]
    assert prices(tmp_path) == PRICES
    done = here.go_on(here.jobs.confirm(job.id))
    assert done.result is not None
    assert done.result.outcomes == Outcomes(updated=1, unchanged=1)
    assert prices(tmp_path) == PRICES | {"MUG-L": 1125}


def test_a_price_that_changed_since_is_left(here: Harness, tmp_path: Path) -> None:
    """It counts as failed."""
    job = here.go_on(here.create({"percent": "50"}, dry_run=True))
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as database, database:
        database.execute("UPDATE price SET cents = 7 WHERE sku = 'CUP'")
    done = here.go_on(here.jobs.confirm(job.id))
    assert done.result is not None
    assert done.result.outcomes == Outcomes(updated=2, unchanged=1, failed=1)
    assert prices(tmp_path)["CUP"] == 7


class TestPriceChanges(StrategyConformance):
    """All that strategies promise: each price is changed once, whatever goes wrong in between."""

    context: ClassVar[Mapping[str, Any]] = {"percent": "10"}
    refused = ({"percent": 10}, {"percentage": "10"}, {})
    stores = ("sqlite",)

    @pytest.fixture(autouse=True)
    def _some_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(price_changes, "PAGE", 2)

    def make(self, folder: Path) -> PriceChanges:
        """Make the strategy."""
        return made(folder)

    def effects(self, folder: Path) -> object:
        """Return what it changes."""
        return prices(folder)


@pytest.mark.parametrize("percent", ["ten", "", "NaN", "-101", "1e9"])
def test_a_percentage_that_is_none_is_refused(here: Harness, percent: str) -> None:
    """It is said where, and what would be right."""
    with pytest.raises(InvalidContext, match="is no percentage; write a number"):
        here.create({"percent": percent})


def test_it_is_offered_where_the_jobs_are_in_a_database(tmp_path: Path) -> None:
    """There is no table of prices in memory."""
    from batchjob import Settings

    assert not price_changes.batchjob_strategies(Settings(store="memory:"))
    (found,) = price_changes.batchjob_strategies(Settings(store=f"sqlite:///{tmp_path}/a.db"))
    assert found.batch_type == "price-changes"
    found.close()
