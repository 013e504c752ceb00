"""The suite ``product-import``: imports beside their floor, in time, in memory, as they grow.

Three files are imported one after the other into one catalogue: products that are new, the same
file again, and one in which every other product has changed.
"""

import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

from sqlalchemy import create_engine, make_url, text

from benchmarks.catalogs import catalog, reachable
from benchmarks.exports import FEW, LARGE, Found, Runs
from benchmarks.figures import Figure, Options, ratio
from benchmarks.processes import measured
from benchmarks.product_files import content, write_products

STEPS: Final = ("new", "unchanged", "half changed")
WAYS: Final = ("floor", "job")

_RATIO: Final = 1.3
_JUDGED: Final = 10_000  # products, from which on it is the work that is measured
_UNCHANGED: Final = 0.7
_GROWTH: Final = 1.2
_PEAK_MB: Final = 150.0
_READING: Final = 0.15


class DifferentContent(Exception):
    """The job and its floor leave different catalogues: then no time means anything."""


def product_imports(options: Options, folder: Path) -> Iterator[Figure]:
    """Measure on each database and size; raises `DifferentContent`."""
    for database in options.databases:
        if database == "postgresql" and not reachable(options.server):
            print("postgresql is left out: no server answers", file=sys.stderr)
            continue
        by_size: dict[int, Runs] = {}
        for size in sorted(options.sizes):
            work = folder / f"import-{database}-{size}"
            work.mkdir()
            files = {step: work / f"{step}.csv" for step in STEPS}
            write_products(files["new"], size)
            files["unchanged"] = files["new"]
            write_products(files["half changed"], size, changed="half")
            by_size[size] = _measure(database, work, files, size, options)
            if database == options.databases[0]:
                yield from _reading(f"{size:,}", files["new"], min(options.rounds, FEW))
            shutil.rmtree(work)
            yield from _of_size(f"{database} {size:,}", by_size[size], is_judged=size >= _JUDGED)
        yield from _growth(database, by_size)


def _measure(
    database: str, work: Path, files: Mapping[str, Path], size: int, options: Options
) -> Runs:
    runs: dict[str, list[Found]] = defaultdict(list)
    is_large = size >= LARGE
    rounds = min(options.rounds, FEW) if is_large else options.rounds
    for number in range(rounds + (not is_large)):
        held: dict[str, str] = {}
        for way in WAYS:
            with empty_catalog(database, work, options.server) as url, ExitStack() as stack:
                place = work / way
                place.mkdir()
                stack.callback(shutil.rmtree, place)
                for step in STEPS:
                    _analyze(url)
                    found = measured(f"{way} import", url, files[step], place)
                    if number or is_large:  # the first round warms up
                        runs[f"{way}, {step}"].append(found)
                held[way] = content(url)
        if held["job"] != held["floor"]:
            raise DifferentContent(f"{database}, {size} products: {held}")
    return runs


@contextmanager
def empty_catalog(database: str, folder: Path, server: str) -> Iterator[str]:
    """Make a catalogue without products; what they share is there."""
    with catalog(database, 0, folder=folder, server=server) as url:
        engine = create_engine(_driver(url))
        with engine.begin() as connection:
            profile = (
                "INSERT INTO shipping_profile (id, name, type) VALUES ('sp_1', 'D', 'default')"
            )
            connection.execute(text(profile))
        engine.dispose()
        yield url


def _analyze(url: str) -> None:
    """Give the planner the statistics that it would have a minute later."""
    engine = create_engine(_driver(url))
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _driver(url: str) -> str:
    given = make_url(url)
    if given.drivername == "postgresql":
        given = given.set(drivername="postgresql+psycopg")
    return given.render_as_string(hide_password=False)


def _reading(title: str, file: Path, rounds: int) -> Iterator[Figure]:
    found = [measured("reading", file) for _ in range(rounds)]
    runs = [run["bare"] / run["checked"] for run in found]
    name = f"{title} products: rows/s read and checked, of a bare csv.reader"
    yield Figure(name, runs, "x", _READING, at_least=True)
    yield Figure(f"{title} products: reading, peak memory", [r["peak"] for r in found], "MB")


def _of_size(title: str, runs: Runs, *, is_judged: bool) -> Iterator[Figure]:
    for step in STEPS:
        floor, job = runs[f"floor, {step}"], runs[f"job, {step}"]
        yield Figure(f"{title}: floor, {step}", _all(floor, "seconds"), "s")
        yield Figure(f"{title}: job, {step}", _all(job, "seconds"), "s")
        goal = _RATIO if step == "new" and is_judged else None
        both = _all(job, "seconds"), _all(floor, "seconds")
        yield ratio(f"{title}: job, {step}, of the floor", *both, goal=goal)
        own = _all(job, "cpu"), _all(floor, "cpu")
        yield ratio(f"{title}: job, {step}, own processor time, of the floor", *own)
        for way, found in (("floor", floor), ("job", job)):
            peaks = _all(found, "peak")
            limit = _PEAK_MB if way == "job" else None
            yield Figure(f"{title}: {way}, {step}, peak memory", peaks, "MB", limit)
    both = _all(runs["job, unchanged"], "seconds"), _all(runs["job, new"], "seconds")
    yield ratio(f"{title}: job, unchanged, of new", *both, goal=_UNCHANGED)


def _growth(title: str, by_size: Mapping[int, Runs]) -> Iterator[Figure]:
    """Yield how cost and memory grow from one size to the next; 1 means not at all."""
    for small, large in pairwise(by_size):
        for way in WAYS:
            goal = _GROWTH if way == "job" and small >= _JUDGED else None
            for step in STEPS:
                name = f"{way}, {step}"
                costs = [
                    median(_all(by_size[size][name], "seconds")) / size for size in (large, small)
                ]
                peaks = [max(_all(by_size[size][name], "peak")) for size in (large, small)]
                what = f"{title} {small:,} to {large:,}: {name}"
                yield ratio(f"{what}, cost of a product", costs[:1], costs[1:], goal=goal)
                yield ratio(f"{what}, memory", peaks[:1], peaks[1:], goal=goal)


def _all(found: Any, key: str) -> list[float]:
    return [run[key] for run in found]
