"""Makes the pictures of the terminal in docs/images: `python docs/screenshots.py`.

What they show is what the commands print, in a catalogue that `batchjob demo` makes.
"""

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

IMAGES = Path(__file__).parent / "images"
WIDTH = 92
HEAD = [
    *("Product Id", "Product Handle", "Product Title", "Variant Id", "Variant SKU"),
    *("Price EUR", "Price JPY"),
]


def batchjob(command: str, folder: Path) -> str:
    """Return what a command prints on a terminal of colours, whatever its exit status."""
    told = {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "batchjob", *command.split()],
        cwd=folder,
        env={**os.environ, **told},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return f"\x1b[1m$ batchjob {command}\x1b[0m\n{done.stdout}"


def picture(name: str, text: str) -> None:
    """Keep a text with its colours as a picture."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(text))
        svg = console.export_svg(title="", unique_id=name)
    start, end = svg.index("@font-face"), svg.rindex("@font-face")
    end = svg.index("}", end) + 1  # no font is loaded from elsewhere
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / f"{name}.svg").write_text(svg[:start] + svg[end:], "utf-8")


def changed(folder: Path, name: str, changes: dict[int, dict[str, str]]) -> None:
    """Write the columns of HEAD of the exported file's first rows, with *changes* by row."""
    with (folder / "products.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row, _ in zip(csv.DictReader(file, delimiter=";"), range(6), strict=False)]
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEAD, delimiter=";", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row | changes.get(number, {}) for number, row in enumerate(rows, 2))


def main() -> None:
    """Make all of them."""
    with tempfile.TemporaryDirectory() as name:
        batchjob("demo", Path(name))
        folder = Path(name) / "batchjob-demo"
        changed(folder, "new-prices.csv", {2: {"Price EUR": "59.90"}, 3: {"Price EUR": "61.50"}})
        shown = batchjob("run product-import --file new-prices.csv --dry-run", folder)
        job = next(word for word in shown.split() if word.startswith("batch_"))
        picture("preview", batchjob(f"show {job[:32]} --changes", folder))
        bad = {2: {"Price EUR": "59,90"}, 4: {"Price JPY": "12.5"}, 5: {"Variant SKU": "\x07"}}
        changed(folder, "bad.csv", bad)
        picture("errors", batchjob("run product-import --file bad.csv", folder))


if __name__ == "__main__":
    main()
