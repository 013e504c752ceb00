# ruff: noqa: ARG005 - the signatures of the port are kept whole
"""What authors of plugins usually get wrong: each is told at the earliest moment, in words."""

import itertools
import logging
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import attrs
import pytest

from batchjob import BatchJob, BatchJobs, Chunk, Outcomes, Run, Status, Strategy, hookimpl
from batchjob.abc import Settings
from batchjob.errors import InvalidStrategy, PluginProblem
from batchjob.testing import Harness, assert_survives
from support import Lines, LinesContext


@dataclass
class Data:
    """Is of the standard library's kind."""

    name: str = ""


@attrs.frozen
class Untyped:
    """Has a field without a type."""

    name = attrs.field(default="")  # type: ignore[var-annotated]


@attrs.frozen
class Foreign:
    """Has a field that no JSON is."""

    log: logging.Logger | None = None


@attrs.frozen
class Endless:
    """Leads back to itself."""

    inner: "Endless | None" = None


def variant(base: type[Strategy[Any]] = Lines, /, **changes: Any) -> Any:
    """Return a strategy that is as *base*, with these *changes*."""
    return type("Mine", (base,), changes)()


def of(context: Any) -> Any:
    """Return a strategy whose context class is *context*."""

    class Mine(Strategy[context]):
        batch_type = "mine"

        def plan(self, run: Run[Any]) -> Iterable[Chunk]:
            return ()

        def work(self, run: Run[Any], chunk: Chunk) -> None:
            """Do nothing."""

    return Mine()


class NoType(Strategy[LinesContext]):
    """Names no batch type."""

    def plan(self, run: Run[LinesContext]) -> Iterable[Chunk]:
        """Plan nothing."""
        return ()

    def work(self, run: Run[LinesContext], chunk: Chunk) -> None:
        """Do nothing."""


def misspelt() -> Any:
    """Return a strategy whose finish is spelt otherwise."""
    return variant(NoType, batch_type="mine", finsh=lambda self, run, parts: None)


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (NoType(), "its batch_type is None; it must be lower case letters"),
        (of(int), "its context class int is no attrs class; write class Mine"),
        (of(Data), "its context class Data is a dataclass; write class Mine"),
        (of(Untyped), "Untyped.name has no type; write one, such as name: str"),
        (of(Foreign), "Foreign.log is a Logger, which JSON has no form for; give json_key"),
        (of(Endless), "Endless.inner leads back to Endless"),
        (misspelt(), "nothing calls its method finsh; did you"),
        (variant(work=lambda self, chunk: None), r"write def work\(self, run, chunk\)"),
        (variant(finish=lambda self, run: None), r"write def finish\(self, run, parts\)"),
        (variant(check=True), "its check is True; it must be a method"),
        (variant(version="2"), "its version is '2'; it must be 1 or more"),
        (variant(time_limit="1h"), "its time_limit is '1h'; it must be seconds, more than 0"),
    ],
)
def test_a_class_that_is_wrong_is_told_when_it_is_offered(strategy: Any, words: str) -> None:
    """No job is made of it: the plugin's problem says what would be right."""
    with pytest.raises(PluginProblem, match=words):
        Harness(strategy)


def test_helpers_of_other_names_are_let_be() -> None:
    """A method that is called nearly as one of the port, and takes something else, is its own."""
    with Harness(variant(finished=lambda self: None, checks=lambda self, a, b: None)) as here:
        assert here.run().status is Status.COMPLETED


class Unmarked:
    """Has forgotten the mark."""

    def batchjob_strategies(self, settings: Settings) -> list[Any]:
        """Offer them."""
        return [Lines()]


class Misspelt:
    """Has a hook that there is not."""

    @hookimpl
    def batchjob_strategy(self, settings: Settings) -> list[Any]:
        """Offer them."""
        return [Lines()]


class One:
    """Returns a strategy for a list of them."""

    @hookimpl
    def batchjob_strategies(self, settings: Settings) -> Any:
        """Offer one."""
        return Lines()


class Listed:
    """Returns a list for a table."""

    @hookimpl
    def batchjob_stores(self) -> Any:
        """Offer something."""
        return [1]


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        (Unmarked(), "its batchjob_strategies is not marked as a hook; write @hookimpl above it"),
        (Misspelt(), "no hook batchjob_strategy; did you mean batchjob_strategies?"),
        (One(), "its hook batchjob_strategies returned Lines, not a list"),
        (Listed(), "its hook batchjob_stores returned list, not a dict"),
        (One, "give an instance, not the class"),
        (object(), "it has no hook, and so does nothing; known: batchjob_strategies"),
    ],
)
def test_a_plugin_that_is_wrong_is_told_when_jobs_are_opened(plugin: object, words: str) -> None:
    """It is logged, and raised where that was asked for."""
    with pytest.raises(PluginProblem, match=words):
        BatchJobs.open("memory:", plugins={"mine": plugin}, strict=True)


def fail(*_: object) -> Any:
    """Raise what nobody has foreseen."""
    raise KeyError("hunter2")


@pytest.mark.parametrize("method", ["check", "input_key", "exclusive_key"])
def test_what_is_raised_before_there_is_a_job_is_raised_to_the_caller(method: str) -> None:
    """With its own traceback; no job is left over."""
    with Harness(variant(**{method: fail})) as here:
        with pytest.raises(KeyError, match="hunter2"):
            here.create()
        assert here.jobs.list().count == 0


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("plan", "the plan was tried 5 times and failed: KeyError"),
        ("work", "work chunk 0 was tried 5 times and failed: KeyError"),
        ("finish", "the finish was tried 5 times and failed: KeyError"),
    ],
)
def test_what_is_raised_in_a_phase_is_told_at_once_and_ends_the_job(method: str, said: str) -> None:
    """The author reads all of it after one step; users read which phase, and no more."""
    with Harness(variant(**{method: fail})) as here:
        job = here.create()
        first = next(step for step in iter(lambda: here.step(job), None) if step.error)
        assert first.attempt == 1
        assert "in fail\n    raise KeyError(" in str(first.error)
        assert "hunter2" in str(first.error)
        ended = here.go_on(job)
    assert ended.result is not None
    assert [error.message for error in ended.result.errors] == [said]


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("changes", lambda jobs, job: jobs.changes(job.id)),
        ("template", lambda jobs, job: jobs.template("lines")),
    ],
)
def test_what_is_raised_while_something_is_shown_is_raised_to_the_caller(
    method: str, call: Any
) -> None:
    """The job is as it was."""
    with Harness(variant(**{method: fail})) as here:
        job = here.go_on(here.create(dry_run=True))
        with pytest.raises(KeyError, match="hunter2"):
            call(here.jobs, job)
        assert here.run().status is Status.COMPLETED


def test_a_template_that_fails_hides_no_other_type(caplog: pytest.LogCaptureFixture) -> None:
    """What batch types there are is said all the same."""
    with Harness(variant(template=fail)) as here:
        (found,) = here.jobs.types()
    assert (found.type, found.template) == ("lines", False)
    assert "the template of lines could not be made" in caplog.text


def test_what_is_raised_while_closing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """And the other strategies are closed all the same."""
    closed = list[int]()
    other = variant(batch_type="other", close=lambda self: closed.append(1))
    with Harness(variant(close=fail), other):
        pass
    assert closed == [1]
    assert "plugin tested: lines could not be closed" in caplog.text


def test_a_context_of_an_older_version_says_that_it_cannot_be_used(tmp_path: Path) -> None:
    """Who raises the version and forgets `upgrade` reads so."""
    store = f"sqlite:///{tmp_path}/jobs.db"
    for version in (1, 2):
        with Harness(variant(version=version), store=store, folder=tmp_path) as here:
            job = here.create() if version == 1 else here.go_on(here.jobs.list().jobs[0])
    assert job.result is not None
    assert "the context was made by version 1 of lines, and version 2 does" in (
        job.result.errors[0].message
    )


class Remembers(Lines):
    """Keeps state on itself."""

    def __init__(self) -> None:
        self.written = 0

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Number the lines by what it remembers."""
        self.written += 1
        with run.part() as file:
            file.write(f"{self.written}\n")
        return None


def test_state_on_self_is_named() -> None:
    """The crash suite says which attribute it is."""
    words = "meanwhile it has changed self.written, which no other worker sees"
    with pytest.raises(AssertionError, match=words):
        assert_survives(Remembers, {"lines": 4}, promises=["at once"], stores=["memory"])


UNPLAIN: Any = {1, 2}


def planned(strategy: Any) -> BatchJob:
    """Return a job of *strategy* after it was planned."""
    with Harness(strategy) as here:
        job = here.create()
        here.step(job)
        return here.jobs.get(job.id)


def message(job: BatchJob) -> str:
    """Return what a failed job says."""
    assert job.status is Status.FAILED
    assert job.result is not None
    (error,) = job.result.errors
    return error.message


def planning(*chunks: Any) -> Any:
    """Return a strategy that plans these."""
    return variant(plan=lambda self, run: chunks)


@pytest.mark.parametrize(
    ("strategy", "words"),
    [
        (
            variant(plan=lambda self, run: map(Chunk, itertools.count())),
            "the plan has more than 100000 chunks; make the chunks larger",
        ),
        (variant(plan=lambda self, run: None), "plan returned NoneType; it must yield chunks"),
        (planning(1), "plan must yield Chunk values with a weight of 0 or more"),
        (planning(Chunk(1, weight=-1)), "plan must yield Chunk values with a weight of 0 or more"),
        (planning(Chunk({"row": UNPLAIN})), "payload of chunk 0 is no JSON: .*/row: set has no"),
        (planning(Chunk(["a row"] * 200_000)), "takes 1800000 characters, 1000000 are the most"),
        (variant(plan=lambda self, run: [run.amend(x=1)]), "plan must yield Chunk values"),
        (variant(plan=lambda self, run: run.amend(x=1) or ()), "/x: unknown key; allowed: lines"),
        (
            variant(plan=lambda self, run: run.describe("a", "b", 3) or ()),
            r"run.describe\(\) was given int; it takes three texts",
        ),
        (
            variant(plan=lambda self, run: run.error("bad") or ()),
            r"run.error\(\) was given str; it takes a JobError",
        ),
        (
            variant(plan=lambda self, run: run.transaction),
            "run.transaction is for work and finish, not for plan",
        ),
    ],
)
def test_a_plan_that_is_wrong_fails_at_its_first_attempt(
    strategy: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing was done by it, and the job says why."""
    caplog.set_level(logging.CRITICAL)
    assert re.search(words, message(planned(strategy)))


def test_a_plan_that_never_ends_says_where_it_is() -> None:
    """Without chunks it cannot be counted: it is waited for, and its place is shown."""
    ended = list[int]()

    def plan(self: Any, run: Run[Any]) -> Iterator[Chunk]:
        while not ended:
            time.sleep(0.01)
        yield Chunk(None)

    with Harness(variant(plan=plan), patience=0.2) as here:
        job = here.create()
        with pytest.raises(TimeoutError, match=r"plan 0 is not done after 0.2 s(.|\n)*in plan"):
            here.step(job)
        ended.append(1)


def test_a_chunk_that_takes_all_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """It is not refused, as there may be a reason: the log says what it costs."""
    job = planned(planning(Chunk({"first": 0, "last": 0}, weight=50_000)))
    assert job.status is Status.CONFIRMED
    assert "chunk 0 has a weight of 50000; until all of it is done no progress is" in caplog.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"work": lambda self, run, chunk: {"created": 1}}, "work returned dict, not Outcomes"),
        (
            {"work": lambda self, run, chunk: run.describe("a", "b", "c")},
            r"run.describe\(\) is for plan, not for work",
        ),
        (
            {"finish": lambda self, run, parts: run.amend(lines=1)},
            r"run.amend\(\) is for plan, not for finish",
        ),
    ],
)
def test_a_phase_that_asks_for_what_is_not_its_own_is_told_so(changes: Any, words: str) -> None:
    """At the first attempt: another one would find the same."""
    with Harness(variant(**changes)) as here:
        said = message(here.run())
    assert re.search(words, said)
    assert "was tried once" in said


@pytest.mark.parametrize("method", ["input_key", "exclusive_key"])
def test_a_key_that_is_no_text_is_told_when_a_job_is_made(method: str) -> None:
    """Before there is one."""
    strategy = variant(**{method: lambda self, context: 3})
    with (
        Harness(strategy) as here,
        pytest.raises(InvalidStrategy, match=f"{method} returned int; it must be a text, or None"),
    ):
        here.create()


def test_changes_that_are_none_are_told_when_they_are_looked_at() -> None:
    """Whoever asks for the preview reads what is wrong with it."""
    with Harness(variant(changes=lambda self, run, chunk: [{"row": 1}])) as here:
        job = here.go_on(here.create(dry_run=True))
        with pytest.raises(InvalidStrategy, match="changes yielded dict; it must yield Change"):
            here.jobs.changes(job.id)
