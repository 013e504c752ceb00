"""Ids of jobs."""

import pytest

from batchjob.core.ids import is_job_id, job_id, ulid


def test_a_ulid_is_written_as_its_specification_does() -> None:
    """The time comes first, in Crockford's base 32; the example is the specification's."""
    assert ulid(1_469_918_176_385, 0)[:10] == "01ARYZ6S41"
    assert ulid(2**48 - 1, 2**80 - 1) == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


def test_ids_sort_by_time() -> None:
    """An id of a later millisecond sorts after one of an earlier, whatever their chance."""
    assert job_id(1, 2**80 - 1) < job_id(2, 0)


@pytest.mark.parametrize(("time", "bits"), [(-1, 0), (2**48, 0), (0, -1), (0, 2**80)])
def test_what_does_not_fit_is_refused(time: int, bits: int) -> None:
    """A time beyond 48 bits or chance beyond 80 is an error, not another id."""
    with pytest.raises(ValueError, match="48 bits"):
        ulid(time, bits)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("batch_01G8T782965PYFG0751G0Z38B4", True),
        ("batch_01g8t782965pyfg0751g0z38b4", False),
        ("batch_81G8T782965PYFG0751G0Z38B4", False),
        ("batch_01G8T782965PYFG0751G0Z38BI", False),
        ("batch_01G8T782965PYFG0751G0Z38B", False),
        ("batch_01G8T782965PYFG0751G0Z38B4\n", False),
        ("'; drop", False),
    ],
)
def test_an_id_has_one_spelling(text: str, known: bool) -> None:  # noqa: FBT001 - a table
    """Lower case, I, L, O and U, overflow and anything shorter or longer is no id."""
    assert is_job_id(text) is known
