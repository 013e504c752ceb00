"""Signed tokens of a host (JWT, RFC 7519) as an authenticator."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt

from batchjob.errors import InvalidSetting
from batchjob.web.auth import Connection, bearer
from batchjob.web.callers import Caller

_SHORTEST: Final = {"HS256": 32, "HS384": 48, "HS512": 64}  # bytes (RFC 7518, 3.2)


class Jwt:
    """Takes ``Authorization: Bearer`` with a JWT that *key* signed by one of *algorithms*.

    *key* is the shared secret (as long as what it makes) or the public key in PEM. A token has to
    have an expiry, *user_claim* with the id of the user, *audience* and *issuer* where they are
    given, and every one of *claims* as it is there (Medusa's tokens: ``user_claim="user_id"``,
    ``claims={"domain": "admin"}``). *leeway* is in seconds.

    `InvalidSetting` for what cannot be safe: no algorithm, ``none``, or a key that is too short.
    """

    def __init__(
        self,
        key: str | bytes,
        *,
        algorithms: Sequence[str],
        user_claim: str = "sub",
        audience: str | None = None,
        issuer: str | None = None,
        claims: Mapping[str, object] | None = None,
        leeway: float = 0.0,
    ) -> None:
        self._key, self._algorithms = key, _checked(key, algorithms)
        self._user_claim, self._claims = user_claim, dict(claims or {})
        self._given: dict[str, Any] = {"audience": audience, "issuer": issuer, "leeway": leeway}

    async def __call__(self, connection: Connection) -> Caller | None:
        """Return the user of the token that was sent."""
        try:
            found = jwt.decode(
                bearer(connection),
                self._key,
                algorithms=self._algorithms,
                options={"require": ["exp", self._user_claim]},
                **self._given,
            )
        except (jwt.PyJWTError, ValueError):  # what is wrong with it is nobody's business
            return None
        user_id = found.get(self._user_claim)
        if not isinstance(user_id, str) or not user_id:
            return None
        if any(found.get(name) != value for name, value in self._claims.items()):
            return None
        texts = {name: _text(found, name) for name in ("email", "first_name", "last_name")}
        return Caller(user_id, role=_text(found, "role") or "member", **texts)


def _checked(key: str | bytes, algorithms: Sequence[str]) -> list[str]:
    names = [algorithms] if isinstance(algorithms, str) else list(algorithms)
    shared = [name for name in names if name.startswith("HS")]
    if not names or any(name.lower() == "none" for name in names):
        raise InvalidSetting("name the algorithms that tokens are signed with, e.g. HS256")
    if shared and len(shared) < len(names):
        raise InvalidSetting("a shared secret and a public key cannot be taken for one another")
    if unknown := set(names) - set(jwt.algorithms.get_default_algorithms()):
        raise InvalidSetting(f"unknown algorithms: {', '.join(sorted(unknown))}")
    shortest = max((_SHORTEST[name] for name in shared), default=0)
    if len(key if isinstance(key, bytes) else key.encode()) < shortest:
        raise InvalidSetting(f"the key is too short to be safe: give {shortest} bytes or more")
    return names


def _text(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) else None
