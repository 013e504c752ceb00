"""Every error that batchjob raises on purpose: its fields and its words survive another process."""

import inspect
import pickle
from typing import Any

import pytest

from batchjob.core.chunks import ChunkKind
from batchjob.core.results import JobError
from batchjob.errors import BatchJobError, Fault
from public_surface import public

FIELDS: dict[str, Any] = {
    "allowed": ("failed",),
    "errors": [JobError(code="bad", message="it is bad", row=2, column="A")],
    "faults": [Fault("/a", "expected a text, found 7")],
    "kind": ChunkKind.WORK,
    "known": ["one", "two"],
    "made_by": 1,
    "plugins": ["a", "b"],
    "seconds": 1.5,
    "seq": 3,
    "token": 7,
    "version": 2,
}
"""What the parameters of errors are given, by name; the others are texts."""

CLASSES = list(public("batchjob.errors").values())


@pytest.mark.parametrize("error_class", CLASSES, ids=lambda found: found.__name__)
def test_an_error_is_whole_after_a_journey(error_class: type[BatchJobError]) -> None:
    """Pickled and taken out again it has the same fields, and says the same."""
    names = [] if error_class is BatchJobError else list(inspect.signature(error_class).parameters)
    error = error_class(*(FIELDS.get(name, f"<{name}>") for name in names))
    after = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
    assert type(after) is error_class
    assert (vars(after), str(after), after.args) == (vars(error), str(error), error.args)
    for name in names:
        assert name in vars(error), f"{name} is no field"
