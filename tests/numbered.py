"""Tests that prove a line of a list have its number in their names: ``test_f2_f5_...``."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path


def numbers(letter: str) -> Iterator[int]:
    """Yield the numbers behind *letter* in the names of all tests, those of the suites too."""
    here = Path(__file__).parent
    for path in chain(here.rglob("*.py"), (here.parent / "src/batchjob/testing").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
                named := re.match(rf"test((?:_{letter}\d+)+)_", node.name)
            ):
                yield from map(int, re.findall(r"\d+", named[1]))
