"""Faults of plugins and deploys; each test is a line of the fault list, by its number."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from batchjob import Settings, Status
from batchjob.abc import STRATEGY_WAIT
from batchjob.core.standing import Wait
from batchjob.errors import AmbiguousBatchType, PluginProblem
from batchjob.plugins import load
from reliability.scene import Rows, Scene
from support import Lines, Offering

SETTINGS = Settings(store="memory:")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Write a module, and return the entry point that names it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def make(name: str, text: str) -> EntryPoint:
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
        names.append(name)
        return EntryPoint(name=name, value=name, group="batchjob")

    yield make
    for name in names:
        sys.modules.pop(name, None)


BROKEN = {
    "ImportError": "import no_such_module_of_anybody",
    "SyntaxError": "def (",
    "SystemExit": "import sys\nsys.exit('not today')",
    "ZeroDivisionError": "1 / 0",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_f28_a_plugin_that_cannot_be_imported_is_left_out(
    plugin: Any, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """It is named with what was wrong, in the problems and in the log; the others work."""
    found = [
        plugin("the_broken_one", BROKEN[kind]),
        plugin(
            "the_sound_one",
            "from batchjob import hookimpl\nfrom support import Lines\n"
            "@hookimpl\ndef batchjob_strategies(settings):\n    return [Lines()]\n",
        ),
    ]
    loaded = load(SETTINGS, found=found)
    assert loaded.registry.batch_types == ("lines",)
    (problem,) = loaded.problems
    named = "ModuleNotFoundError" if kind == "ImportError" else kind
    assert "the_broken_one" in str(problem)
    assert named in str(problem)
    assert "the_broken_one" in caplog.text
    with pytest.raises(PluginProblem, match="the_broken_one"):
        load(SETTINGS, found=found, strict=True)


def test_f29_a_type_that_two_plugins_offer_is_nobodys() -> None:
    """The type cannot be used, both plugins are named, and everything else works."""

    class Other(Lines):
        """Another one."""

        batch_type: ClassVar[str] = "other"

    plugins = {"first": Offering(Lines()), "second": Offering(Lines(), Other())}
    loaded = load(SETTINGS, found=[], plugins=plugins)
    assert loaded.registry.batch_types == ("other",)
    with pytest.raises(AmbiguousBatchType, match="first and second"):
        loaded.registry.resolve("lines")
    (problem,) = loaded.problems
    assert "first and second" in str(problem)
    with pytest.raises(AmbiguousBatchType):
        load(SETTINGS, found=[], plugins=plugins, strict=True)


class NewRows(Rows):
    """The next version: its context is another one, and it knows no way from the old."""

    version = 2


class UpgradingRows(NewRows):
    """The next version, with a way from the old one."""

    def upgrade(self, context: Any, from_version: int) -> Any:
        """One chunk more than was asked for, so that it shows."""
        assert from_version == 1
        return {**context, "chunks": context["chunks"] + 1}


@pytest.fixture
def deploy(sqlite_url: str, tmp_path: Path) -> Iterator[Any]:
    """Open the same jobs with other strategies."""
    opened: list[Scene] = []

    def make(*strategies: Any) -> Scene:
        opened.append(Scene(sqlite_url, tmp_path, *strategies))
        return opened[-1]

    yield make
    for scene in opened:
        scene.close()


def test_f30_a_job_of_the_old_version_is_upgraded(deploy: Any) -> None:
    """A job in flight goes on with its context as the new strategy wants it."""
    job = deploy(Rows()).jobs.create("rows", {"chunks": 2})
    new = deploy(UpgradingRows())
    new.go_on(most=0.0)
    assert new.jobs.get(job.id).status is Status.COMPLETED
    assert sorted(new.rows(job.id)) == list(range(9))


def test_f30_a_job_without_a_way_to_the_new_version_fails_before_any_effect(deploy: Any) -> None:
    """Where the strategy knows no way from the old context, the job fails, and says so."""
    old = deploy(Rows())
    job = old.jobs.create("rows", {"chunks": 2})
    assert old.jobs.worker().step()
    new = deploy(NewRows())
    new.go_on(most=0.0)
    failed = new.jobs.get(job.id)
    assert failed.status is Status.FAILED
    assert [error.code for error in failed.result.errors] == ["context_version"]
    assert not new.rows(job.id)


def test_f31_old_workers_leave_new_jobs_alone(deploy: Any) -> None:
    """Old and new workers share the store: each does what it knows, and tokens count for both."""
    old, new = deploy(Rows()), deploy(UpgradingRows())
    made_by_old = old.jobs.create("rows", {"chunks": 2})
    made_by_new = new.jobs.create("rows", {"chunks": 2})
    worker = old.jobs.worker()
    assert not worker.step(made_by_new.id)
    while worker.step():
        pass
    old.is_whole(made_by_old, extra=0)
    assert new.jobs.get(made_by_new.id).status is Status.CREATED
    new.go_on(most=0.0)
    new.is_whole(made_by_new, extra=0)


def test_f32_jobs_of_a_strategy_that_is_gone_wait_and_say_so(deploy: Any) -> None:
    """They wait for the strategy, can be listed and canceled, and fail after a day."""
    before = deploy(Rows())
    waits, canceled = (before.jobs.create("rows", {"chunks": 1}) for _ in range(2))
    after = deploy(Lines())
    assert not after.jobs.worker().step()
    assert after.jobs.standing(waits.id).wait is Wait.STRATEGY
    assert after.jobs.list().count == 2
    assert after.jobs.cancel(canceled.id).status is Status.CANCELED
    after.clock(STRATEGY_WAIT - 60.0)
    after.jobs.sweep()
    assert after.jobs.get(waits.id).status is Status.CREATED
    after.clock(120.0)
    after.jobs.sweep()
    failed = after.jobs.get(waits.id)
    assert failed.status is Status.FAILED
    assert [error.code for error in failed.result.errors] == ["strategy_missing"]
