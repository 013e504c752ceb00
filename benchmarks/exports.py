"""The suite ``export``: product-export beside its floor, in time, in memory, and as it grows."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

from benchmarks.catalogs import catalog, reachable
from benchmarks.child import digest
from benchmarks.figures import Figure, Options, ratio
from benchmarks.processes import measured

LARGE: Final = 50_000
"""From so many products on there are three rounds at most, of the floor and one store's job."""

FEW: Final = 3
"""So many rounds are enough there."""

_RATIO: Final = 1.3
_GROWTH: Final = 1.2
_PEAK_MB: Final = 120.0

Found = Mapping[str, Any]
Case = Callable[[], Found]
Runs = Mapping[str, Sequence[Found]]
"""What each case found, run by run."""


class DifferentBytes(Exception):
    """The job's file is not the floor's: then no time that was measured means anything."""


def exports(options: Options, folder: Path) -> Iterator[Figure]:
    """Measure on each database and size; raises `DifferentBytes`."""
    for database in options.databases:
        if database == "postgresql" and not reachable(options.server):
            print("postgresql is left out: no server answers", file=sys.stderr)
            continue
        by_size: dict[int, Runs] = {}
        for size in sorted(options.sizes):
            work = folder / f"{database}-{size}"
            work.mkdir()
            with catalog(database, size, folder=work, server=options.server) as url:
                by_size[size] = _measure(url, work, size, options)
            rmtree(work)
            yield from _of_size(f"{database} {size:,}", by_size[size])
        yield from _growth(database, by_size)


def _measure(url: str, work: Path, size: int, options: Options) -> Runs:
    if size < LARGE:
        cases = _cases(url, work, options.stores, whole=options.whole)
        return _take_turns(cases, options.rounds, warm_up=True)
    cases = _cases(url, work, options.stores[:1], whole=False)
    return _take_turns(cases, min(options.rounds, FEW), warm_up=False)


def _cases(url: str, work: Path, places: Sequence[str], *, whole: bool) -> Mapping[str, Case]:
    """Return the cases in the order in which they take turns."""
    out, apart, files = work / "out.csv", f"sqlite:///{work / 'store.db'}", work / "files"
    cases: dict[str, Case] = {"floor": lambda: measured("floor", url, out)}
    for place in places:
        cases[f"job, store {place}"] = _job({"apart": apart, "same": url}[place], url, files)
    if whole:
        where = ("--store", apart, "--catalog", url, "--files", files)
        run = ("run", "product-export", *where, "--out", out, "--json")
        cases["floor, whole"] = lambda: _command(out, "floor", url, out, "--imports")
        cases["job, whole"] = lambda: _command(out, "batchjob", *run)
    return cases


def _job(store: str, url: str, files: Path) -> Case:
    if not store.startswith("sqlite:"):  # SQLite's tables are made when it is first opened
        from batchjob.stores.schema import upgrade

        upgrade(store)
    return lambda: measured("job", store, url, files)


def _command(out: Path, *arguments: str | Path) -> Found:
    out.unlink(missing_ok=True)
    found = measured("whole", *arguments)
    with out.open("rb") as file:
        return {**found, "seconds": found["wall"], "sha256": digest(file)}


def _take_turns(cases: Mapping[str, Case], rounds: int, *, warm_up: bool) -> Runs:
    """Run all cases in turn, *rounds* times, and once before that if they shall *warm_up*."""
    runs: dict[str, list[Found]] = defaultdict(list)
    for number in range(rounds + warm_up):
        right = None
        for name, case in cases.items():
            found = case()
            right = right or found["sha256"]
            if found["sha256"] != right:
                raise DifferentBytes(f"{name}: SHA-256 {found['sha256']}, the floor's is {right}")
            if number or not warm_up:
                runs[name].append(found)
    return runs


def _of_size(title: str, runs: Runs) -> Iterator[Figure]:
    for name, found in runs.items():
        seconds = _all(found, "seconds")
        yield Figure(f"{title}: {name}", seconds, "s")
        floor = "floor, whole" if name.endswith("whole") else "floor"
        if name != floor:
            beside = _all(runs[floor], "seconds")
            yield ratio(f"{title}: {name}, of the floor", seconds, beside, goal=_RATIO)
            own, its = _all(found, "cpu"), _all(runs[floor], "cpu")
            yield ratio(f"{title}: {name}, own processor time, of the floor", own, its)
        yield from _peaks(f"{title}: {name}, peak memory", _all(found, "peak"), name)


def _peaks(title: str, peaks: Sequence[float], name: str) -> Iterator[Figure]:
    if peaks:
        yield Figure(title, peaks, "MB", None if name.startswith("floor") else _PEAK_MB)


def _growth(title: str, by_size: Mapping[int, Runs]) -> Iterator[Figure]:
    """Yield how cost and memory grow from one size to the next; 1 means not at all."""
    for small, large in pairwise(by_size):
        step = f"{title} {small:,} to {large:,}"
        for name in (name for name in by_size[large] if name in by_size[small]):
            goal = None if name.startswith("floor") else _GROWTH
            both = by_size[large][name], by_size[small][name]
            costs = [
                statistics.median(_all(found, "seconds")) / size
                for found, size in zip(both, (large, small), strict=True)
            ]
            yield ratio(f"{step}: {name}, cost of a product", costs[:1], costs[1:], goal=goal)
            peaks = [max(_all(found, "peak"), default=0) for found in both]
            if all(peaks):
                yield ratio(f"{step}: {name}, memory", peaks[:1], peaks[1:], goal=goal)


def _all(found: Sequence[Found], key: str) -> list[float]:
    return [run[key] for run in found if run.get(key) is not None]
