"""How changes and errors stand in the files between a plan and its work: JSON, line by line."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from batchjob.core.changes import Change, Outcome
from batchjob.core.results import JobError

_TOGETHER: Final = 50  # changes of a line: as many calls for each would cost more than the JSON
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_OUTCOMES: Final = {each.value: each for each in Outcome}
_MISSING: Final[Sequence[Any]] = ({}, {}, None, "", ())  # what stands for it at a change's end


def change_lines(changes: Sequence[Change]) -> Iterator[str]:
    """Yield *changes* as lines with their newlines."""
    for start in range(0, len(changes), _TOGETHER):
        yield _encode(list(map(_change_list, changes[start : start + _TOGETHER]))) + "\n"


def changes_of(line: str) -> Iterator[Change]:
    """Yield the changes of a line that `change_lines` made."""
    return map(_change, json.loads(line))


def _change_list(change: Change) -> list[Any]:
    found: list[Any] = [
        *(change.row, change.key, change.outcome, change.old, change.new),
        *(change.data, change.group, [error_list(error) for error in change.errors]),
    ]
    while len(found) > 3 and not found[-1]:  # noqa: PLR2004 - what is always there
        found.pop()
    return found


def _change(found: list[Any]) -> Change:
    found += _MISSING[len(found) - 3 :]
    row, key, outcome, old, new, data, group, errors = found
    return Change(
        row=row,
        key=key,
        outcome=_OUTCOMES[outcome],
        old=old,
        new=new,
        data=data,
        group=group,
        errors=[error_of(each) for each in errors] if errors else (),
    )


def failure_line(row: int, errors: Sequence[JobError]) -> str:
    """Return a row that failed, with its errors, as a line with its newline."""
    return json.dumps([row, [error_list(error) for error in errors]]) + "\n"


def failure_of(line: str) -> tuple[int, list[JobError]]:
    """Return row and errors of a line that `failure_line` made."""
    row, errors = json.loads(line)
    return row, [error_of(each) for each in errors]


def error_list(error: JobError) -> list[Any]:
    """Return *error* as a JSON array."""
    return [error.code, error.message, error.row, error.column, error.params]


def error_of(found: Sequence[Any]) -> JobError:
    """Return the error of an array that `error_list` made."""
    code, message, row, column, params = found
    return JobError(code=code, message=message, row=row, column=column, params=params)
