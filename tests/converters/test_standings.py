"""Where jobs stand and who holds tokens, in JSON."""

import json
from datetime import timedelta

from batchjob import Standing, Token, Wait
from batchjob.converters import standing_to_json, token_to_json
from batchjob.core.chunks import ChunkState
from support import NOON


def test_a_standing_has_all_of_its_keys() -> None:
    """What is not known is null; states are words and numbers are rounded to milliseconds."""
    standing = Standing(
        wait=Wait.RETRY,
        seconds=1.23456,
        paused_at=NOON,
        chunks={ChunkState.READY: 2, ChunkState.DONE: 1},
        attempts=2,
        last_error="ValueError",
        left=7.0001,
    )
    document = {
        "wait": "retry",
        "seconds": 1.235,
        "blocked_by": None,
        "paused_at": "2024-01-01T12:00:00.000Z",
        "retry_of": None,
        "chunks": {"ready": 2, "done": 1},
        "workers": 0,
        "attempts": 2,
        "last_error": "ValueError",
        "left": 7.0,
    }
    assert json.dumps(standing_to_json(standing)) == json.dumps(document)


def test_a_standing_of_nothing_is_nothing_but_null() -> None:
    """Of a job that has ended little is said."""
    document = standing_to_json(Standing())
    assert [document[name] for name in ("wait", "seconds", "paused_at", "left")] == [None] * 4
    assert document["chunks"] == {}


def test_a_token_in_json_has_no_secret() -> None:
    """A token is shown with whose it is, and with its times."""
    token = Token(id="tok_1", user_id="usr_1", created_at=NOON, expires_at=NOON + timedelta(days=1))
    assert token_to_json(token) == {
        "id": "tok_1",
        "user_id": "usr_1",
        "email": None,
        "name": None,
        "created_at": "2024-01-01T12:00:00.000Z",
        "expires_at": "2024-01-02T12:00:00.000Z",
        "revoked_at": None,
    }
