"""Ids of jobs: a prefix and a ULID (https://github.com/ulid/spec), of a given time and bits."""

import re
from typing import Final

JOB_PREFIX: Final = "batch_"
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_JOB_ID: Final = re.compile(rf"{JOB_PREFIX}[0-7][{_ALPHABET}]{{25}}")


def ulid(epoch_ms: int, bits: int) -> str:
    """Return the ULID of a time in milliseconds since 1970 (48 bits) and 80 random *bits*."""
    if not 0 <= epoch_ms < 1 << 48 or not 0 <= bits < 1 << 80:
        raise ValueError(f"a ULID takes 48 bits of time and 80 of chance, not {epoch_ms}, {bits}")
    number = epoch_ms << 80 | bits
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def job_id(epoch_ms: int, bits: int) -> str:
    """Return a job's id, e.g. ``batch_01G8T782965PYFG0751G0Z38B4``; arguments as for `ulid`."""
    return JOB_PREFIX + ulid(epoch_ms, bits)


def is_job_id(text: str) -> bool:
    """Tell whether *text* is a job's id in its one canonical spelling (upper case, no overflow)."""
    return _JOB_ID.fullmatch(text) is not None
