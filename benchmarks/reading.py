"""The suite ``reading``: a file of products read and checked, beside a bare `csv.reader`."""

import csv
from collections.abc import Iterator, Mapping
from itertools import repeat
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, Options, ratio
from benchmarks.processes import measured
from benchmarks.readers import HEADER

_GOAL: Final = 0.15
_MOST_MB: Final = 67.1  # 64 MiB
_MILLIONS: Final = 10_000_000

_HOSTILE: Final[Mapping[str, tuple[str, str, int]]] = {
    "a cell of 10 MB": ("Product Handle;Product Title\na;", "x", _MILLIONS),
    "a quoted cell of 10 MB": ('Product Handle;Product Title\na;"', "é", _MILLIONS // 2),
    "a quote that stays open for 10 MB": ('Product Handle;"', "x\n", _MILLIONS // 2),
    "10 million cells in a row": ("Product Handle;Product Title\n", "a;", _MILLIONS),
    "10 million cells in the header": ("", "a;", _MILLIONS),
    "10 million cells in rows": (";".join(HEADER) + "\n", ";" * 35 + "\n", _MILLIONS // 36),
}  # a beginning, and what comes again so many times


def reading(options: Options, folder: Path) -> Iterator[Figure]:
    """Measure each size, and the memory of files that are made to take much of it."""
    for size in options.sizes:
        path = folder / f"reading-{size}.csv"
        _write(path, products=size)
        yield from _of_size(f"{3 * size:,} rows", path, options.rounds)
        path.unlink()
    for name, (start, piece, count) in _HOSTILE.items():
        path = folder / "hostile.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(start)
            file.writelines(repeat(piece * 1000, count // 1000))
        peak = measured("reading", "checked", path)["peak"]
        yield Figure(f"{name}, peak memory", [peak], "MB", _MOST_MB)
        path.unlink()


def _of_size(name: str, path: Path, rounds: int) -> Iterator[Figure]:
    found: dict[str, list[Mapping[str, Any]]] = {"bare": [], "checked": []}
    for turn in range(rounds + 1):  # the first one warms up
        for how, runs in found.items():
            runs.extend([measured("reading", how, path)] if turn else [])
    rates = {how: [run["rows"] / run["seconds"] for run in runs] for how, runs in found.items()}
    yield Figure(f"bare csv.reader, {name}", rates["bare"], "rows/s")
    yield Figure(f"read and checked, {name}", rates["checked"], "rows/s")
    yield ratio(
        f"read and checked, of the bare reader, {name}",
        rates["checked"],
        rates["bare"],
        goal=_GOAL,
        at_least=True,
    )
    peaks = [run["peak"] for run in found["checked"]]
    yield Figure(f"read and checked, {name}, peak memory", peaks, "MB", _MOST_MB)


def _write(path: Path, *, products: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow(HEADER)
        for number in range(products):
            writer.writerows(_row(number, variant) for variant in range(3))


def _row(number: int, variant: int) -> list[str]:
    """Return a row like those of the export's benchmark: some empty cells, some quotes."""
    texts = ["", f"The product {number}; it is described in some words, and in some more " * 2]
    texts += [f"https://example.org/{number}.png", "6109", "PT", "", "cotton"]
    sizes = [str(number % 900), "30", "20", ""]
    return [
        *(f"prod_{number:026d}", f"product-{number}", f"Product {number}", "published", "true"),
        *(*texts, *sizes, "summer", "shirt", "new,blue"),
        *(f"variant_{number:022d}_{variant}", f"{variant} / Blue", f"SKU-{number}-{variant}"),
        *(f"{number:012d}{variant}", str(number % 100), "false", "true", *sizes),
        *(f"{number % 500}.50", f"{number % 600}.99", str(variant), "Blue"),
        *(f"https://example.org/{number}-1.png", f"https://example.org/{number}-2.png"),
    ]
