"""The facade: tokens, which let users in."""

import logging
import pickle
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs
from batchjob.errors import InvalidSetting, InvalidTime, UnknownToken
from batchjob.testing import HandClock
from support import NOON


@pytest.fixture
def clock() -> HandClock:
    """A clock that is moved by hand."""
    return HandClock()


@pytest.fixture(params=["memory:", "sqlite"])
def jobs(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> Iterator[BatchJobs]:
    """Jobs on each embedded store."""
    url = f"sqlite:///{tmp_path}/jobs.db" if request.param == "sqlite" else request.param
    with BatchJobs.open(url, files=str(tmp_path / "files"), clock=clock) as opened:
        yield opened


def test_a_secret_leads_to_its_holder(jobs: BatchJobs) -> None:
    """Who shows the secret of a token is its user; each secret is another one."""
    token, secret = jobs.create_token("usr_1", email="a@example.com", name="script")
    other, other_secret = jobs.create_token("usr_1")
    assert re.fullmatch(r"bj_[A-Za-z0-9_-]{43}", secret)
    assert re.fullmatch(r"tok_[0-9A-Z]{26}", token.id)
    assert (token.user_id, token.email, token.name) == ("usr_1", "a@example.com", "script")
    assert (jobs.holder(secret), jobs.holder(other_secret)) == (token, other)
    assert list(jobs.tokens()) == sorted((token, other), key=lambda each: each.id, reverse=True)


@pytest.mark.parametrize(
    "shown",
    ["", "bj_", "bj_" + "a" * 43, "bj_" + "a" * 44, "\0", "\ud800", "a" * 1_000_000, "' OR 1=1 --"],
)
def test_who_shows_something_else_is_nobody(jobs: BatchJobs, shown: str) -> None:
    """Whatever is shown that is no secret of a token, nobody holds it."""
    token, secret = jobs.create_token("usr_1")
    assert jobs.holder(shown) is None
    for near in (secret + "a", secret[:-1], secret.swapcase(), f" {secret}", token.id):
        assert jobs.holder(near) is None


def test_an_expired_token_lets_nobody_in(jobs: BatchJobs, clock: HandClock) -> None:
    """A token lets its holder in until it expires, and not at that moment."""
    _, secret = jobs.create_token("usr_1", expires_at=NOON + timedelta(seconds=10))
    _, lasting = jobs.create_token("usr_1")
    clock.move(9.999)
    assert jobs.holder(secret)
    clock.move(0.001)
    assert jobs.holder(secret) is None
    clock.move(10**9)
    assert jobs.holder(lasting)


def test_a_revoked_token_lets_nobody_in(jobs: BatchJobs, clock: HandClock) -> None:
    """A revoked token is still listed, and revoking it again changes nothing."""
    token, secret = jobs.create_token("usr_1")
    clock.move(5)
    revoked = jobs.revoke_token(token.id)
    assert jobs.holder(secret) is None
    clock.move(5)
    assert jobs.revoke_token(token.id) == revoked
    assert [each.revoked_at for each in jobs.tokens()] == [NOON + timedelta(seconds=5)]


def test_the_secret_is_nowhere_but_in_the_answer(
    jobs: BatchJobs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No secret is in the store, in what is listed, in a log, or in an error that was given it."""
    caplog.set_level(logging.DEBUG)
    token, secret = jobs.create_token("usr_1")
    jobs.holder(secret)
    with pytest.raises(UnknownToken, match=r"there is no token '\*\*\*'") as refused:
        jobs.revoke_token(secret)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("jobs.db*"))
    assert secret.encode() not in kept
    told = [token, jobs.tokens(), jobs.holder(secret), refused.value, refused.value.args]
    told += [pickle.dumps(refused.value), caplog.text]
    assert not [text for text in map(str, told) if secret[3:] in text]


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id": ""},
        {"user_id": " "},
        {"user_id": "a\0"},
        {"user_id": "\ud800"},
        {"user_id": "u", "email": ""},
        {"user_id": "u", "name": "a\nb"},
        {"user_id": "u", "expires_at": NOON},
        {"user_id": "u", "expires_at": NOON + timedelta(microseconds=9)},
    ],
)
def test_a_token_that_would_be_of_no_use_is_refused(jobs: BatchJobs, wrong: Any) -> None:
    """A token has a user, texts of one line, and time ahead of it."""
    with pytest.raises(InvalidSetting):
        jobs.create_token(**wrong)
    with pytest.raises(InvalidTime):
        jobs.create_token("u", expires_at=NOON.replace(tzinfo=None))
    assert not jobs.tokens()


def test_a_token_that_is_not_there_cannot_be_revoked(jobs: BatchJobs) -> None:
    """The error names the id, where it looks like one."""
    with pytest.raises(UnknownToken, match="there is no token 'tok_1'"):
        jobs.revoke_token("tok_1")
