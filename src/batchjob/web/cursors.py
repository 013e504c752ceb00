"""Cursors of lists: where a page ended, signed, for one user and one order."""

import binascii
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from batchjob.abc import Cursor
from batchjob.core.job import BatchJob
from batchjob.core.times import to_epoch_ms

_LONGEST: Final = 4096
_PURPOSE: Final = b"batchjob list cursor\n"  # a download link of the same key is no cursor
_MAC: Final = 16  # bytes of it that are kept
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def cursor_after(job: BatchJob, order: str, user_id: str, *, secret: bytes) -> str:
    """Return the cursor behind *job* in a list with *order*."""
    time: datetime = getattr(job, order.removeprefix("-"))
    claims = json.dumps([order, to_epoch_ms(time), job.id, user_id], separators=(",", ":")).encode()
    return urlsafe_b64encode(_mac(claims, secret) + claims).rstrip(b"=").decode()


def opened(cursor: str, user_id: str, *, secret: bytes) -> tuple[str, Cursor] | None:
    """Return the order and the place of a cursor; None if it is not one of ours for this user."""
    if len(cursor) > _LONGEST or not cursor.isascii():
        return None
    try:
        given = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except binascii.Error:
        return None
    mac, claims = given[:_MAC], given[_MAC:]
    if not hmac.compare_digest(mac, _mac(claims, secret)):
        return None
    order, epoch_ms, job_id, owner = json.loads(claims)
    if owner != user_id:
        return None
    return order, Cursor(at=_EPOCH + timedelta(milliseconds=epoch_ms), id=job_id)


def _mac(claims: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + claims, sha256)[:_MAC]
