"""Law: how lines end and cells are parted says nothing about what is in them."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from batchjob.tabular import Records

CELLS = st.text(st.sampled_from("ab \u00e9\U0001f6cd;,\t|\"'"), max_size=5)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS), max_size=5),
    delimiter=st.sampled_from(";,\t|"),
    newlines=st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=6, max_size=6),
    before=st.sampled_from(["", "\ufeff"]),
    sep=st.booleans(),
)
def test_every_form_of_a_file_gives_its_rows(
    rows: list[tuple[str, str]],
    delimiter: str,
    newlines: list[str],
    before: str,
    sep: bool,  # noqa: FBT001
) -> None:
    """Any delimiter, newlines, BOM and ``sep=`` line: the same rows, with the same numbers."""
    file = io.StringIO(newline="")
    file.write(f"{before}sep={delimiter}\r\n" if sep else before)
    for row, newline in zip([("one", "two"), *rows], newlines, strict=False):
        csv.writer(file, delimiter=delimiter, lineterminator=newline).writerow(row)
    records = Records(io.BytesIO(file.getvalue().encode()), {"one": "1", "two": "2"}.get)
    assert records.header.delimiter == delimiter
    assert [(each.number, tuple(each.cells), each.errors) for each in records] == [
        (number, row, ()) for number, row in enumerate(rows, 2) if any(map(str.strip, row))
    ]
