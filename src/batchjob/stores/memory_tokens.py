"""The part of a store in memory that keeps tokens."""

from collections.abc import Sequence
from datetime import datetime

import attrs

from batchjob.abc import TokenStore
from batchjob.core.tokens import KeptToken, Token
from batchjob.errors import UnknownToken
from batchjob.stores.memory_rows import Rows


class MemoryTokens(TokenStore):
    """Tokens, in memory."""

    _rows: Rows

    def add_token(self, new: KeptToken) -> None:
        """Keep a token."""
        with self._rows.transaction():
            self._rows.put_token(new)

    def find_token(self, sha256: str) -> KeptToken | None:
        """Return the token of a secret by its digest, whether it lets anybody in or not."""
        with self._rows.locked():
            return self._rows.tokens.get(sha256)

    def tokens(self) -> Sequence[Token]:
        """Return all tokens, the newest first."""
        with self._rows.locked():
            found = [kept.token for kept in self._rows.tokens.values()]
        return sorted(found, key=lambda token: (token.created_at, token.id), reverse=True)

    def revoke_token(self, token_id: str, *, at: datetime) -> Token:
        """Let a token let nobody in from then on; `UnknownToken` if there is none."""
        with self._rows.transaction():
            all_kept = self._rows.tokens.values()
            kept = next((each for each in all_kept if each.token.id == token_id), None)
            if kept is None:
                raise UnknownToken(token_id)
            token = attrs.evolve(kept.token, revoked_at=kept.token.revoked_at or at)
            self._rows.put_token(attrs.evolve(kept, token=token))
            return token
