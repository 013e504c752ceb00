"""Law: rows that we write are the rows that we read, whatever text is in them."""

import io

from hypothesis import given
from hypothesis import strategies as st

from batchjob.tabular import Column, Columns, Records, bind, csv_writer, to_cell

COLUMNS = Columns([Column(name=name) for name in ("one", "two", "three")])
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"])) | st.text("'=+-@\t\r\n\";,a ")


@given(
    rows=st.lists(st.tuples(TEXTS, TEXTS, TEXTS)),
    order=st.permutations(["one", " Two", "THREE "]),
    escape=st.booleans(),
)
def test_what_is_written_is_read(
    rows: list[tuple[str, str, str]],
    order: list[str],
    escape: bool,  # noqa: FBT001
) -> None:
    """Any texts come back from a file, blank rows excepted; empty ones come back as None."""
    file = io.StringIO(newline="")
    cells = [[to_cell(text, escape=escape) for text in row] for row in rows]
    csv_writer(file).writerows([order, *cells])
    records = Records(io.BytesIO(file.getvalue().encode()), COLUMNS.name_of)
    read = list(bind(records.header, COLUMNS, escape_formulas=escape).rows(records))
    assert [(row.number, row.values, row.errors) for row in read] == [
        (number, [text or None for text in row], ())
        for number, row in enumerate(rows, 2)
        if any(map(str.strip, row))
    ]
