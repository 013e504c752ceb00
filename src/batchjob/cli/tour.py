"""What the demo says and shows at each step; what it does is in `batchjob.cli.demo`."""

import csv
import os
import sys
from itertools import islice
from pathlib import Path
from shlex import quote
from shutil import which
from typing import Any, Final

from rich.padding import Padding
from rich.table import Table

from batchjob.cli.render import console, show_preview, show_summary, text
from batchjob.core.job import BatchJob
from batchjob.products.shape import Shape, shape_from_json

_COLUMNS: Final = ("Product Title", "Product Status", "Variant Title", "Variant SKU", "Price EUR")
_ROWS: Final = 5
_SETTINGS: Final = ("BATCHJOB_STORE", "BATCHJOB_FILES", "BATCHJOB_CATALOG", "BATCHJOB_ENGINE")


class Tour:
    """Tells of the demo in *folder*, a short line for each step; with *err* on standard error."""

    def __init__(self, folder: str, *, err: bool) -> None:
        self._folder, self._err = folder, err
        self._out = console(err=err)
        self._step = 0

    def opens(self, products: int, *, is_new: bool) -> None:
        """Tell of the catalogue and the store."""
        what = f"a shop's catalogue of {products} products" if is_new else "the catalogue"
        words = "was made" if is_new else "is there from before"
        self._say("Prepared", f"{what} {words}; jobs are kept beside it in {self._folder}.")

    def plans(self, job: BatchJob) -> None:
        """Tell that a job is made, as a dry run."""
        self._say(
            "Planned", f"{job.id} is a dry run: it finds out what to do, and changes nothing."
        )

    def previews(self, job: BatchJob) -> None:
        """Show what the job would do."""
        self._say("Previewed", "this is what a user sees before anything is done.")
        shape: Any = job.context.get("shape", {})
        show_preview(job, err=self._err, more=_groups(shape_from_json(shape)))

    def confirms(self, job: BatchJob, page: int) -> None:
        """Tell that the work may begin."""
        count = (job.result.count if job.result else None) or 0
        chunks = -(-count // page)
        self._say("Confirmed", "the user said yes (here the demo did).")
        self._say(
            "Worked on",
            f"in {chunks} chunks of {page} products; a crash would cost one chunk, not the job.",
        )

    def ends(self, job: BatchJob) -> None:
        """Tell how the job ended."""
        self._say("Done", "the numbers add up, and the file is whole.")
        show_summary(job, err=self._err)

    def breaks_off(self, job: BatchJob) -> None:
        """Tell that the job did not complete, and why."""
        self._out.print()
        show_summary(job, err=self._err)

    def shows_file(self, path: Path, shown: Path) -> None:
        """Tell where the file is, how long it is, and how it begins."""
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter=";")
            first = list(islice(rows, _ROWS))
            count = len(first) + sum(1 for _ in rows)
        columns = len(rows.fieldnames or ())
        self._out.print()
        words = f"{count} rows (one for each variant) and {columns} columns, of which:"
        self._out.print(text(f"The file is {shown}: {words}"))
        self._out.print(Padding(_sample(first), (1, 0, 0, 2), expand=False))

    def goes_on(self, done: BatchJob, waiting: BatchJob) -> None:
        """Say what to try next, as commands to be pasted."""
        self._out.print()
        self._out.print(
            text("What to try next (a second job waits there to be confirmed):", "bold")
        )
        for comment, command in _next(done.id, waiting.id, self._folder):
            if comment:
                self._out.print(text(f"  # {comment}", "dim"), soft_wrap=True)
            self._out.print(text(f"  {command}"), soft_wrap=True)

    def _say(self, step: str, words: str) -> None:
        self._step += 1
        self._out.print()
        self._out.print(text(f"{self._step}. {step}: ", "bold cyan") + text(words))


def program() -> str:
    """Return by which words this program was called, to be called again."""
    if which("batchjob"):
        return "batchjob"
    if not sys.argv[0].endswith("__main__.py"):
        return quote(str(Path(sys.argv[0]).absolute()))
    name = Path(sys.executable).name
    return f"{name if which(name) == sys.executable else sys.executable} -m batchjob"


def _groups(shape: Shape) -> list[tuple[str, str]]:
    """Return the groups of columns that a catalogue's own data leads to."""
    plain = [title for title in shape.price_titles if not title.endswith("]")]
    regional = [title for title in shape.price_titles if title.endswith("]")]
    return [
        ("Prices", ", ".join(title.removeprefix("Price ") for title in plain)),
        ("Prices by region", ", ".join(title.removeprefix("Price ") for title in regional)),
        ("Options", f"up to {shape.options} for a product"),
        ("Images", f"up to {shape.images} for a product"),
        ("Sales channels", f"up to {shape.channels} for a product"),
    ]


def _sample(rows: list[dict[str, str]]) -> Table:
    names = [name for name in _COLUMNS if rows and name in rows[0]]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*(text(row[name]) for name in names))
    return table


def _next(done: str, waiting: str, folder: str) -> list[tuple[str, str]]:
    """Return commands to try, each with what it is for; they work one after the other."""
    call = program()
    elsewhere = [name for name in _SETTINGS if os.environ.get(name)]
    mugs = """'{"filterable_fields": {"q": "mug"}}'"""
    unset = [("these would lead elsewhere", f"unset {' '.join(elsewhere)}")] if elsewhere else []
    return [
        *unset,
        ("go there: its files have the names that are looked for", f"cd {quote(folder)}"),
        ("all jobs", f"{call} list"),
        ("all that is known of the one that is done", f"{call} show {done}"),
        ("the one that waits: confirm it by hand, and go on with it", f"{call} confirm {waiting}"),
        ("", f"{call} work {waiting} --out drafts.csv"),
        ("a filtered export", f"{call} run product-export --context {mugs} --out mugs.csv"),
        ("one that shows its preview and asks", f"{call} run product-export --dry-run"),
        ("one that is made, and canceled", f"{call} cancel $({call} create product-export)"),
        ("what an export may be asked for", f"{call} types"),
    ]
