"""A plugin that is installed for processes of their own."""

import os
from pathlib import Path

import pytest

from batchjob.testing.engines.installing import install


@pytest.fixture(scope="session")
def plugin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the plugin of these tests is installed."""
    return install(tmp_path_factory.mktemp("plugins") / "site")


@pytest.fixture
def installed(plugin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin's folder, which this process finds too; no setting comes from outside."""
    monkeypatch.syspath_prepend(str(plugin_folder))
    for name in [name for name in os.environ if name.startswith("BATCHJOB_")]:
        monkeypatch.delenv(name)
    return plugin_folder
