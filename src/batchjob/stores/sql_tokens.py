"""The part of a SQL store that keeps tokens."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import sqlalchemy as sa

from batchjob.abc import TokenStore
from batchjob.core.tokens import KeptToken, Token
from batchjob.errors import UnknownToken
from batchjob.stores import rows
from batchjob.stores.database import Database
from batchjob.stores.retrying import retried
from batchjob.stores.rules import storable
from batchjob.stores.tables import token

_NAMES: Final = (*(field.name for field in attrs.fields(Token)), "hash")
_COLUMNS: Final = tuple(token.c[name] for name in _NAMES)
_NOBODY: Final[Mapping[str, Any]] = {
    **dict.fromkeys(_NAMES),
    "id": "",
    "user_id": "",
    "hash": "",
    "created_at": datetime(1970, 1, 1, tzinfo=UTC),
}
_ASKED: Final = sa.select(sa.bindparam("sha256", type_=token.c.hash.type).label("hash")).subquery()
# One row comes back whether there is such a token or not: how long it takes must not tell.
_FOUND: Final = sa.select(*_COLUMNS).select_from(
    _ASKED.outerjoin(token, token.c.hash == _ASKED.c.hash)
)


class SqlTokens(TokenStore):
    """Tokens, in a SQL database."""

    _database: Database

    @retried
    def add_token(self, new: KeptToken) -> None:
        """Keep a token."""
        with self._database.write() as connection:
            connection.execute(sa.insert(token), rows.of_token(new))

    def find_token(self, sha256: str) -> KeptToken | None:
        """Return the token of a secret by its digest, whether it lets anybody in or not."""
        with self._database.read() as connection:
            known = connection.execute(_FOUND, {"sha256": sha256}).mappings().one()
        row = known if known["hash"] is not None else _NOBODY
        found = KeptToken(token=rows.token(row), sha256=row["hash"])
        return found if found.sha256 else None

    def tokens(self) -> Sequence[Token]:
        """Return all tokens, the newest first."""
        wanted = sa.select(token).order_by(token.c.created_at.desc(), token.c.id.desc())
        with self._database.read() as connection:
            return tuple(rows.token(row) for row in connection.execute(wanted).mappings())

    @retried
    def revoke_token(self, token_id: str, *, at: datetime) -> Token:
        """Let a token let nobody in from then on; `UnknownToken` if there is none."""
        if not storable(token_id):
            raise UnknownToken(token_id)
        revoked = sa.func.coalesce(token.c.revoked_at, sa.literal(at, token.c.revoked_at.type))
        change = sa.update(token).where(token.c.id == token_id).values(revoked_at=revoked)
        with self._database.write() as connection:
            row = connection.execute(change.returning(token)).mappings().first()
        if row is None:
            raise UnknownToken(token_id)
        return rows.token(row)
