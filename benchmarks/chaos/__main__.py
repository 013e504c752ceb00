"""The command ``python -m benchmarks.chaos``: kills workers at random and counts what was lost.

Four workers work on one large job and many small ones. One of them is killed every 50 ms; they
also kill themselves at named points, and stand still for longer than their leases. Each chunk
writes rows in its own transaction to a table without unique constraint, so that a row that is
written twice is seen. PostgreSQL is a server of the run's own, stopped as by a crash.

The exit status is 1 if a row, file or job was lost, doubled, wrong or stuck. With --no-fencing
it has to be: the run sees the faults that it reports as absent.
"""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from benchmarks.chaos.check import Verdict
from benchmarks.chaos.run import Options, run

_STORES: Final = ("sqlite", "postgresql")
_HIDDEN: Final = {"options", "errors"}


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    stores, options, out = _arguments()
    print(f"seed {options.seed}", file=sys.stderr)
    verdicts = []
    for store in stores:
        verdicts.append(run(store, options))
        print(f"{store}: {'good' if verdicts[-1].is_good else 'BAD'}", file=sys.stderr)
    print(_table(verdicts))
    for each in verdicts:
        print(f"\n{each.store}, what workers met: {json.dumps(each.errors, indent=1)}")
    if out is not None:
        found = {
            "python": platform.python_version(),
            "system": platform.platform(),
            "runs": [attrs.asdict(each) for each in verdicts],
        }
        out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0 if all(each.is_good for each in verdicts) else 1


def _table(verdicts: Sequence[Verdict]) -> str:
    names = [field.name for field in attrs.fields(Verdict) if field.name not in _HIDDEN]
    lines = []
    for name in names:
        values = [str(getattr(each, name)) for each in verdicts]
        mark = " <-" if name in Verdict.FAULTS and set(values) != {"0"} else ""
        lines.append(f"{name.replace('_', ' '):18}" + "".join(f"{v:>12}" for v in values) + mark)
    return "\n".join(lines)


def _arguments() -> tuple[Sequence[str], Options, Path | None]:
    usual = Options()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", choices=(*_STORES, "both"), default="both")
    for field in attrs.fields(Options):
        if field.name != "fenced":
            name, default = f"--{field.name.replace('_', '-')}", getattr(usual, field.name)
            parser.add_argument(name, type=type(default), default=default)
    parser.add_argument("--no-fencing", action="store_true")
    parser.add_argument("--json", type=Path, help="where to keep the figures")
    given = vars(parser.parse_args())
    stores = _STORES if given["store"] == "both" else (given["store"],)
    fields = {field.name for field in attrs.fields(Options)} - {"fenced"}
    chosen = {name: given[name] for name in fields}
    return stores, Options(**chosen, fenced=not given["no_fencing"]), given["json"]


if __name__ == "__main__":
    sys.exit(main())
