"""Tokens in JSON, without their secrets."""

import attrs

from batchjob._typing import Json
from batchjob.converters.jobs import time_to_json
from batchjob.core.tokens import Token


def token_to_json(token: Token) -> dict[str, Json]:
    """Return *token* as a JSON object; its secret is not in it."""
    times = ("created_at", "expires_at", "revoked_at")
    shown = {name: getattr(token, name) for name in times}
    return {
        **{name: text for name, text in attrs.asdict(token).items() if name not in times},
        **{name: None if at is None else time_to_json(at) for name, at in shown.items()},
    }
