"""The command line in an empty folder, with a plugin installed that tests need."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.harness import LONG, Cli

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the sample plugin is installed."""
    folder = tmp_path_factory.mktemp("plugins")
    info = folder / "sample_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[batchjob]\nsample = sample_plugin\n")
    shutil.copy(HERE / "sample_plugin.py", folder)
    return folder


@pytest.fixture
def cli(tmp_path: Path, plugins: Path) -> Iterator[Cli]:
    """The command line in an empty folder."""
    kept = {name: value for name, value in os.environ.items() if not _is_ours(name)}
    made = Cli(folder=tmp_path, environ={**kept, "PYTHONPATH": str(plugins)})
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Wait until something is true, and fail if it takes too long."""

    def wait(is_true: Callable[[], object]) -> None:
        deadline = time.monotonic() + LONG
        while not is_true():
            assert time.monotonic() < deadline, "it took too long"
            time.sleep(0.02)

    return wait


def _is_ours(name: str) -> bool:
    return name.startswith("BATCHJOB_") or name in {"COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"}
