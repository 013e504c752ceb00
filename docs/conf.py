"""How the documentation is built: sphinx-build -W docs docs/_build/html."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

sys.path.insert(0, str(Path(__file__).parent))

from state_machine import StateMachine

project = "batchjob"
author = "the batchjob authors"
project_copyright = author
version = release = version_of("batchjob")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "batchjob"
html_show_sphinx = False

myst_enable_extensions = ["deflist", "attrs_inline"]
myst_heading_anchors = 3

default_role = "py:obj"  # a docstring's `name` is a name of Python
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
add_module_names = False
maximum_signature_line_length = 90
python_use_unqualified_type_names = True

nitpicky = True
nitpick_ignore_regex = [
    # Python's own, and what other packages document
    ("py:.*", r"(collections|contextlib|csv|datetime|decimal|enum|importlib|io|os|pathlib)\..*"),
    ("py:.*", r"(hypothesis|litestar|pluggy|sqlalchemy|time|types|typing|typing_extensions)\..*"),
    ("py:.*", r"(Any|Callable|Mapping|Sequence|Iterable|Iterator|Literal|Self|Final|ClassVar)"),
    ("py:.*", r"(AbstractContextManager|BinaryIO|TextIO|datetime|Path|Decimal|EntryPoint)"),
    ("py:.*", r"(KeyboardInterrupt|ValueError|Connection|Engine|EnumType|StrEnum|PluginManager)"),
    ("py:.*", r"(.*\.)?(T|Context|RowT|Json|JsonObject|JsonScalar|_Worded)"),
    ("py:obj", r"BatchJob.status"),  # a word of Medusa
]


def resolve_short_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement
) -> Any:
    """Link a name that docstrings give without its module, if just one thing has that name."""
    if node.get("refdomain") != "py":
        return None
    domain, short = env.get_domain("py"), f".{node['reftarget'].rpartition('batchjob.')[2]}"
    found = [name for name, *_ in domain.get_objects() if name.endswith(short)]
    found = sorted(found, key=lambda name: name.count("."))
    if not found or (len(found) > 1 and found[0].count(".") == found[1].count(".")):
        return None
    here = (env, node["refdoc"], app.builder, "obj", found[0])
    return domain.resolve_xref(*here, node, text)


def setup(app: Sphinx) -> None:
    """Register what is made here."""
    app.add_directive("state-machine", StateMachine)
    app.connect("missing-reference", resolve_short_name)
