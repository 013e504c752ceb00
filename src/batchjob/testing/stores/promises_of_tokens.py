"""What every store promises of tokens."""

from datetime import datetime

import attrs
import pytest

from batchjob.abc import Store
from batchjob.core.tokens import KeptToken, Token, sha256_of, token_id
from batchjob.errors import UnknownToken
from batchjob.testing.stores.making import NOON, after, at_once


def kept(store: Store, number: int, *, at: datetime = NOON) -> KeptToken:
    """Keep a token of a number."""
    token = Token(
        id=token_id(number, number),
        user_id="usr_1",
        email="ü@example.com",
        name="script",
        created_at=at,
        expires_at=after(90),
    )
    new = KeptToken(token=token, sha256=f"{number:064x}")
    store.add_token(new)
    return new


class PromisesOfTokens:
    """The port `TokenStore`."""

    def test_a_token_is_found_by_the_digest_of_its_secret(self, store: Store) -> None:
        """A token comes back as it was given, by its digest and by no other."""
        first, second = kept(store, 1), kept(store, 2)
        assert store.find_token(first.sha256) == first
        assert store.find_token(second.sha256) == second
        assert store.find_token(sha256_of("")) is None

    def test_a_token_needs_a_user_alone(self, store: Store) -> None:
        """Email, name and expiry may be absent."""
        token = Token(id=token_id(1, 1), user_id="usr_1", created_at=NOON)
        store.add_token(KeptToken(token=token, sha256="00"))
        assert list(store.tokens()) == [token]

    def test_tokens_are_listed_newest_first(self, store: Store) -> None:
        """A list has all tokens, the revoked ones too."""
        old, new, also_new = (kept(store, n, at=after(n // 2)).token for n in (1, 2, 3))
        assert list(store.tokens()) == [also_new, new, old]
        revoked = store.revoke_token(new.id, at=NOON)
        assert list(store.tokens()) == [also_new, revoked, old]

    def test_a_token_is_revoked_once(self, store: Store) -> None:
        """A revoked token has the time when that was first done, to the millisecond."""
        token = kept(store, 1).token
        at = after(3).replace(microsecond=1999)
        revoked = attrs.evolve(token, revoked_at=at.replace(microsecond=1000))
        assert store.revoke_token(token.id, at=at) == revoked
        assert store.revoke_token(token.id, at=after(9)) == revoked
        found = store.find_token(f"{1:064x}")
        assert found is not None
        assert found.token == revoked

    def test_of_many_who_revoke_at_once_all_are_told_the_same(self, store: Store) -> None:
        """Whoever was first, its time is the time."""
        token = kept(store, 1).token
        times = at_once(
            *(lambda n=n: store.revoke_token(token.id, at=after(n)).revoked_at for n in range(4))
        )
        assert len(set(times)) == 1

    @pytest.mark.parametrize("wrong", [token_id(9, 9), "", "a\0b", "\ud800"])
    def test_a_token_that_is_not_there_is_unknown(self, store: Store, wrong: str) -> None:
        """A token that nobody made cannot be revoked."""
        kept(store, 1)
        with pytest.raises(UnknownToken):
            store.revoke_token(wrong, at=NOON)
