import json
import re
import sqlite3

import pytest

from cli.harness import Cli

SECRET = re.compile(r"bj_[A-Za-z0-9_-]{43}")


def test_create_prints_the_secret_alone(cli: Cli) -> None:
    """The secret is all of standard output, and is printed nowhere else, nor ever again."""
    done = cli("token", "create", "--user", "usr_1", "--email", "a@b.c", "--name", "ci")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    secret = done.stdout.strip()
    assert SECRET.fullmatch(secret)
    (token_id,) = re.findall(r"tok_[0-9A-Z]{26}", done.stderr)
    later = [cli("token", "list"), cli("token", "list", "--json"), cli("token", "revoke", token_id)]
    said = [done.stderr, *(text for each in later for text in (each.stdout, each.stderr))]
    assert not [text for text in said if secret[3:] in text]
    with sqlite3.connect(cli.folder / "batchjob.db") as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert token_id in dump
    assert secret[3:] not in dump


def test_a_list_has_whose_each_token_is(cli: Cli) -> None:
    """Tokens are listed newest first, with whom they let in and until when."""
    cli("token", "create", "--user", "usr_1", "--name", "ci")
    cli("token", "create", "--user", "usr_2", "--email", "a@b.c", "--expires", "90d")
    new, old = json.loads(cli("token", "list", "--json").stdout)["tokens"]
    assert (new["user_id"], new["email"], new["name"]) == ("usr_2", "a@b.c", None)
    assert new["expires_at"] > new["created_at"]
    assert (old["name"], old["expires_at"], old["revoked_at"]) == ("ci", None, None)
    shown = cli("token", "list").stdout
    assert shown.index("usr_2") < shown.index("usr_1")
    assert re.search(r"a@b\.c +- +20\d\d-", shown)
    assert re.search(r"ci +- *\n", shown)
    assert shown.endswith("Tokens: 2\n")


def test_no_tokens_are_fine(cli: Cli) -> None:
    """A list of no tokens says so."""
    assert cli("token", "list").stdout == "Tokens: 0\n"


def test_a_token_is_revoked(cli: Cli) -> None:
    """A revoked token stays in the list as such."""
    made = json.loads(cli("token", "create", "--user", "usr_1", "--json").stdout)
    assert SECRET.fullmatch(made["secret"])
    token_id = made["token"]["id"]
    assert cli("token", "revoke", token_id).stdout == f"{token_id} is revoked\n"
    again = json.loads(cli("token", "revoke", token_id, "--json").stdout)["token"]
    assert again["revoked_at"]
    assert "revoked" in cli("token", "list").stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["create"], "Missing option '--user'"),
        (["create", "--user", ""], "the user's id of a token is a text of one line"),
        (["create", "--user", "u", "--expires", "soon"], "'soon' is no time"),
        (["create", "--user", "u", "--expires", "0d"], "would have expired"),
        (["create", "--user", "u", "--expires", "999999999d"], "outlast the calendar"),
        (["create", "--user", "u", "--expires", "9999999d"], "outlast the calendar"),
        (["revoke", "tok_1"], "there is no token 'tok_1'"),
        (["revoke"], "Missing argument 'ID'"),
    ],
)
def test_wrong_use_is_status_2(cli: Cli, args: list[str], words: str) -> None:
    """Wrong use ends with status 2 and one line, and no token is made."""
    done = cli("token", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert cli("token", "list").stdout == "Tokens: 0\n"


def test_a_secret_that_is_taken_for_an_id_is_not_repeated(cli: Cli) -> None:
    """Who revokes by the secret is told that it is no id, without it."""
    secret = cli("token", "create", "--user", "usr_1").stdout.strip()
    done = cli("token", "revoke", secret, BATCHJOB_DEBUG="1")
    assert done.returncode == 2
    assert "its id begins with tok_" in done.stderr
    assert secret[3:] not in done.stderr
