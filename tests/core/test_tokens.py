from datetime import timedelta
from typing import Any

import attrs
import pytest

from batchjob.core.tokens import KeptToken, Token, lets_in, sha256_of, token_id
from support import NOON

TOKEN = Token(id=token_id(1, 1), user_id="usr_1", created_at=NOON)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("changes", "lets"),
    [
        ({}, True),
        ({"expires_at": NOON + SECOND}, True),
        ({"expires_at": NOON}, False),
        ({"revoked_at": NOON + SECOND}, False),
    ],
)
def test_a_token_lets_in_until_it_is_revoked_or_expired(changes: Any, *, lets: bool) -> None:
    """Without an expiry it lasts, and once revoked it is over, whatever the clock says."""
    assert lets_in(attrs.evolve(TOKEN, **changes), at=NOON) is lets


def test_the_digest_is_of_the_secret() -> None:
    """The digest is the SHA-256 of a secret; of what cannot be one it is always the same."""
    assert sha256_of("bj_" + "a" * 43).startswith("2e276e66")
    assert sha256_of("") == sha256_of("bj_") == sha256_of("ü" * 46) == sha256_of("bj_" + "a" * 44)
    assert sha256_of("bj_" + "a" * 43) != sha256_of("bj_" + "b" * 43)


def test_a_digest_is_not_shown() -> None:
    """What is kept of a token can be printed."""
    assert "abc" not in repr(KeptToken(token=TOKEN, sha256="abc"))
