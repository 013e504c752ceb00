"""Transitions of a job in a SQL store: the job's row and its event, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from batchjob.core.files import StoredFile
from batchjob.core.results import JobError
from batchjob.core.status import Verb
from batchjob.stores import rows
from batchjob.stores.rules import kept
from batchjob.stores.statements import Statements


def moved(
    connection: sa.Connection,
    statements: Statements,
    verb: Verb,
    values: dict[str, Any],
    *,
    actor: str | None = None,
    reason: str | None = None,
    statement: sa.TextualSelect | None = None,
) -> sa.Row[Any] | None:
    """Move a job by *verb* and write the event; None if it is not where *verb* starts from.

    *values* are ``job_id``, ``at`` and what the verb's statement sets; *statement* is another one,
    which looks at more before it moves. Confirming a job without chunks adds its finish.
    """
    move = statements.moves[verb] if statement is None else statement
    row = connection.execute(move, values).one_or_none()
    if row is None:
        return None
    said(connection, statements, values["job_id"], actor=actor, reason=reason)
    if verb == "confirm" and not row.total:
        connection.execute(statements.add_finish, {"job_id": values["job_id"]})
    return row


def said(
    connection: sa.Connection,
    statements: Statements,
    job_id: str,
    *,
    actor: str | None,
    reason: str | None,
) -> None:
    """Write the event of what was just done to a job."""
    values = {"job_id": job_id, "actor": actor, "reason": reason}
    connection.execute(statements.add_event, values)


def made(errors: Sequence[JobError] | None, file: StoredFile | None = None) -> dict[str, Any]:
    """Return what a statement sets of the errors and the file of a job; None: no errors yet."""
    fields = {} if file is None else attrs.asdict(file)
    return {
        "errors": None if errors is None else rows.listed(kept(errors)),
        "error_count": None if errors is None else len(errors),
        **{f"file_{name}": fields.get(name) for name in ("key", "size", "sha256")},
    }
