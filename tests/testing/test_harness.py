"""Who takes part in a harness: the strategies and plugins that it is given, and nobody else."""

from importlib.metadata import entry_points
from pathlib import Path

import pytest

from batchjob import BatchJob, Event, Status, hookimpl
from batchjob.testing import Harness
from support import Lines


def test_installed_plugins_cannot_disturb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one that cannot even be imported, nor one that offers the same batch type."""
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[batchjob]\nbroken = not_there\nsame = same_type\n")
    (tmp_path / "same_type.py").write_text(
        "from batchjob import hookimpl\nfrom support import Lines\n"
        "@hookimpl\ndef batchjob_strategies():\n    return [Lines()]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert {"broken", "same"} <= entry_points(group="batchjob").names
    with Harness(Lines()) as here:
        assert here.result(here.run({"lines": 1})) == b"line 0\n"
        assert here.jobs.plugins.names == ("files", "stores", "tested")


def test_plugins_that_are_given_take_part() -> None:
    """A listener is told what happens."""
    told = list[Status]()

    class Listener:
        @hookimpl
        def batchjob_job_changed(self, event: Event, job: BatchJob) -> None:
            told.append(event.to_status)

    with Harness(Lines(), plugins={"listener": Listener()}) as here:
        here.run()
    assert told[-1] is Status.COMPLETED
