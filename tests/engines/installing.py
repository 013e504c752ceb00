"""The plugin of these tests, installed as strangers install theirs."""

import shutil
from pathlib import Path

HERE = Path(__file__).parent


def install(folder: Path) -> Path:
    """Install it in *folder*, for processes that have it on their path, and return that."""
    info = folder / "engine_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: engine-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[batchjob]\nengine-tests = engine_plugin\n")
    shutil.copy(HERE / "engine_plugin.py", folder)
    return folder
