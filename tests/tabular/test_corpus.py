"""The corpus of bad and odd files: what must come of each is written beside them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tabular.tables import read

CORPUS = Path(__file__).parents[1] / "data" / "corpus"
CASES = json.loads((CORPUS / "expected.json").read_text("utf-8"))


def fits(wanted: dict[str, Any], found: tuple[Any, ...]) -> bool:
    """Tell whether *found* is the fault that is *wanted*; null stands for any."""
    pairs = zip((wanted["row"], wanted["column"], wanted["code"]), found, strict=True)
    return all(want is None or want == got for want, got in pairs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_file_of_the_corpus_ends_as_written(case: dict[str, Any]) -> None:
    """Each file gives its rows, the faults of its rows exactly, or the fault of the file."""
    outcome = read((CORPUS / case["name"]).read_bytes())
    wanted, found = case["errors"], outcome.places
    assert len(outcome.rows) == case["rows_accepted"]
    assert outcome.refused == (case["outcome"] == "file_error")
    assert all(any(fits(want, got) for got in found) for want in wanted), found
    if not outcome.refused:
        assert len(found) == len(wanted), found


def test_no_file_of_the_corpus_is_forgotten() -> None:
    """Each file is tried."""
    assert {case["name"] for case in CASES} == {path.name for path in CORPUS.glob("*.csv")}
