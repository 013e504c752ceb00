"""Tokens of the HTTP API: ``token create``, ``token list`` and ``token revoke``."""

from datetime import timedelta

import click

from batchjob.cli import exits
from batchjob.cli.saying import note, write_json, write_line
from batchjob.cli.settings import Where, duration, with_json, with_settings
from batchjob.errors import InvalidSetting


@click.group()
def token() -> None:
    """Say who may come in by the HTTP API."""


@token.command()
@click.option("--user", "user_id", required=True, metavar="ID", help="Whom the token lets in.")
@click.option("--email", metavar="EMAIL", help="That user's address.")
@click.option("--name", metavar="NAME", help="What the token is for.")
@click.option(
    "--expires",
    callback=duration,
    metavar="TIME",
    help="How long it lasts, e.g. 90d or 12h; until it is revoked if absent.",
)
@with_json
@with_settings
def create(
    where: Where,
    *,
    user_id: str,
    email: str | None,
    name: str | None,
    expires: float | None,
    as_json: bool,
) -> int:
    """Make a token and print its secret, this once."""
    with where.open() as jobs:
        try:
            lasts = None if expires is None else jobs.clock.now() + timedelta(seconds=expires)
        except OverflowError:
            raise InvalidSetting("the token would outlast the calendar; leave --expires") from None
        made, secret = jobs.create_token(user_id, email=email, name=name, expires_at=lasts)
    if as_json:
        from batchjob.converters import token_to_json

        write_json({"token": token_to_json(made), "secret": secret})
    else:
        write_line(secret)
    note(f"made token {made.id} of {made.user_id}; its secret is not shown again")
    return exits.DONE


@token.command("list")
@with_json
@with_settings
def list_(where: Where, *, as_json: bool) -> int:
    """List tokens, newest first, without their secrets."""
    with where.open() as jobs:
        found = jobs.tokens()
    if as_json:
        from batchjob.converters import token_to_json

        write_json({"tokens": [token_to_json(each) for each in found]})
        return exits.DONE
    from batchjob.cli.render import show_tokens

    show_tokens(found)
    return exits.DONE


@token.command()
@click.argument("token_id", metavar="ID")
@with_json
@with_settings
def revoke(where: Where, token_id: str, *, as_json: bool) -> int:
    """Let a token let nobody in any more."""
    with where.open() as jobs:
        revoked = jobs.revoke_token(token_id)
    if as_json:
        from batchjob.converters import token_to_json

        write_json({"token": token_to_json(revoked)})
    else:
        write_line(f"{revoked.id} is revoked")
    return exits.DONE
