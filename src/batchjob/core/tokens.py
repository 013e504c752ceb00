"""Tokens: what somebody shows to be let in, and what is kept of it. The secret itself never is."""

import hashlib
import re
from datetime import datetime
from typing import Final

import attrs

from batchjob.core.ids import ulid
from batchjob.core.times import utc_ms, utc_ms_or_none

TOKEN_PREFIX: Final = "tok_"  # noqa: S105 - of ids, which are no secrets
SECRET_PREFIX: Final = "bj_"  # noqa: S105 - so that scanners of sources know what they found
SECRET_BYTES: Final = 32
_SECRET: Final = re.compile(rf"{SECRET_PREFIX}[A-Za-z0-9_-]{{43}}")


@attrs.frozen(kw_only=True)
class Token:
    """Who holds a secret, and from when until when it lets its holder in.

    ``name`` says what the token is for. Without ``expires_at`` it lasts until it is revoked.
    """

    id: str
    user_id: str
    email: str | None = None
    name: str | None = None
    created_at: datetime = attrs.field(converter=utc_ms)
    expires_at: datetime | None = attrs.field(default=None, converter=utc_ms_or_none)
    revoked_at: datetime | None = attrs.field(default=None, converter=utc_ms_or_none)


@attrs.frozen(kw_only=True)
class KeptToken:
    """A token and the SHA-256 of its secret, in hex: all that a store keeps."""

    token: Token
    sha256: str = attrs.field(repr=False)


def token_id(epoch_ms: int, bits: int) -> str:
    """Return a token's id; arguments as for `batchjob.core.ids.ulid`."""
    return TOKEN_PREFIX + ulid(epoch_ms, bits)


def lets_in(token: Token, *, at: datetime) -> bool:
    """Tell whether *token* is neither revoked nor expired at a time."""
    return token.revoked_at is None and (token.expires_at is None or at < token.expires_at)


def sha256_of(secret: str) -> str:
    """Return the SHA-256 of a secret, in hex; of what cannot be one, that of nothing.

    So whatever somebody shows, the same is done with it.
    """
    found = _SECRET.fullmatch(secret)
    return hashlib.sha256(found[0].encode() if found else b"").hexdigest()
