"""The public surface: light to import, and with one address for each name."""

import inspect
import json
import subprocess
import sys
from collections import defaultdict
from difflib import unified_diff

import batchjob
from public_surface import PLACES, kept, public, surface

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


def test_the_public_surface_is_as_it_was_written_down() -> None:
    """A name that comes, goes or takes something else is a line of the changelog."""
    there, here = kept()[1].splitlines(), surface().splitlines()
    changes = [line for line in unified_diff(there, here, lineterm="", n=0) if line[:2] != "@@"]
    how = "say it in CHANGELOG.md, then run: python tests/public_surface.py"
    assert not changes, "\n".join(["the public surface has changed;", how, *changes])


def test_a_name_has_one_address() -> None:
    """No public name is found in two public modules."""
    found = defaultdict[int, list[str]](list)
    for place in PLACES:
        for name, value in public(place).items():
            if callable(value) and not (place == "batchjob.errors" and name in batchjob.__all__):
                found[id(value)].append(f"{place}.{name}")
    assert [places for places in found.values() if len(places) > 1] == []


def test_options_are_given_by_name() -> None:
    """Whatever has a default is keyword-only, but for what a call is about."""
    subjects = {"context", "name", "prefix", "time", "code", "message"}
    for place in PLACES:
        for name, value in public(place).items():
            members = vars(value).values() if isinstance(value, type) else (value,)
            for each in filter(inspect.isfunction, members):
                if each.__name__.startswith("_"):
                    continue
                for parameter in inspect.signature(each).parameters.values():
                    is_given = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
                    if is_given and parameter.default is not parameter.empty:
                        assert parameter.name in subjects, f"{place}.{name}: {each.__name__}"
