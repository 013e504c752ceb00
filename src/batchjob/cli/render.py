"""Jobs, lists of jobs and batch types for people, by rich: tables on terminals, plain elsewhere.

What users wrote is shown as text: no markup of rich's in it counts, and no control character.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.filesize import decimal
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from batchjob._typing import Json
from batchjob.abc import JobPage
from batchjob.batchjobs import BatchType
from batchjob.cli.saying import printable
from batchjob.converters import dump_json
from batchjob.core.events import Event
from batchjob.core.job import BatchJob
from batchjob.core.results import OUTCOMES, JobError, Result
from batchjob.core.status import STAMPS, Status
from batchjob.core.tokens import Token, lets_in

SHOWN_ERRORS: Final = 10
"""How many errors of a job are shown."""

_WIDE: Final = 200  # columns where there is no terminal, so that nothing is cut
_STYLES: Final = {
    Status.COMPLETED: "green",
    Status.FAILED: "red",
    Status.CANCELED: "yellow",
}


def console(*, err: bool = False) -> Console:
    """Return a console on standard output, or with *err* on standard error."""
    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _WIDE
    return _Console(stderr=err, width=width, markup=False, highlight=False, emoji=False)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let the program end as it does for any output that nobody reads."""
        raise BrokenPipeError


def text(value: object, style: str = "") -> Text:
    """Return *value* as text that is shown as it is."""
    return Text(printable(str(value)), style=style)


def grid(rows: Sequence[tuple[str, Any]]) -> Table:
    """Return a table of names and values."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(text(name), value if isinstance(value, Text | Table) else text(value))
    return table


def show_preview(job: BatchJob, *, err: bool = False, more: Sequence[tuple[str, str]] = ()) -> None:
    """Print what a planned *job* would do, and what *more* there is to say of it."""
    out = console(err=err)
    result = job.result or Result()
    rows: list[tuple[str, Any]] = [(d.name, d.message) for d in result.stat_descriptors]
    if result.count is not None and not rows:
        rows.append(("Count", f"{result.count:,}"))
    out.print(text(f"What {job.batch_type} would do:", "bold"))
    out.print(Padding(grid([*rows, *more]), (0, 0, 0, 2), expand=False))


def show_summary(job: BatchJob, *, err: bool = False) -> None:
    """Print how *job* stands after it was worked on."""
    out = console(err=err)
    out.print(grid([("Job", job.id), ("Status", _status(job)), *_numbers(job.result)]))
    _print_errors(out, job.result)


def show_job(job: BatchJob, *, events: Sequence[Event], rows: Sequence[tuple[str, str]]) -> None:
    """Print all that is known of *job*; *rows* say how it stands."""
    out = console()
    known: list[tuple[str, Any]] = [
        ("Job", job.id),
        ("Type", job.batch_type),
        ("Status", _status(job)),
        *rows,
        ("Dry run", "yes" if job.dry_run else "no"),
        ("Made by", job.created_by or "-"),
        *_times(job),
        ("Context", dump_json(job.context)),
        *_numbers(job.result),
        *([("File key", job.result.file_key)] if job.result and job.result.file_key else []),
    ]
    out.print(grid(known))
    _print_errors(out, job.result)
    _print_events(out, events)


def show_list(page: JobPage, *, offset: int) -> None:
    """Print a page of jobs, and how many there are in all."""
    out = console()
    if page.jobs:
        table, now = table_of("Job", "Type", "Status", "Done", "Age"), datetime.now(UTC)
        for job in page.jobs:
            table.add_row(
                *(text(job.id), text(job.batch_type), _status(job), text(_done(job))),
                text(_age((now - job.created_at).total_seconds())),
            )
        out.print(table)
    last = offset + len(page.jobs)
    numbers = f"{offset + 1} to {last} of {page.count}" if page.jobs else f"none of {page.count}"
    out.print(text(f"Jobs: {numbers}"))


def show_tokens(tokens: Sequence[Token]) -> None:
    """Print whose each token is, and until when it lets its holder in."""
    out = console()
    if tokens:
        table, now = table_of("Token", "User", "Email", "Name", "Expires"), datetime.now(UTC)
        for token in tokens:
            words = text(token.id), text(token.user_id), text(token.email or "-")
            table.add_row(*words, text(token.name or "-"), _until(token, now))
        out.print(table)
    out.print(text(f"Tokens: {len(tokens)}"))


def _until(token: Token, now: datetime) -> Text:
    if not lets_in(token, at=now):
        return text("revoked" if token.revoked_at else "expired", "yellow")
    return text("-") if token.expires_at is None else _time(token.expires_at) + " UTC"


def show_types(types: Sequence[BatchType]) -> None:
    """Print each batch type with the keys of its context."""
    out = console()
    for each in types:
        out.print(text(f"{each.type} (version {each.version})", "bold"))
        keys = each.context_schema.get("properties")
        rows = _keys(each.context_schema, keys) if isinstance(keys, Mapping) else []
        words = _keytable_of(rows) if rows else text("any context")
        out.print(Padding(words, (0, 0, 0, 2), expand=False))
        out.print()
    if not types:
        out.print(text("No batch types: no plugin that is installed offers one."))


def table_of(*names: str) -> Table:
    """Return a table without lines, whose columns are called *names*."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for at, name in enumerate(names):
        table.add_column(name, overflow="fold", no_wrap=at == 0)
    return table


def _status(job: BatchJob) -> Text:
    return text(job.status, _STYLES.get(job.status, "cyan"))


def _time(time: datetime) -> Text:
    return text(time.strftime("%Y-%m-%d %H:%M:%S"))


def _times(job: BatchJob) -> list[tuple[str, Text]]:
    names = ("created_at", *STAMPS.values())
    stamped = [(name, getattr(job, name)) for name in names]
    return [
        (name.removesuffix("_at").replace("_", "-").capitalize(), _time(at) + " UTC")
        for name, at in stamped
        if at is not None
    ]


def _numbers(result: Result | None) -> list[tuple[str, Any]]:
    """Return the rows about what a job is to do, did and left behind."""
    if result is None:
        return []
    rows: list[tuple[str, Any]] = [(d.name, d.message) for d in result.stat_descriptors]
    if result.count is not None:
        rows.append(("Done", f"{result.advancement_count or 0:,} of {result.count:,}"))
    if result.outcomes is not None:
        counts = [f"{getattr(result.outcomes, name):,} {name}" for name in OUTCOMES]
        rows.append(("Rows", ", ".join(counts)))
    if result.file_key is not None:
        size = "" if result.file_size is None else f" ({decimal(result.file_size)})"
        name = result.file_key.rpartition("/")[2]
        rows.append(("File", f"{name}{size}"))
    return rows


def _done(job: BatchJob) -> str:
    if job.result is None or not job.result.count:
        return ""
    return f"{100 * (job.result.advancement_count or 0) // job.result.count} %"


def _age(seconds: float) -> str:
    """Return a time in its largest unit, such as ``5 min``; a line of a list has little room."""
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length * (2 if unit == "days" else 1):
            return f"{seconds // length:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def _print_errors(out: Console, result: Result | None) -> None:
    errors = result.errors if result else ()
    for error in errors[:SHOWN_ERRORS]:
        out.print(text("Error", "bold red") + " " + text(describe_error(error)))
    if len(errors) > SHOWN_ERRORS:
        out.print(text(f"and {len(errors) - SHOWN_ERRORS:,} more errors"))


def describe_error(error: JobError) -> str:
    """Return *error* with its place, in words."""
    place = [f"row {error.row}"] if error.row is not None else []
    place += [f"column {error.column}"] if error.column is not None else []
    return f"{', '.join(place)}: {error.message}" if place else error.message


def _print_events(out: Console, events: Sequence[Event]) -> None:
    table = table_of("Event", "Time (UTC)", "From", "To", "By", "Reason")
    for event in events:
        source, actor, reason = event.from_status or "-", event.actor or "-", event.reason or ""
        table.add_row(
            *(text(event.n), _time(event.at), text(source), text(event.to_status)),
            *(text(actor), text(reason)),
        )
    out.print(Padding(table, (1, 0, 0, 0), expand=False))


def _keys(schema: Mapping[str, Json], keys: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return key, kind and words of each key that may be given."""
    required: Any = schema.get("required", ())
    return [
        (name, _kind(key) + (", required" if name in required else ""), _meaning(key))
        for name, key in keys.items()
        if key.get("type") != "null"
    ]


def _meaning(schema: Mapping[str, Any]) -> str:
    """Return what is said of a key, or else which keys it takes, and what it is if absent."""
    arms = [arm.get("properties", {}) for arm in _arms(schema)]
    inner = [name for arm in arms for name, key in arm.items() if key.get("type") != "null"]
    said = schema.get("description") or (f"Keys: {', '.join(inner)}." if inner else "")
    if "default" in schema:
        said += f" Default: {dump_json(schema['default'])}."
    return str(said).strip()


def _arms(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a schema lets one choose from, but for null."""
    return [arm for arm in schema.get("anyOf", [schema]) if arm.get("type") != "null"]


def _keytable_of(rows: Sequence[tuple[str, str, str]]) -> Table:
    table = table_of("Key", "Kind", "Meaning")
    for row in rows:
        table.add_row(*map(text, row))
    return table


def _kind(schema: Mapping[str, Any]) -> str:
    """Return words for what a JSON Schema takes; that it takes null goes without saying."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_kind, _arms(schema))))
    kinds = schema.get("type", "anything")
    named = [kinds] if isinstance(kinds, str) else [kind for kind in kinds if kind != "null"]
    if named == ["array"]:
        return f"array of {_kind(schema.get('items', {}))}"
    return " or ".join(named)
