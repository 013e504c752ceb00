"""Changes: as the API shows them."""

from typing import Any

import attrs

from batchjob._typing import Json
from batchjob.converters.jobs import errors_to_json
from batchjob.core.changes import Change


def change_to_json(change: Change) -> dict[str, Json]:
    """Return *change* as the API shows it: what writing needs besides is not shown."""
    names = dict.fromkeys((*change.old, *change.new))
    fields: list[Any] = [
        {"name": name, "old": change.old.get(name), "new": change.new.get(name)} for name in names
    ]
    errors = tuple(attrs.evolve(error, params={}) for error in change.errors)
    return {
        "row": change.row,
        "key": change.key,
        "outcome": change.outcome.value,
        "fields": fields,
        "errors": errors_to_json(errors),
    }
