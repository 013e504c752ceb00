"""Changes as a terminal shows them: a table, with what is there and what shall be."""

from typing import Any, Final

from rich.text import Text

from batchjob.cli.render import console, describe_error, table_of, text
from batchjob.core.changes import Change, ChangePage, Outcome

_STYLES: Final = {
    Outcome.CREATED: "green",
    Outcome.UPDATED: "yellow",
    Outcome.UNCHANGED: "dim",
    Outcome.SKIPPED: "dim",
    Outcome.FAILED: "red",
}
_LONGEST: Final = 60  # characters of a value


def show_changes(page: ChangePage) -> None:
    """Print a page of changes, and how many there are in all."""
    out = console()
    if page.changes:
        table = table_of("Row", "Outcome", "Key", "Changes")
        for change in page.changes:
            outcome = text(change.outcome.value, _STYLES[change.outcome])
            table.add_row(text(change.row), outcome, text(change.key), _fields(change))
        out.print(table)
    last = page.offset + len(page.changes)
    shown = f"{page.offset + 1:,} to {last:,} of" if page.changes else "none of"
    out.print(text(f"Rows: {shown} {page.count:,}"))


def _fields(change: Change) -> Text:
    """Return what changes, a line for each field; of a row that fails, why."""
    lines = [text(describe_error(error), "red") for error in change.errors]
    for name in dict.fromkeys((*change.old, *change.new)):
        old, new = _value(change.old.get(name)), _value(change.new.get(name))
        line = text(f"{name}: ")
        if name in change.old:
            line += text(old, "red") + " -> "
        lines.append(line + text(new, "green"))
    return Text("\n").join(lines)


def _value(value: Any) -> str:
    if value is None:
        return "(nothing)"
    found = value if isinstance(value, str) else repr(value)
    return found if len(found) <= _LONGEST else found[: _LONGEST - 1] + "…"
