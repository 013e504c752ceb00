"""The command ``new-plugin``: a package to begin with, which passes its own tests at once.

Its files are templates in ``plugin_template``: ``MODULE`` in their names, and ``$name``,
``$module`` and ``$strategy`` in their texts, become those of the plugin.
"""

import keyword
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Final

import click

from batchjob.cli.saying import note

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_LONGEST: Final = 40  # so that no line of the templates is too long
_SUFFIX: Final = ".template"


@click.command("new-plugin")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    help="The folder in which the package's folder is made.",
)
def new_plugin(name: str, into: Path) -> int:
    """Write a package with a batch type of your own, called NAME.

    It is a folder of that name, with a strategy that works, tests that prove that it survives
    crashes, and settings for lint and types. NAME is lower case letters and digits, with single
    hyphens between them.
    """
    words = _words(name)
    folder = into / name
    try:
        folder.mkdir()
    except FileExistsError:
        raise click.UsageError(f"there is a {name} here already; choose another name") from None
    for path, text in _texts():
        place = folder / path.replace("MODULE", words["module"])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(Template(text).substitute(words), "utf-8", newline="\n")
    note(f"{name} is written; its README.md says how to go on")
    return 0


def _words(name: str) -> dict[str, str]:
    module = name.replace("-", "_")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        what = f"lower case letters and digits, hyphens between them, {_LONGEST} at most"
        raise click.UsageError(f"{name!r} is no name for a batch type: it is {what}")
    if keyword.iskeyword(module) or module in sys.stdlib_module_names or module == "batchjob":
        raise click.UsageError(f"a Python module cannot be called {module}; choose another name")
    camel = "".join(word.capitalize() for word in name.split("-"))
    return {"name": name, "module": module, "strategy": camel}


def _texts() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file, as the template has them."""
    yield from _below(files("batchjob.cli") / "plugin_template", "")


def _below(folder: Any, path: str) -> Iterator[tuple[str, str]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _below(each, f"{path}{each.name}/")
        elif each.name.endswith(_SUFFIX):
            name = each.name.removesuffix(_SUFFIX)
            yield path + (".gitignore" if name == "gitignore" else name), each.read_text("utf-8")
