"""What the facade does with tokens: they are made, listed, revoked, and asked who holds them."""

import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from batchjob.abc import Clock, Store
from batchjob.core.times import to_epoch_ms, utc_ms
from batchjob.core.tokens import (
    SECRET_BYTES,
    SECRET_PREFIX,
    KeptToken,
    Token,
    lets_in,
    sha256_of,
    token_id,
)
from batchjob.errors import InvalidSetting


class Tokens:
    """Tokens of users, as a part of `BatchJobs`."""

    store: Store
    clock: Clock
    _bits: Callable[[int], int]

    def create_token(
        self,
        user_id: str,
        *,
        email: str | None = None,
        name: str | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[Token, str]:
        """Make a token that lets a user in, and return it with its secret.

        The secret cannot be had again: the store keeps its SHA-256 alone. *name* says what the
        token is for. `InvalidSetting` if a text is empty or holds control characters, or the token
        would have expired, `InvalidTime` for a time without a zone.
        """
        for what, text in {"user's id": user_id, "email": email, "name": name}.items():
            if text is not None and not (text.strip() and text.isprintable()):
                raise InvalidSetting(f"the {what} of a token is a text of one line")
        now = self.clock.now()
        if expires_at is not None and utc_ms(expires_at) <= now:
            raise InvalidSetting("the token would have expired; let it last longer")
        secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        token = Token(
            id=token_id(to_epoch_ms(now), self._bits(80)),
            user_id=user_id,
            email=email,
            name=name,
            created_at=now,
            expires_at=expires_at,
        )
        self.store.add_token(KeptToken(token=token, sha256=sha256_of(secret)))
        return token, secret

    def tokens(self) -> Sequence[Token]:
        """Return all tokens, the newest first, without their secrets."""
        return self.store.tokens()

    def revoke_token(self, token_id: str) -> Token:
        """Let a token let nobody in from now on, and return it; `UnknownToken` if there is none.

        Revoking it again changes nothing.
        """
        return self.store.revoke_token(token_id, at=self.clock.now())

    def holder(self, secret: str) -> Token | None:
        """Return the token whose secret this is; None if it is unknown, revoked or expired.

        Why it is None cannot be told from the answer, nor from the time that it takes.
        """
        sha256 = sha256_of(secret)
        kept = self.store.find_token(sha256)
        same = hmac.compare_digest(sha256, sha256 if kept is None else kept.sha256)
        return kept.token if kept and same and lets_in(kept.token, at=self.clock.now()) else None
