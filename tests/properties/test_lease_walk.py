"""The lease protocol, walked at random; and what such walks find where a rule is left out.

BATCHJOB_WALKS makes it that many walks, and random ones.
"""

import os
import sqlite3
from typing import Final

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from batchjob.stores import dialects, statements
from reliability.walk import TALLY, Walk
from stores.databases import migrated

WALKS: Final = int(os.environ.get("BATCHJOB_WALKS", "500"))


@pytest.fixture(scope="module", autouse=True)
def _template(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A database with empty tables, and one for effects that has no unique constraint."""
    path = tmp_path_factory.mktemp("walk") / "template.db"
    migrated(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE walk_effect (job_id TEXT, kind TEXT, seq INTEGER)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    Walk.template = path


def _walk(examples: int, *phases: Phase, random: bool = False) -> None:
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=not random,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=phases,
        ),
    )


def test_no_walk_breaks_an_invariant() -> None:
    """Whatever workers, users, clock and crashes do, no invariant breaks and every job ends."""
    _walk(WALKS, Phase.generate, Phase.shrink, random="BATCHJOB_WALKS" in os.environ)
    print(TALLY)  # noqa: T201 - shown by pytest -s


ANYBODYS: Final = "job_id = :job_id AND kind = :kind AND seq = :seq"
MUTANTS: Final = {
    "no fence": (statements, "DONE", "{mine}", ANYBODYS),
    "no job check": (statements, "ADVANCE", "AND status IN {to_complete}", ""),
    "no clamp on waits": (dialects, "READY", "OR c.not_before > {now} + {max_backoff}", ""),
    "no clamp on leases": (dialects, "EXPIRED", "OR c.lease_until > {now} + 2 * c.lease_s", ""),
    "no attempt paid": (statements, "CLAIM", "attempts = attempts + 1", "attempts = attempts"),
    "no token raised": (statements, "CLAIM", "token = token + 1", "token = token"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_walk_finds_what_lacks_a_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each clause of the statements is needed: without it, a walk breaks an invariant."""
    module, fragment, clause, instead = MUTANTS[name]
    whole = getattr(module, fragment)
    assert clause in whole
    monkeypatch.setattr(module, fragment, whole.replace(clause, instead))
    with pytest.raises((AssertionError, sa.exc.IntegrityError)):
        _walk(2_000, Phase.generate)
