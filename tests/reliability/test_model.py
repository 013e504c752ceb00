"""The protocol on paper: everything that can happen in a small model, and what each rule is for.

The largest model runs where BATCHJOB_NIGHTLY is set: it takes minutes.
"""

import os

import attrs
import pytest

from reliability.model import Rules
from reliability.search import search, unchecked

LARGEST = [Rules(chunks=3, workers=2)] if "BATCHJOB_NIGHTLY" in os.environ else []


@pytest.mark.parametrize(
    "rules",
    [
        Rules(chunks=1, workers=2),
        Rules(chunks=2, workers=2),
        Rules(chunks=2, workers=3),
        *LARGEST,
    ],
    ids=lambda rules: f"{rules.chunks} chunks, {rules.workers} workers",
)
def test_no_order_of_steps_breaks_an_invariant(rules: Rules) -> None:
    """Whatever happens in whatever order, no invariant breaks and the job can still end."""
    found = search(rules)
    assert found.broken is None, str(found)
    assert found.states > 1_000


@pytest.mark.parametrize(
    ("rules", "broken"),
    [
        (Rules(fenced=False), "I1"),
        (Rules(job_checked=False), "I4"),
        (Rules(job_locked=False), "I11"),
        (Rules(key_has_token=False), "I6"),
        (Rules(paid_at_claim=False), "I12"),
        (Rules(leases_clamped=False, chunks=1, workers=1), "I8"),
        (Rules(waits_clamped=False, chunks=1, workers=1), "I8"),
    ],
    ids=lambda given: given if isinstance(given, str) else _left_out(given),
)
def test_each_rule_is_needed(rules: Rules, broken: str) -> None:
    """A protocol that lacks one rule breaks an invariant, and the shortest way there is known."""
    found = search(rules)
    assert found.broken is not None, str(found)
    assert found.broken.split()[0] == broken, str(found)
    assert 0 < len(found.trace) < 20, str(found)


def test_a_lost_finish_ends_a_job_only_by_repair() -> None:
    """Without the lock at the job's row a job can stand still for ever; the sweeper's repair helps.

    Both are kept: the lock makes the fault impossible, the repair ends jobs in spite of it.
    """
    unlocked = Rules(job_locked=False, repaired=False, chunks=2, workers=2, attempts=1)
    found = search(unlocked, check=unchecked)
    assert (found.broken or "").startswith("I8"), str(found)
    repaired = Rules(job_locked=False, chunks=2, workers=2, attempts=1)
    assert search(repaired, check=unchecked).broken is None


def _left_out(rules: Rules) -> str:
    return " ".join(f"not {name}" for name, kept in attrs.asdict(rules).items() if kept is False)
