import hashlib
import hmac
from base64 import urlsafe_b64encode

import pytest

from batchjob.web import Problem
from batchjob.web.links import opened, signed

SECRET = b"s" * 32
KEY = "uploads/01HKB2QW7Z/ünïcode prices.csv"
TOKEN = signed(KEY, "usr_anna", expires=1000, secret=SECRET)


def test_a_link_opens_its_file_for_its_user_until_it_expires() -> None:
    """The token of a link gives back the key to its user, in the last second too."""
    assert opened(TOKEN, "usr_anna", now=999.9, secret=SECRET) == KEY


def test_a_token_can_stand_in_a_path() -> None:
    """A token has letters, digits, point, minus and underscore alone."""
    assert set(TOKEN) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@pytest.mark.parametrize(
    ("token", "user_id", "now", "secret"),
    [
        pytest.param(TOKEN, "usr_bert", 1, SECRET, id="A8 somebody else's"),
        pytest.param(TOKEN, "usr_anna", 1000, SECRET, id="expired"),
        pytest.param(TOKEN, "usr_anna", 1, b"t" * 32, id="signed with another key"),
        pytest.param(TOKEN[:-1], "usr_anna", 1, SECRET, id="cut off"),
        pytest.param(TOKEN + "A", "usr_anna", 1, SECRET, id="longer"),
        pytest.param(TOKEN.swapcase(), "usr_anna", 1, SECRET, id="changed"),
        pytest.param(TOKEN.split(".")[0], "usr_anna", 1, SECRET, id="not signed"),
        pytest.param("." + TOKEN.split(".")[1], "usr_anna", 1, SECRET, id="without claims"),
        pytest.param("", "usr_anna", 1, SECRET, id="empty"),
        pytest.param("ü\ud800.ü", "usr_anna", 1, SECRET, id="not ascii"),
        pytest.param("A" * 1_000_000, "usr_anna", 1, SECRET, id="a million characters"),
    ],
)
def test_no_other_link_opens_anything(token: str, user_id: str, now: float, secret: bytes) -> None:
    """A8: whatever is wrong with a link, it is 403 link_invalid, in the same words."""
    with pytest.raises(Problem) as raised:
        opened(token, user_id, now=now, secret=secret)
    assert (raised.value.status, raised.value.code) == (403, "link_invalid")
    assert raised.value.message.startswith("the link is not valid")


def test_what_is_signed_for_something_else_is_no_link() -> None:
    """An HMAC with the same key that was not made for links opens nothing."""
    payload = TOKEN.partition(".")[0]
    bare = urlsafe_b64encode(hmac.digest(SECRET, payload.encode(), hashlib.sha256))
    with pytest.raises(Problem):
        opened(f"{payload}.{bare.rstrip(b'=').decode()}", "usr_anna", now=1, secret=SECRET)
