"""What a product file has, and what of the things that it names is in the catalogue.

Both are found once for many rows; the rules for one product read them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from batchjob.core.results import JobError
from batchjob.products.import_columns import (
    HANDLE,
    PRODUCT_ID,
    VARIANT_ID,
    VARIANT_NAMES,
    numbered,
)
from batchjob.products.price_columns import price_key
from batchjob.products.states import Known

Cells = Mapping[str, Any]
"""The values of a row by their columns; a column that the file has not is not in it."""


@attrs.frozen(kw_only=True)
class Layout:
    """Which columns a file has, by what they are for.

    ``options`` has (name column, value column) in the order of their numbers, ``channels`` (id
    column, name column), ``prices`` the key of each price column.
    """

    names: frozenset[str]
    options: Sequence[tuple[str, str]]
    images: Sequence[str]
    channels: Sequence[tuple[str | None, str | None]]
    prices: Mapping[str, str]
    of_variant: Sequence[str]

    @classmethod
    def of(cls, names: Iterable[str], known: Known) -> "Layout":
        """Return the layout of a file with columns of these names."""
        there = frozenset(names)
        found = {name: each for name in there if (each := numbered(name)) is not None}
        numbers = {
            kind: sorted({number for k, number, _ in found.values() if k == kind})
            for kind in ("option", "image", "sales channel")
        }

        def have(name: str) -> str | None:
            return name if name in there else None

        prices = {name: key for name in there if (key := price_key(name, known)) is not None}
        options = [(f"Option {n} Name", f"Option {n} Value") for n in numbers["option"]]
        channels = [f"Sales Channel {n}" for n in numbers["sales channel"]]
        variant = [VARIANT_ID, *VARIANT_NAMES, *prices, *(n for pair in options for n in pair)]
        return cls(
            names=there,
            options=options,
            images=[f"Image {n} Url" for n in numbers["image"]],
            channels=[(have(f"{name} Id"), have(f"{name} Name")) for name in channels],
            prices=prices,
            of_variant=[name for name in variant if name in there],
        )

    def faults(self, row: int) -> Iterator[JobError]:
        """Yield what is missing in the header, which is in *row*."""
        if HANDLE not in self.names and PRODUCT_ID not in self.names:
            message = f"the file has no column {HANDLE}; add it, or {PRODUCT_ID}"
            yield JobError(code="missing_column", message=message, row=row, column=HANDLE)
        for pair in self.options:
            for name in pair:
                if name not in self.names:
                    other = next(each for each in pair if each != name)
                    message = f"the file has a column {other} and no column {name}; add it"
                    yield JobError(code="missing_column", message=message, row=row, column=name)


@attrs.frozen(kw_only=True)
class Found:
    """What of the things that rows name is in the catalogue.

    Variants are (variant, product) by id, SKU and barcode; ``handles`` are products', the others
    ids by what they are called.
    """

    variants: Mapping[str, tuple[str, str]]
    skus: Mapping[str, tuple[str, str]]
    barcodes: Mapping[str, tuple[str, str]]
    handles: Mapping[str, str]
    collection_handles: Mapping[str, str]
    collection_titles: Mapping[str, str]
    channel_ids: Mapping[str, str]
    channel_names: Mapping[str, str]
