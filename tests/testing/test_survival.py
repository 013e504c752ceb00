"""The crash suite: our own strategies pass it, and each promise is seen to be broken."""

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from batchjob import BatchJobs, Chunk, Outcomes, Part, Run
from batchjob.testing import Upload, assert_survives
from batchjob.testing.survival import PROMISES
from support import Lines, LinesContext
from tally import Tally

CONTEXT = {"lines": 5, "page": 2}


def test_a_strategy_survives_that_is_confirmed() -> None:
    """One that writes parts and joins them; what our own do besides is in their suites."""
    assert_survives(Lines, CONTEXT, dry_run=True)


def test_an_import_in_memory_survives() -> None:
    """One that keeps what it has read in the memory of its process."""
    rows = Upload(b"ada;1\nbob;2\n", "a.csv")
    assert_survives(Tally, {"fileKey": rows}, stores=["memory"])


class Counting(Lines):
    """Keeps state on itself."""

    def __init__(self) -> None:
        self.written = 0

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Number the lines by what it remembers."""
        with run.part() as file:
            self.written += 1
            file.write(f"{self.written}\n")
        return Outcomes(created=chunk.weight)


class Chance(Lines):
    """Writes something else each time."""

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Write by chance."""
        with run.part() as file:
            file.write(secrets.token_hex())
        return Outcomes(created=chunk.weight)


class Outside(Lines):
    """Appends to a file outside, each time that a chunk is done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Append."""
        with (self.folder / "outside").open("a") as file:
            file.write(f"{chunk.seq}\n")
        return super().work(run, chunk)


class Deaf(Lines):
    """Takes whatever a checkpoint raises for a failed row."""

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Swallow it."""
        try:
            run.checkpoint()
        except Exception:  # noqa: BLE001 - that is what is wrong with it
            return Outcomes(failed=chunk.weight)
        return super().work(run, chunk)


def outside(folder: Path) -> object:
    """Return what `Outside` has left, in order."""
    path = folder / "outside"
    return sorted(path.read_text().split()) if path.exists() else []


@pytest.mark.parametrize(
    ("promise", "strategy", "effects"),
    [
        ("again", Chance, None),
        ("at once", Counting, None),
        ("killed", Counting, None),
        ("killed", Outside, outside),
        ("twice", Counting, None),
        ("paused", Deaf, None),
    ],
)
@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_broken_promise_is_named(promise: str, strategy: Any, effects: Any, store: str) -> None:
    """What a strategy breaks is said in the words of the promise, with the place."""
    with pytest.raises(AssertionError, match=f"broken on {store}: {PROMISES[promise]}; "):
        assert_survives(strategy, CONTEXT, effects=effects, promises=[promise], stores=[store])


def test_a_cancel_that_is_lost_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that forgets a cancel breaks the promise that no strategy can."""
    monkeypatch.setattr(BatchJobs, "cancel", lambda self, job_id: self.get(job_id))
    with pytest.raises(AssertionError, match=PROMISES["canceled"]):
        assert_survives(Lines, CONTEXT, promises=["canceled"])


class Failing(Lines):
    """Fails always."""

    def finish(self, run: Run[LinesContext], parts: Iterable[Part]) -> None:
        """Fail."""
        raise RuntimeError("no")


def test_a_job_that_fails_by_itself_is_told_first() -> None:
    """Nothing is promised of a job that does not complete undisturbed."""
    with pytest.raises(AssertionError, match="undisturbed, the job is"):
        assert_survives(Failing, CONTEXT)
