"""Bad and odd files: each ends as its entry in ``expected.json`` says."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tabular.corpus import read

CORPUS: Final = Path(__file__).parents[1] / "data" / "corpus"
CASES: Final = json.loads((CORPUS / "expected.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_file_ends_as_expected(case: dict[str, Any]) -> None:
    """Rows are taken, or errors name row, column and code; of a faulty file no row is taken."""
    rows, errors, at_fault = read((CORPUS / case["name"]).read_bytes())
    found = [(error.row, error.column, error.code) for error in errors]
    assert at_fault == (case["outcome"] == "file_error"), found
    assert len(rows) == case["rows_accepted"], found
    wanted = [(error["row"], error["column"], error["code"]) for error in case["errors"]]
    if not at_fault:
        assert found == wanted
    for row, column, code in wanted:
        assert any(
            row in (None, each[0]) and column in (None, each[1]) and code in (None, each[2])
            for each in found
        ), found


def test_each_file_has_its_entry() -> None:
    """No file of the corpus is left out."""
    assert {path.name for path in CORPUS.glob("*.csv")} == {case["name"] for case in CASES}
