"""The chaos run, short: what ``python -m benchmarks.chaos`` finds at full length.

It runs in a process of its own, which forks its workers; the seed is in its options.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FAULTS: Final = (
    "rows_lost",
    "rows_doubled",
    "files_wrong",
    "finishes_doubled",
    "jobs_stuck",
    "jobs_failed",
    "poison_wrong",
)
LEASE: Final = 1.2
each_store = pytest.mark.parametrize(
    "store",
    [
        "sqlite",
        pytest.param(
            "postgresql",
            marks=pytest.mark.skipif(
                not (shutil.which("pg_config") or shutil.which("initdb")),
                reason="no PostgreSQL is installed here",
            ),
        ),
    ],
)


def chaos(folder: Path, store: str, **options: object) -> tuple[int, dict[str, Any]]:
    """Run it, and return its exit status and its figures."""
    out = folder / "figures.json"
    words = ["--store", store, "--json", out, "--seed", 1, "--small", 20]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", *([] if value is True else [value])]
    command = [sys.executable, "-m", "benchmarks.chaos", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert out.exists(), done.stderr
    found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return done.returncode, found["runs"][0]


@each_store
def test_f2_f5_kills_and_crashes_lose_and_double_nothing(tmp_path: Path, store: str) -> None:
    """200 kills, and 3 crashes of a PostgreSQL server: nothing is lost, doubled, wrong or stuck.

    The chunk of a killed worker is claimed again within its lease and five seconds, and a chunk
    that kills each worker is given up after its attempts.
    """
    status, found = chaos(tmp_path, store, kills=200, chunks=200, db_stops=3)
    assert {name: found[name] for name in FAULTS} == dict.fromkeys(FAULTS, 0), found
    assert status == 0, found
    assert found["kills"] >= 200
    assert found["recovery_p99"] <= LEASE + 5.0


@each_store
def test_without_fencing_rows_are_doubled(tmp_path: Path, store: str) -> None:
    """The run sees the faults that it reports as absent: without the token, there are some."""
    status, found = chaos(
        tmp_path, store, kills=20, chunks=100, stall=0.2, no_fencing=True, timeout=15
    )
    assert status == 1, found
    assert found["rows_doubled"] > 0, found
