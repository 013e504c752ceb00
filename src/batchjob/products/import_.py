"""The strategy ``product-import``: a file of products, as rows that are variants.

Here belongs how the parts of this room make a job: which things of the catalogue are looked up for
a page of rows, and how what was planned is shown and applied. The rules are in
`batchjob.products.import_rules`.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final
from unicodedata import normalize

from batchjob.abc import Run
from batchjob.core.changes import Change, Outcome
from batchjob.core.results import JobError
from batchjob.products.ids import IdMaker
from batchjob.products.import_base import CatalogImport, text_in
from batchjob.products.import_columns import (
    BARCODE,
    CATEGORY,
    COLLECTION_HANDLE,
    COLLECTION_TITLE,
    HANDLE,
    PRODUCT_ID,
    PRODUCT_NAMES,
    SKU,
    VARIANT_ID,
    VARIANT_NAMES,
    ProductColumns,
)
from batchjob.products.import_layout import Cells, Found, Layout
from batchjob.products.import_rules import ProductRules
from batchjob.products.price_columns import price_cell, price_label
from batchjob.products.states import (
    Asker,
    channels_of,
    collections_of,
    ids_of_handles,
    read_known,
    read_states,
    variants_of,
)
from batchjob.products.writes import apply_products
from batchjob.tabular import Bound, Record, template_of
from batchjob.tabular.columns import Column
from batchjob.tabular.imports import ImportContext
from batchjob.tabular.planning import Row

_LABELS: Final = {
    "product": {field: name for name, field in PRODUCT_NAMES.items()}
    | {"type": "Product Type", "tags": "Product Tags", "images": "Images"}
    | {"channels": "Sales Channels", "collection_id": "Product Collection", "options": "Options"},
    "variant": {field: name for name, field in VARIANT_NAMES.items()},
}
_EXAMPLE: Final = {
    HANDLE: "mug",
    "Product Title": "Mug",
    "Product Status": "draft",
    "Variant Title": "Blue",
    SKU: "MUG-BLUE",
    "Variant Inventory Quantity": "12",
    "Option 1 Name": "Color",
    "Option 1 Value": "Blue",
    "Price EUR": "12.50",
    "Image 1 Url": "https://example.com/mug.png",
}
_REASONS: Final = {
    "changed_since": "the product was changed since the file was looked at; import it again",
    "not_there": "the product is not there any more",
}


class ProductImport(CatalogImport[ImportContext]):
    """Medusa v1's product import."""

    batch_type: ClassVar[str] = "product-import"

    def template(self) -> str | None:
        """Return a file with the columns that a new product has most of the time."""
        columns = [Column(name=name, example=example) for name, example in _EXAMPLE.items()]
        return template_of(columns)

    def columns(self, run: Run[ImportContext] | None) -> ProductColumns:
        """Return the columns for the currencies and regions that there are."""
        return ProductColumns(self.known())

    def check_header(self, run: Run[ImportContext], bound: Bound) -> Iterable[JobError]:
        """Say which columns are missing."""
        layout = self._layout(bound)
        passed = [name.strip() for name in bound.header if CATEGORY.fullmatch(name.strip())]
        if passed:
            message = f"Not imported: {', '.join(passed)}"
            run.describe("product-import-notice", "Columns that are read over", message)
        return layout.faults(bound.header_row)

    def groups(
        self, run: Run[ImportContext], bound: Bound, records: Sequence[Record]
    ) -> Sequence[str]:
        """Return which product each record is of: by its id, else by its handle."""
        named = [(text_in(bound, r, PRODUCT_ID), text_in(bound, r, HANDLE)) for r in records]
        handles = {normalize("NFC", handle) for id_, handle in named if handle and not id_}
        with self.catalog.read() as connection:
            ids = ids_of_handles(Asker(connection), handles | {h for _, h in named if h})
        return [
            _group(id_, handle, ids) or f"row {record.row}"
            for (id_, handle), record in zip(named, records, strict=True)
        ]

    def plan_rows(
        self, run: Run[ImportContext], rows: Sequence[Row[Cells]]
    ) -> Iterator[Change | JobError]:
        """Yield what becomes of each row, product by product."""
        if not rows:
            return
        products: dict[str, list[Row[Cells]]] = {}
        for row in rows:
            products.setdefault(row.group, []).append(row)
        with self.catalog.read() as connection:
            ask = Asker(connection)
            ids = [group[3:] for group in products if group.startswith("id ")]
            states, found = read_states(ask, ids), _found(ask, rows)
            layout = Layout.of(rows[0].value, read_known(ask))
        new_id = IdMaker(secrets.randbits)
        for group, mine in products.items():
            state = states.get(group[3:]) if group.startswith("id ") else None
            yield from ProductRules(layout, found, mine, state, new_id).changes()

    def apply(self, run: Run[ImportContext], changes: Sequence[Change]) -> Iterator[JobError]:
        """Write the changes of one chunk; yield the products that are not as they were shown."""
        data = [each.data for each in changes if isinstance(each.data, Mapping)]
        products: list[Any] = [each["product"] for each in data if "product" in each]
        variants: list[Any] = [each["variant"] for each in data if "variant" in each]
        rows: dict[str, int] = {}
        for each in changes:
            if isinstance(each.data, Mapping) and "product" in each.data:
                product: Any = each.data["product"]
                rows[product["id"]] = each.row
        with self.writing(run) as connection:
            refused = apply_products(connection, products, variants)
        for product_id, reason in refused.items():
            yield JobError(code=reason, message=_REASONS[reason], row=rows[product_id])

    def counted(self, change: Change) -> Iterable[str]:
        """Count products and variants by what becomes of them."""
        if change.outcome is Outcome.FAILED:
            yield "failed"
        for kind in ("product", "variant"):
            found: Any = change.data.get(kind) if isinstance(change.data, Mapping) else None
            if found is not None:
                if found["old"] is None:
                    yield f"{kind} created"
                else:
                    yield f"{kind} {'updated' if found['new'] else 'unchanged'}"

    def describe(self, run: Run[ImportContext], counts: Mapping[str, int]) -> None:
        """Tell the numbers of products first, as Medusa's admin reads them."""
        message = (
            f"There will be {counts['product created']} products created"
            f" ({counts['product updated']} updated)."
            f" {counts['variant created']} variants will be created"
            f" and {counts['variant updated']} updated"
        )
        run.describe("product-import-count", "Products/variants to import", message)
        same = counts["product unchanged"], counts["variant unchanged"]
        if any(same):
            message = f"{same[0]} products and {same[1]} variants are as the file says already"
            run.describe("product-import-unchanged", "Unchanged", message)
        if counts["failed"]:
            message = f"{counts['failed']} rows are left out, for their products have errors"
            run.describe("product-import-failed", "Left out", message)

    def shown(self, change: Change) -> Change:
        """Return *change* with its fields by the names of their columns."""
        import attrs

        old: dict[str, Any] = {}
        new: dict[str, Any] = {}
        for kind in ("product", "variant"):
            found: Any = change.data.get(kind) if isinstance(change.data, Mapping) else None
            if found is not None:
                old.update(_labelled(kind, found["old"] or {}))
                new.update(_labelled(kind, found["new"]))
        kept = {name: value for name, value in new.items() if value is not None or name in old}
        return attrs.evolve(change, old=old, new=kept, data=None)

    def _layout(self, bound: Bound) -> Layout:
        return Layout.of(bound.at, self.known())


def _group(id_: str | None, handle: str | None, ids: Mapping[str, str]) -> str | None:
    if id_ is not None:
        return f"id {id_}"
    if handle is None:
        return None
    plain = normalize("NFC", handle)
    known = ids.get(handle) or ids.get(plain)
    return f"handle {plain}" if known is None else f"id {known}"


def _found(ask: Asker, rows: Sequence[Row[Cells]]) -> Found:
    """Look up what a page of rows names, with one query for each kind of thing."""

    def given(*names: str) -> set[str]:
        return {v for row in rows for n in names if (v := row.value.get(n)) is not None}

    first = rows[0].value
    channels = given(*(n for n in first if n.startswith("Sales Channel") and n[-4:] != "tion"))
    return Found(
        variants=variants_of(ask, "id", given(VARIANT_ID)),
        skus=variants_of(ask, "sku", given(SKU)),
        barcodes=variants_of(ask, "barcode", given(BARCODE)),
        handles=ids_of_handles(ask, given(HANDLE)),
        collection_handles=collections_of(ask, "handle", given(COLLECTION_HANDLE)),
        collection_titles=collections_of(ask, "title", given(COLLECTION_TITLE)),
        channel_ids=channels_of(ask, "id", channels),
        channel_names=channels_of(ask, "name", channels),
    )


def _labelled(kind: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field, value in values.items():
        if kind == "variant" and field == "options":
            yield from ((f"Option {title}", choice) for title, choice in value.items())
        elif field == "prices":
            for key, amount in value.items():
                yield price_label(key), price_cell(key, amount)
        elif field in _LABELS[kind]:
            yield _LABELS[kind][field], value
