"""The command line's fixtures, for tests of ``serve``, and Medusa's own client."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cli.conftest import cli, plugins, until

__all__ = ["cli", "medusa_client", "plugins", "until"]


@pytest.fixture(scope="session")
def medusa_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which Medusa's own JavaScript client is installed, with scripts that use it."""
    folder = tmp_path_factory.mktemp("medusa-js")
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("there is no npm here")
    package = "@medusajs/medusa-js@6"
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", package]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode:
        pytest.skip(f"npm's registry does not answer: {done.stderr[-300:]}")
    for script in Path(__file__).parent.glob("*.cjs"):
        shutil.copy(script, folder)
    return folder
