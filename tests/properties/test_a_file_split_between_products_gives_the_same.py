"""A file that is parted between products gives what the whole file gives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from properties.product_files import DATABASES, MakeCatalogs, Row, Trial, flat, products


@pytest.mark.parametrize("kind", DATABASES)
def test_a_file_split_between_products_gives_the_same(
    kind: str, make_shared_catalog: MakeCatalogs
) -> None:
    """Its parts, imported one after the other, leave the same catalogue."""

    @settings(max_examples=DATABASES[kind], deadline=None)
    @given(base=products(), file=products(), at=st.integers(0, 3))
    def law(base: list[list[Row]], file: list[list[Row]], at: int) -> None:
        found = []
        for parts in ([file], [file[:at], file[at:]]):
            with Trial(make_shared_catalog(kind)) as trial:
                for part in (base, *filter(None, parts)):
                    assert trial.run(flat(part)).status == "completed"
                found.append(trial.content())
        assert found[0] == found[1]

    law()
