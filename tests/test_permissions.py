"""Who may do what to whose jobs, as the hook `batchjob_allows` and the facade decide it."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from batchjob import BatchJobs, hookimpl
from batchjob.core.actions import ACTIONS
from batchjob.errors import Forbidden, UnknownFile, UnknownJob
from support import Lines, Offering, answering


class Rules:
    """A plugin whose opinions tests set, by action or by action and type."""

    def __init__(self) -> None:
        self.said: dict[str, bool] = {}
        self.otherwise: bool | None = None

    @hookimpl
    def batchjob_allows(self, action: str, batch_type: str) -> bool | None:
        """Say what was set."""
        return self.said.get(f"{action} {batch_type}", self.said.get(action, self.otherwise))


class Broken:
    """A plugin that cannot say."""

    @hookimpl
    def batchjob_allows(self) -> bool:
        """Fail."""
        raise ValueError("no directory")


class Others(Lines):
    """Another batch type."""

    batch_type = "others"


@pytest.fixture
def rules() -> Rules:
    """The rule of a plugin."""
    return Rules()


@pytest.fixture
def jobs(rules: Rules) -> Iterator[BatchJobs]:
    """Jobs with that plugin."""
    plugins = {"lines": Offering(Lines(), Others()), "rules": rules, "none": Rules()}
    with BatchJobs.open("memory:", plugins=plugins) as opened:
        yield opened


def verbs(jobs: BatchJobs, job_id: str) -> dict[str, Callable[[], Any]]:
    """Return what boss can do to a job, by action."""
    return {
        action: partial(getattr(jobs, action), job_id, actor="boss")
        for action in ACTIONS
        if action not in ("create", "see")
    }


def test_without_an_opinion_actors_have_their_own_jobs(jobs: BatchJobs) -> None:
    """An actor sees and changes own jobs, and no others, where no plugin says otherwise."""
    job = jobs.create("lines", actor="ada", dry_run=True)
    assert jobs.cancel(job.id, actor="ada").status == "canceled"
    for verb in verbs(jobs, job.id).values():
        with pytest.raises(UnknownJob):
            verb()
    assert jobs.list(actor="boss").count == 0


def test_who_may_see_a_type_sees_all_of_it(jobs: BatchJobs, rules: Rules) -> None:
    """Jobs, their events and their files are there, in lists too; of other types they are not."""
    rules.said = {"see lines": True}
    job = jobs.work(jobs.create("lines", actor="ada").id)
    other = jobs.create("others", actor="ada")
    own = jobs.create("others", actor="boss")
    assert jobs.get(job.id, actor="boss") == job
    assert jobs.events(job.id, actor="boss")
    assert {each.id for each in jobs.list(actor="boss").jobs} == {job.id, own.id}
    assert jobs.list(actor="boss").count == 2
    assert job.result
    assert job.result.file_key
    jobs.open_file(job.result.file_key, actor="boss").close()
    jobs.open_result(job.id, actor="boss").close()
    with pytest.raises(UnknownJob):
        jobs.get(other.id, actor="boss")


@pytest.mark.parametrize("action", [each for each in ACTIONS if each not in ("create", "see")])
def test_who_sees_a_job_needs_leave_to_change_it(
    jobs: BatchJobs, rules: Rules, action: str
) -> None:
    """What is seen and not allowed is `Forbidden`, and changes nothing."""
    rules.said = {"see": True}
    job = jobs.create("lines", actor="ada", dry_run=True)
    with pytest.raises(Forbidden, match=f"you may not {action} this job of type lines"):
        verbs(jobs, job.id)[action]()
    assert jobs.get(job.id) == job


def test_who_may_do_it_does_it_to_all_jobs(jobs: BatchJobs, rules: Rules) -> None:
    """With leave by action and type, an actor changes what others made."""
    rules.said = {"see": True, "cancel": True}
    job = jobs.create("lines", actor="ada")
    assert jobs.cancel(job.id, actor="boss").status == "canceled"
    assert jobs.events(job.id)[-1].actor == "boss"


def test_own_jobs_can_be_forbidden(jobs: BatchJobs, rules: Rules) -> None:
    """One that forbids outweighs others; who may not see has nothing, also not in lists."""
    job = jobs.work(jobs.create("lines", actor="ada").id)
    rules.otherwise = False
    for verb in (jobs.get, jobs.cancel, jobs.events, jobs.standing):
        with pytest.raises(UnknownJob):
            verb(job.id, actor="ada")
    assert jobs.list(actor="ada").count == 0
    assert job.result
    assert job.result.file_key
    with pytest.raises(UnknownFile):
        jobs.file(job.result.file_key, actor="ada")
    with pytest.raises(Forbidden, match="you may not create"):
        jobs.create("lines", actor="ada")
    assert jobs.list().count == 1


def test_a_rule_that_raises_forbids(caplog: pytest.LogCaptureFixture) -> None:
    """A plugin that fails lets nobody in, and its name is in the log."""
    plugins = {"lines": Offering(Lines()), "rules": Broken()}
    with BatchJobs.open("memory:", plugins=plugins) as jobs:
        job = jobs.create("lines")
        with pytest.raises(UnknownJob):
            jobs.get(job.id, actor="ada")
    assert "plugin rules: its hook batchjob_allows failed" in caplog.text


@pytest.mark.parametrize("answer", ["no", 0, 1, []])
def test_a_rule_that_says_neither_forbids(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What is no answer is not taken for a yes, and is in the log with the plugin's name."""
    plugins = {"lines": Offering(Lines()), "rules": answering("batchjob_allows", answer)}
    with BatchJobs.open("memory:", plugins=plugins) as jobs, pytest.raises(Forbidden):
        jobs.create("lines", actor="ada")
    words = f"returned {type(answer).__name__}, no True, False or None"
    assert f"plugin rules: its hook batchjob_allows {words}" in caplog.text


def test_trusted_code_is_asked_nothing(jobs: BatchJobs, rules: Rules) -> None:
    """Without an actor all is allowed, whatever a plugin says."""
    rules.otherwise = False
    job = jobs.create("lines", actor=None)
    assert jobs.cancel(job.id).id == job.id
