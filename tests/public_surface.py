"""The public names with their signatures, as `tests/data/public-surface.txt` has them.

Run this after the public surface was changed, and CHANGELOG.md says so: it writes the file anew,
and refuses where the changelog is as it was when the file was last written.

    python tests/public_surface.py
"""

import hashlib
import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from batchjob import hookspecs

ROOT: Final = Path(__file__).resolve().parents[1]
FILE: Final = ROOT / "tests" / "data" / "public-surface.txt"
PLACES: Final = (
    *("batchjob", "batchjob.converters", "batchjob.errors", "batchjob.tabular"),
    *("batchjob.testing", "batchjob.testing.generated", "batchjob.web"),
    *("batchjob.testing.engines.conformance", "batchjob.testing.engines.installing"),
    *("batchjob.testing.files.conformance", "batchjob.testing.stores.conformance"),
    "batchjob.testing.strategies.conformance",
)
"""The modules whose names are public: what is in ``__all__``, or all error classes."""


def public(place: str) -> dict[str, Any]:
    """Return the public names of a module."""
    module = import_module(place)
    names = getattr(module, "__all__", None) or [
        name for name, found in vars(module).items() if _is_error(found, place)
    ]
    return {name: getattr(module, name) for name in sorted(names)}


def surface() -> str:
    """Return every public name, those of classes below them, with what they take."""
    lines = list[str]()
    for place in PLACES:
        for name, found in public(place).items():
            lines.append(f"{place}.{name}{_taken(found)}")
            lines += (f"    {line}" for line in _members(found))
    hooks = {name: each for name, each in vars(hookspecs).items() if name.startswith("batchjob_")}
    lines += (f"hook {name}{inspect.signature(each)}" for name, each in sorted(hooks.items()))
    return "\n".join(lines) + "\n"


def digest() -> str:
    """Return the digest of the changelog."""
    return hashlib.sha256((ROOT / "CHANGELOG.md").read_bytes()).hexdigest()[:16]


def kept() -> tuple[str, str]:
    """Return the changelog's digest when the file was written, and the surface in it."""
    first, _, rest = FILE.read_text("utf-8").partition("\n")
    return first.rpartition(" ")[2], rest


def _is_error(found: Any, place: str) -> bool:
    is_own = isinstance(found, type) and found.__module__ == place
    return is_own and issubclass(found, Exception) and not found.__name__.startswith("_")


def _members(found: Any) -> Iterator[str]:
    if not isinstance(found, type):
        return
    for name, member in sorted(vars(found).items()):
        if name.startswith("_"):
            continue
        plain = inspect.unwrap(getattr(member, "__func__", member))
        if isinstance(member, property):
            yield f"{name}: property"
        elif inspect.isfunction(plain):
            yield f"{name}{_taken(plain)}"
        elif not inspect.ismemberdescriptor(member) and not name.isupper():
            yield name


def _taken(found: Any) -> str:
    """Return the parameters by name and kind: their types are the type checker's matter."""
    if not callable(found):
        return ""
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return ""
    plain = [
        each.replace(
            annotation=inspect.Parameter.empty,
            default=each.default if each.default is each.empty else None,
        )
        for each in parameters
    ]
    said = str(inspect.Signature(plain))
    return said.replace("=None", "=...").replace(" = None", "=...")


def main() -> int:
    """Write the file, if the changelog says what has changed."""
    now = surface()
    if FILE.exists():
        written, before = kept()
        if now == before:
            sys.stdout.write("the public surface is as it was\n")
            return 0
        if written == digest():
            sys.stderr.write("the public surface has changed, and CHANGELOG.md has not\n")
            return 1
    FILE.write_text(f"# written when the digest of CHANGELOG.md was {digest()}\n{now}", "utf-8")
    sys.stdout.write(f"{FILE.relative_to(ROOT)} is written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
