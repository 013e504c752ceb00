"""How the pages of README.md and docs/ are run as tests; the root's `conftest` makes pytest do it.

Each page runs from top to bottom in an empty folder of its own: blocks of ``python`` in one
namespace, blocks of ``console`` as commands whose output is compared, and a block with a caption
is the file of that name. Ids of jobs on a page stand for those that are really made.
"""

import doctest
import logging
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sybil import Document, Example, Region
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
JOB_ID = re.compile(r"batch_[0-9A-Z]{26}")
COMMAND = re.compile(r"^\$ (.+(?:\n> .+)*)\n?((?:(?!\$ ).*\n?)*)", re.MULTILINE)

_python = PythonCodeBlockParser(doctest_optionflags=LENIENT)
_blocks = CodeBlockParser("any").lexers


def files(document: Document) -> Iterator[Region]:
    """Yield the blocks that have a caption."""
    for region in _blocks(document):
        if "caption" in region.lexemes.get("options", {}):
            region.parsed, region.evaluator = region.lexemes["source"], write_file
            yield region


def python(document: Document) -> Iterator[Region]:
    """Yield the blocks of Python that are no files."""
    spans = [(region.start, region.end) for region in files(document)]
    for region in _python(document):
        if not any(start <= region.start < end for start, end in spans):
            yield region


def write_file(example: Example) -> None:
    """Write a block to the file that its caption names."""
    path = Path(example.region.lexemes["options"]["caption"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(example.parsed, "utf-8")


def run_console(example: Example) -> str | None:
    """Run the commands of a block; return what differs from the output that the page shows."""
    for match in COMMAND.finditer(example.parsed):
        command, want = match[1].replace("\n> ", "\n"), match[2]
        got = run_command(command, want, example.namespace)
        if not is_shown(want, got):
            return f"$ {command}\nexpected:\n{want}\nfound:\n{got}"
    return None


def is_shown(want: str, got: str) -> bool:
    """Tell whether a page shows an output: ``...`` is any text, on its own line any lines.

    Spaces in a row count as one, and empty lines not at all.
    """
    wanted, found = ([" ".join(line.split()) for line in text.splitlines()] for text in (want, got))
    patterns = [
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
        for line in filter(None, wanted)
    ]
    output = "".join(f"{line}\n" for line in filter(None, found))
    return re.fullmatch("".join(patterns), output) is not None


def run_command(command: str, want: str, namespace: dict[str, Any]) -> str:
    """Run one command of a page and return its output, with the page's own ids of jobs."""
    ids, env = namespace["_ids"], namespace["_env"]
    if command.startswith("cd "):
        os.chdir(command[3:])
        return ""
    if command in ("pip install -q -e .", "pip install -q -e '.[test]'"):
        return install(env)
    for shown, real in ids.items():
        command = command.replace(shown, real)
    line = f"(exit {namespace['_status']})\n{command}"
    done = subprocess.run(
        ["/bin/bash", "-c", line],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    namespace["_status"], output = done.returncode, str(done.stdout)
    shown_ids, real_ids = (list(dict.fromkeys(JOB_ID.findall(text))) for text in (want, output))
    unseen = [job_id for job_id in real_ids if job_id not in ids.values()]
    ids.update(zip([shown for shown in shown_ids if shown not in ids], unseen, strict=False))
    for shown, real in ids.items():
        output = output.replace(real, shown)
    return output


def install(env: dict[str, str]) -> str:
    """Do what ``pip install -e .`` would, without a network: metadata beside the sources.

    What the extra ``test`` of a page's package asks for is here: these tests run with it.
    """
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    name = f"{project['name'].replace('-', '_')}-{project['version']}"
    info = Path(f".installed/{name}.dist-info")
    info.mkdir(parents=True)
    points = [
        f"[{group}]\n" + "".join(f"{point} = {target}\n" for point, target in named.items())
        for group, named in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points), "utf-8")
    header = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(header, "utf-8")
    env["PYTHONPATH"] = f"{Path('.installed').absolute()}:{Path('src').absolute()}"
    return ""


def set_up(namespace: dict[str, Any]) -> None:
    """Give a page an empty folder, and an environment without settings."""
    folder = tempfile.TemporaryDirectory(prefix="batchjob-page-")
    env = {name: value for name, value in os.environ.items() if not name.startswith("BATCHJOB_")}
    path = f"{Path(sys.executable).parent}:{env.get('PATH', os.defpath)}"
    env |= {"PATH": path, "COLUMNS": "100", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    namespace["__name__"] = "__main__"  # a page is a script to who looks for a handler's module
    namespace |= {"_folder": folder, "_before": Path.cwd(), "_env": env, "_ids": {}, "_status": 0}
    os.chdir(folder.name)


def tear_down(namespace: dict[str, Any]) -> None:
    """Leave the page's folder, and remove it; nothing is logged there any more."""
    os.chdir(namespace["_before"])
    namespace["_folder"].cleanup()
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "batchjob":
            _forget_logging(logging.getLogger(name))


def _forget_logging(logger: logging.Logger) -> None:
    """Undo what a page has set up for *logger*."""
    logger.setLevel(logging.NOTSET)
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()


PARSERS = (files, python, CodeBlockParser("console", run_console))
