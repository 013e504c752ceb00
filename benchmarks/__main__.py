"""The command ``python -m benchmarks``: measures, prints a table, and keeps all runs as JSON.

The exit status is 0 whatever the figures are, since a busy machine misses any goal; it is 1 if an
export does not write the same bytes as its floor, or an import leaves another catalogue.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.auth import auth
from benchmarks.celery_jobs import celery_jobs
from benchmarks.exports import DifferentBytes, exports
from benchmarks.figures import Figure, Options, machine, table
from benchmarks.http import http
from benchmarks.machinery import empty_jobs, imports
from benchmarks.parallel import parallel
from benchmarks.product_imports import DifferentContent, product_imports

RESULTS: Final = Path(__file__).parent / "results"

_SUITES: Final[Mapping[str, Callable[[Options, Path], Iterator[Figure]]]] = {
    "export": exports,
    "product-import": product_imports,
    "jobs": empty_jobs,
    "imports": imports,
    "celery": celery_jobs,
    "parallel": parallel,
    "http": http,
    "auth": auth,
}


def main() -> int:
    """Measure what the command line asks for; return the exit status."""
    suites, options, out = _arguments()
    before, figures, status = machine(), [], 0
    try:
        with TemporaryDirectory(prefix="batchjob-bench-") as folder:
            for suite in suites:
                for figure in _SUITES[suite](options, Path(folder)):
                    print(figure.name, f"{figure.median:.3g} {figure.unit}", file=sys.stderr)
                    figures.append(figure)
    except (DifferentBytes, DifferentContent) as error:
        print(f"not the same: {error}", file=sys.stderr)
        status = 1
    print(table(figures))
    found = {
        "machine": before,
        "load after": machine()["load"],
        "options": options.as_json(),
        "figures": [figure.as_json() for figure in figures],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(f"\nall runs: {out}")
    return status


def _arguments() -> tuple[Sequence[str], Options, Path]:
    usual = Options()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", help=f"of {', '.join(_SUITES)}; all if none is named")
    parser.add_argument("--sizes", type=_numbers, default=usual.sizes, help="numbers of products")
    parser.add_argument("--databases", type=_words, default=usual.databases)
    parser.add_argument("--stores", type=_words, default=usual.stores, help="apart, same")
    parser.add_argument("--rounds", type=int, default=usual.rounds)
    parser.add_argument("--jobs", type=int, default=usual.jobs, help="how many empty jobs")
    parser.add_argument("--no-whole", action="store_true", help="leave whole commands out")
    parser.add_argument("--server", default=usual.server, help="PostgreSQL that may be used")
    parser.add_argument("--json", type=Path, help="where to keep all runs")
    given = parser.parse_args()
    for known, asked in (
        (_SUITES, given.suites),
        (("sqlite", "postgresql"), given.databases),
        (("apart", "same"), given.stores),
    ):
        if wrong := [name for name in asked if name not in known]:
            parser.error(f"unknown: {', '.join(wrong)}; known: {', '.join(known)}")
    options = Options(
        sizes=given.sizes,
        databases=given.databases,
        stores=given.stores,
        rounds=given.rounds,
        jobs=given.jobs,
        whole=not given.no_whole,
        server=given.server,
    )
    out = given.json or RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    return given.suites or tuple(_SUITES), options, out


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
