"""The public surface: light to import, and with one address for each name."""

import json
import subprocess
import sys

import batchjob

LOADED = """
import sys
before = set(sys.modules)
import batchjob
new = {name.partition(".")[0] for name in set(sys.modules) - before}
import json
print(json.dumps(sorted(new - set(sys.stdlib_module_names))))
"""


def test_importing_batchjob_loads_four_packages_and_no_adapter() -> None:
    """A fresh interpreter loads attrs, cattrs, pluggy and typing-extensions, and no more."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED + "\nprint(*(m for m in sys.modules if 'batchjob.' in m))"],
        capture_output=True,
        text=True,
        check=True,
    )
    packages, modules = done.stdout.splitlines()
    assert set(json.loads(packages)) == {
        "attr", "attrs", "batchjob", "cattrs", "pluggy", "typing_extensions",
    }  # fmt: skip
    rooms = {name.split(".")[1] for name in modules.split()}
    assert not rooms & {"stores", "files", "engines", "products", "cli", "__main__"}


def test_every_public_name_is_there_and_documented() -> None:
    """What ``__all__`` promises can be imported, and says what it is."""
    assert batchjob.__all__ == sorted(batchjob.__all__, key=lambda n: (not n.isupper(), n))
    for name in batchjob.__all__:
        found = getattr(batchjob, name)
        assert found.__doc__, name
