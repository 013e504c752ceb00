import pytest

from batchjob.cli.saying import one_line, printable, without_paths
from batchjob.cli.settings import Where


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("café 🌞\n\tx", "café 🌞\n\tx"),
        ("\x1b[2J\r\x07", "\\x1b[2J\\r\\x07"),
        ("\x9b\u202e", "\\x9b\\u202e"),
    ],
)
def test_control_characters_are_spelled_out(text: str, shown: str) -> None:
    """What could drive a terminal is spelled out; text, newlines and tabs stay."""
    assert printable(text) == shown


def test_one_line_is_one_line() -> None:
    """Whatever is said as an error fits on one line."""
    assert one_line(" a\nb\tc\r\n") == "a b c\\r"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("from 'a' (/usr/lib/python/a.py)", "from 'a' (a.py)"),
        ("cannot open '/home/me/x.db'", "cannot open 'x.db'"),
        ("sqlite:///shop.db or 1/2", "sqlite:///shop.db or 1/2"),
        ("jobs/batch_1/out", "jobs/batch_1/out"),
    ],
)
def test_paths_are_cut_down_to_names(text: str, shown: str) -> None:
    """Of an absolute path the last name is left; what only looks like one stays."""
    assert without_paths(text) == shown


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:geheim@h/d",
        "postgresql://h/d?user=u&password=geheim&x=1",
        "s3://k:geheim@b",
        "celery:redis://:geheim@h/0",
    ],
)
def test_passwords_are_masked(url: str) -> None:
    """A command that is printed holds no password."""
    line = Where(store=url, given=("store",)).command("list")
    assert "geheim" not in line
    assert "***" in line
