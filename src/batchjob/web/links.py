"""Download links: signed, for one user, for a time. Whether the file is there is not their matter.

A token is the base64url of ``[key, user, expiry]`` in JSON, a point, and that of an HMAC-SHA256.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final

from batchjob.web.callers import WebRequest, jobs_of
from batchjob.web.problems import Problem, problem

_LONGEST: Final = 8192  # the longest key and a long user id in base64
_PURPOSE: Final = b"batchjob download link\n"  # a cursor signed with the same key is no link


def link(request: WebRequest, key: str) -> str:
    """Return the address of file *key* for the caller, absolute, for as long as settings say."""
    state = request.app.state
    expires = jobs_of(request).clock.now().timestamp() + state.settings.link_seconds
    token = signed(key, request.user.user_id, expires=expires, secret=state.settings.secret)
    here = request.base_url.with_replacements(path=request.scope.get("root_path", ""))
    root = state.settings.public_url or str(here)  # the base of a mounted app is the host's
    return f"{root.rstrip('/')}{state.prefix}/files/{token}"


def opened_link(request: WebRequest, token: str) -> str:
    """Return the file key of the caller's link; a `Problem` with ``link_invalid`` if it is none."""
    now, secret = jobs_of(request).clock.now().timestamp(), request.app.state.settings.secret
    return opened(token, request.user.user_id, now=now, secret=secret)


def signed(key: str, user_id: str, *, expires: float, secret: bytes) -> str:
    """Return the token of a link to file *key* for one user until *expires* (seconds of 1970)."""
    claims = json.dumps([key, user_id, int(expires)], separators=(",", ":"))
    payload = _text(claims.encode())
    return f"{payload}.{_mac(payload, secret)}"


def opened(token: str, user_id: str, *, now: float, secret: bytes) -> str:
    """Return the file key of a token; a `Problem` with ``link_invalid`` unless it is good now.

    Forged, expired and somebody else's are told apart by nothing in the answer.
    """
    if len(token) > _LONGEST or not token.isascii():
        raise _invalid()
    payload, _, mac = token.partition(".")
    if not hmac.compare_digest(_mac(payload, secret), mac):
        raise _invalid()
    key, user, expires = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if user != user_id or now >= expires:
        raise _invalid()
    return str(key)


def _mac(payload: str, secret: bytes) -> str:
    return _text(hmac.digest(secret, _PURPOSE + payload.encode(), sha256))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _invalid() -> Problem:
    return problem(
        "link_invalid", "the link is not valid for you, or not any more; ask for a new one"
    )
