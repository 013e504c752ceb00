"""The state machine's table."""

import pytest

from batchjob.core.status import MOVES, OPEN, VERBS, Status, sources, target


def test_the_table_has_the_moves_of_the_design() -> None:
    """Every status but the closed ones can be canceled and failed; the rest is one line."""
    line = [Status.CREATED, Status.PRE_PROCESSED, Status.CONFIRMED, Status.PROCESSING]
    assert sources("cancel") == sources("fail") == tuple(line) == OPEN
    assert [target(verb) for verb in ("pre_process", "confirm", "start", "complete")] == [
        *line[1:],
        Status.COMPLETED,
    ]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_leads_to_one_status(verb: str) -> None:
    """Whatever a verb starts from, it ends in one status, so a store can write it blindly."""
    assert len(set(MOVES[verb].values())) == 1  # type: ignore[index]
