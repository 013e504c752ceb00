"""Faults that strategies raise; each test is a line of the fault list, by its number."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from batchjob import JobError, Refused, Run, Status
from batchjob.testing.stores.making import at_once
from batchjob.worker.faults import MAX_DETAIL
from reliability.scene import Rows, Scene, Size, scene


class Unprintable(Exception):
    """Cannot be shown; who tries is told to end."""

    def __str__(self) -> str:
        raise SystemExit

    __repr__ = __str__


def cyclic() -> Exception:
    """Return an error that is the cause of its own cause."""
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def kept(here: Scene) -> tuple[str, str]:
    """Return the one error of a chunk that the store keeps: its class, and its detail."""
    with here.eye.connect() as connection:
        sql = "SELECT CAST(error AS text) FROM batchjob_chunk WHERE error IS NOT NULL"
        error = json.loads(connection.scalars(sa.text(sql)).one())
    return error["class"], error["detail"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unprintable, "Unprintable (unprintable)"),
        (lambda: ValueError("x" * 10_000_000), "ValueError: xxx"),
        (lambda: ValueError("a\0b\ud800c"), "ValueError: ab?c"),
        (cyclic, "RuntimeError: first"),
    ],
    ids=["unprintable", "huge", "nul", "cyclic"],
)
@pytest.mark.parametrize("phase", ["plan", "work", "finish"])
def test_f22_an_error_is_kept_whatever_it_says(
    set_scene: Callable[..., Scene], phase: str, error: Callable[[], Exception], words: str
) -> None:
    """What is kept of an error is its class, and text that is not long and can be stored."""

    def fail(run: Run[Size]) -> None:
        if run.attempt == 1:
            raise error()

    here = set_scene(Rows(**{phase: fail}))
    job = here.jobs.create("rows", {"chunks": 1})
    here.go_on()
    here.is_whole(job, extra=1)
    named, detail = kept(here)
    assert named == type(error()).__name__
    assert words in detail
    assert "\0" not in detail
    assert len(detail.encode()) <= MAX_DETAIL


ODD: dict[str, tuple[Any, str]] = {
    "unprintable": (Unprintable(), "Unprintable (unprintable)"),
    "huge": ("x" * 10_000_000, "x" * (MAX_DETAIL - 3) + "..."),
    "nul": ("a\0b\ud800c", "ab?c"),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("listed", [False, True], ids=["reason", "errors"])
def test_f22_a_refusal_is_told_whatever_it_says(
    set_scene: Callable[..., Scene], odd: str, *, listed: bool
) -> None:
    """What a strategy says to the user of a refusal is told as far as it can be stored."""
    said, told = ODD[odd]

    def refuse(run: Run[Size]) -> None:
        error = JobError(code="odd", message=said, column=said, params={"a": said, "b": 1.5})
        raise Refused("no", [error]) if listed else Refused(said)

    here = set_scene(Rows(work=refuse))
    job = here.jobs.create("rows", {"chunks": 1})
    here.go_on(most=0.0)
    failed: Any = here.jobs.get(job.id)
    assert failed.status is Status.FAILED
    (error,) = failed.result.errors
    assert error.message == told
    if listed:
        assert (error.column, error.params) == (told, {"a": told, "b": 1.5})


def test_f34_chunks_in_a_deadlock_are_done_in_place(postgresql_url: str, tmp_path: Path) -> None:
    """Of two chunks that wait for each other one is done again, as the same attempt."""
    meet, tries = threading.Barrier(2), list[tuple[str, int, int]]()

    def lock(run: Run[Size], number: int) -> None:
        run.transaction.execute(sa.text("SET LOCAL deadlock_timeout = '50ms'"))
        run.transaction.execute(sa.text(f"SELECT pg_advisory_xact_lock({number})"))

    def work(run: Run[Size]) -> None:
        first = int(run.key[-1])
        tries.append((run.key, run.attempt, run.fence))
        lock(run, first)
        if len(tries) <= meet.parties:
            meet.wait(30)
        lock(run, 1 - first)

    with scene(postgresql_url, tmp_path, Rows(work=work)) as here:
        job = here.jobs.create("rows", {"chunks": 2})
        assert here.jobs.worker().step()
        assert all(at_once(here.jobs.worker().step, here.jobs.worker().step))
        here.go_on(most=0.0)
        here.is_whole(job, extra=0)
    assert len(tries) == 3
    assert {each[1:] for each in tries} == {(1, 1)}


@pytest.mark.parametrize(("often", "more"), [(3, []), (4, [(2, 3)])], ids=["three", "four"])
def test_f34_a_chunk_that_cannot_be_put_into_an_order_is_done_in_place(
    postgresql_url: str, tmp_path: Path, often: int, more: list[tuple[int, int]]
) -> None:
    """It is done again three times at most with the same token; then the attempt has failed."""
    tries: list[tuple[int, int]] = []

    def written(run: Run[Size]) -> None:
        tries.append((run.attempt, run.fence))
        if len(tries) <= often:
            conflict = "DO $$BEGIN RAISE serialization_failure; END$$"
            run.transaction.execute(sa.text(conflict))

    with scene(postgresql_url, tmp_path, Rows(written=written)) as here:
        job = here.jobs.create("rows", {"chunks": 1})
        here.go_on()
        here.is_whole(job, extra=len(more))
    assert tries == [*[(1, 1)] * 4, *more]
