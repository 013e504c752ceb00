"""The strategy ``price-list-import``: a file of prices for one price list, a row for each variant.

Here belong the columns of such a file, the rules for its rows, and how they are applied.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, TypedDict

import attrs

from batchjob.abc import Run
from batchjob.converters.contexts import json_key
from batchjob.core.changes import Change, Outcome
from batchjob.core.results import JobError
from batchjob.errors import Fault, InvalidContext
from batchjob.products.import_base import CatalogImport, text_in
from batchjob.products.import_layout import Cells
from batchjob.products.price_columns import (
    price_cell,
    price_column,
    price_key,
    price_label,
    price_names,
)
from batchjob.products.sink import Sink
from batchjob.products.states import (
    Asker,
    Known,
    hold_variants,
    is_price_list,
    prices_of,
    read_known,
    variants_of,
)
from batchjob.tabular import Bound, Record, key_text, template_of
from batchjob.tabular.columns import Column, FixedColumns
from batchjob.tabular.imports import ImportContext
from batchjob.tabular.planning import Row
from batchjob.tabular.records import show

VARIANT_ID, SKU = "Product Variant ID", "SKU"

Prices = Mapping[str, int | None]
"""Minor units by ``eur``, or ``eur reg_1`` for a region; None is no price."""

_FIXED: Final = FixedColumns(
    tuple(Column(name=name, convert=key_text()) for name in (VARIANT_ID, SKU))
)
_EXAMPLE: Final = {SKU: "MUG-BLUE", "Price EUR": "9.50"}
_CHANGED: Final = "the variant's prices were changed since the file was looked at; import it again"


@attrs.frozen(kw_only=True)
class PriceListContext(ImportContext):
    """What a user asks of an import of prices."""

    price_list_id: str = attrs.field(
        metadata=json_key(doc="The id of the price list that the prices are for.")
    )


class PriceChange(TypedDict):
    """What becomes of a variant's prices in the list: those that differ, old and new."""

    id: str
    old: Prices
    new: Prices


@attrs.frozen
class PriceListColumns:
    """The columns of a file of prices, for a catalogue with these currencies and regions."""

    known: Known

    def find(self, name: str) -> Column | None:
        """See `batchjob.tabular.Columns`; a price is in minor units of its currency."""
        return _FIXED.find(name) or price_column(name, self.known)

    def is_read_over(self, name: str) -> bool:
        """See `batchjob.tabular.Columns`."""
        return _FIXED.is_read_over(name)

    @property
    def names(self) -> Sequence[str]:
        """See `batchjob.tabular.Columns`."""
        return [*_FIXED.names, *price_names(self.known)]

    @property
    def required(self) -> Sequence[Column]:
        """See `batchjob.tabular.Columns`; one of two is needed."""
        return ()


class PriceListImport(CatalogImport[PriceListContext]):
    """Medusa v1's import of prices into a price list.

    The columns of prices say all of a variant's prices in those currencies and regions; other
    prices, those by quantity, and variants that are not in the file stay as they are.
    """

    batch_type: ClassVar[str] = "price-list-import"

    def check(self, context: PriceListContext, run: Run[PriceListContext]) -> None:
        """Refuse a job whose file or price list is not there, or whose catalogue is none."""
        super().check(context, run)
        with self.catalog.read() as connection:
            if is_price_list(Asker(connection), context.price_list_id):
                return
        message = f"there is no price list {show(context.price_list_id)}"
        raise InvalidContext([Fault("/price_list_id", message)])

    def template(self) -> str | None:
        """Return a file with the columns that are needed most of the time."""
        return template_of([Column(name=n, example=example) for n, example in _EXAMPLE.items()])

    def columns(self, run: Run[PriceListContext] | None) -> PriceListColumns:
        """Return the columns for the currencies and regions that there are."""
        return PriceListColumns(self.known())

    def check_header(self, run: Run[PriceListContext], bound: Bound) -> Iterator[JobError]:
        """Say which columns are missing."""
        row = bound.header_row
        if VARIANT_ID not in bound.at and SKU not in bound.at:
            message = f"the file has no column {SKU}; add it, or {VARIANT_ID}"
            yield JobError(code="missing_column", message=message, row=row, column=SKU)
        if not set(bound.at) - {VARIANT_ID, SKU}:
            name = next(iter(price_names(self.known())), "Price EUR")
            message = f"the file has no column of prices; add one, such as {name}"
            yield JobError(code="missing_column", message=message, row=row, column=name)

    def groups(
        self, run: Run[PriceListContext], bound: Bound, records: Sequence[Record]
    ) -> Sequence[str]:
        """Return which variant each record is about, so that two about one are seen together."""
        rows = [
            {name: text_in(bound, each, name) for name in (VARIANT_ID, SKU)} for each in records
        ]
        with self.catalog.read() as connection:
            found = _Variants.of(Asker(connection), rows)
        return [
            found.id_of(row) or f"row {record.row}"
            for row, record in zip(rows, records, strict=True)
        ]

    def plan_rows(
        self, run: Run[PriceListContext], rows: Sequence[Row[Cells]]
    ) -> Iterator[Change | JobError]:
        """Yield what becomes of each row's prices."""
        if not rows:
            return
        with self.catalog.read() as connection:
            ask = Asker(connection)
            found = _Variants.of(ask, [row.value for row in rows])
            there = prices_of(ask, found.by_id, run.context.price_list_id)
            known = read_known(ask)
        keys = {name: key for name in rows[0].value if (key := price_key(name, known))}
        first = dict[str, int]()
        for row in rows:
            variant = found.id_of(row.value)
            faults = list(found.faults(row))
            if variant is not None and first.setdefault(variant, row.number) != row.number:
                message = f"row {first[variant]} is about this variant already"
                by = VARIANT_ID if row.value.get(VARIANT_ID) is not None else SKU
                faults.append(_fault("duplicate_key", row, message, by))
            if faults or variant is None:
                yield from faults
                continue
            wanted = {key: row.value[name] for name, key in keys.items()}
            yield _change(row, variant, there.get(variant, {}), wanted)

    def apply(self, run: Run[PriceListContext], changes: Sequence[Change]) -> Iterator[JobError]:
        """Write the prices of one chunk; yield the variants whose are not as they were shown."""
        price_list = run.context.price_list_id
        planned: list[tuple[Change, Any]] = [(each, each.data) for each in changes]
        with self.writing(run) as connection:
            ask = Asker(connection)
            sink = Sink(ask, price_list=price_list)
            is_there = is_price_list(ask, price_list)
            held = hold_variants(ask, [change["id"] for _, change in planned])
            there = prices_of(ask, held, price_list)
            for each, change in planned:
                old, new = change["old"], change["new"]
                found = {key: there.get(change["id"], {}).get(key) for key in new}
                if not is_there or change["id"] not in held:
                    gone = "variant" if is_there else "price list"
                    message = f"the {gone} is not there any more"
                    yield JobError(code="not_there", message=message, row=each.row)
                elif found == old:
                    sink.change_prices(change["id"], new)
                elif found != new:
                    yield JobError(code="changed_since", message=_CHANGED, row=each.row)
            sink.write()

    def counted(self, change: Change) -> Iterable[str]:
        """Count prices by what becomes of them."""
        data: Any = change.data
        if change.outcome is Outcome.FAILED:
            yield "failed"
            return
        yield from (_kind(data["old"][key], amount) for key, amount in data["new"].items())
        if change.outcome is Outcome.UNCHANGED:
            yield "unchanged"

    def describe(self, run: Run[PriceListContext], counts: Mapping[str, int]) -> None:
        """Tell how many prices there will be, those that are new first."""
        message = (
            f"{counts['added']} prices will be added ({counts['changed']} changed)."
            f" {counts['removed']} will be removed"
        )
        run.describe("price-list-import-count", "PriceList to import", message)
        if counts["unchanged"]:
            message = f"{counts['unchanged']} variants have the prices of the file already"
            run.describe("price-list-import-unchanged", "Unchanged", message)
        if counts["failed"]:
            message = f"{counts['failed']} rows are left out, for they have errors"
            run.describe("price-list-import-failed", "Left out", message)

    def shown(self, change: Change) -> Change:
        """Return *change* with its prices by the names of their columns."""
        data: Any = change.data
        if data is None:
            return change
        old, new = (
            {price_label(key): price_cell(key, amount) for key, amount in data[name].items()}
            for name in ("old", "new")
        )
        return attrs.evolve(change, old=old, new=new, data=None)


@attrs.frozen
class _Variants:
    """The variants that rows name: (variant, product) by id and by SKU."""

    by_id: Mapping[str, tuple[str, str]]
    by_sku: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, ask: Asker, rows: Iterable[Cells]) -> "_Variants":
        rows = list(rows)
        given, skus = (
            {cell for row in rows if (cell := row.get(name)) is not None}
            for name in (VARIANT_ID, SKU)
        )
        by_sku = variants_of(ask, "sku", skus)
        ids = given | {variant for variant, _ in by_sku.values()}
        return cls(variants_of(ask, "id", ids), by_sku)

    def id_of(self, row: Cells) -> str | None:
        """Return the variant that a row is about: by its id, else by its SKU."""
        if (given := row.get(VARIANT_ID)) is not None:
            return given if given in self.by_id else None
        found = self.by_sku.get(row.get(SKU) or "")
        return found[0] if found else None

    def faults(self, row: Row[Cells]) -> Iterator[JobError]:
        """Yield what is wrong with how a row names its variant."""
        given, sku = row.value.get(VARIANT_ID), row.value.get(SKU)
        owner = self.by_sku.get(sku or "")
        if given is None and sku is None:
            if VARIANT_ID not in row.bad and SKU not in row.bad:
                message = f"it is empty, and so is {VARIANT_ID}; a row needs one of them"
                yield _fault("missing_value", row, message, SKU)
        elif given is not None and given not in self.by_id:
            message = f"the catalogue has no variant {show(given)}"
            yield _fault("unknown_reference", row, message, VARIANT_ID)
        elif given is None and owner is None:
            message = f"the catalogue has no variant with the SKU {show(str(sku))}"
            yield _fault("unknown_reference", row, message, SKU)
        elif given is not None and owner is not None and owner[0] != given:
            message = f"{show(str(sku))} is the SKU of another variant, {owner[0]}"
            yield _fault("conflicting_value", row, message, SKU)


def _fault(code: str, row: Row[Cells], message: str, column: str) -> JobError:
    return JobError(code=code, message=message, row=row.number, column=column)


def _change(row: Row[Cells], variant: str, there: Prices, wanted: Prices) -> Change:
    new = {key: amount for key, amount in wanted.items() if there.get(key) != amount}
    old = {key: there.get(key) for key in new}
    outcome = Outcome.UNCHANGED if not new else Outcome.UPDATED if there else Outcome.CREATED
    data: Any = PriceChange(id=variant, old=old, new=new)
    key = str(row.value.get(SKU) or variant)
    return Change(row=row.number, key=key, outcome=outcome, data=data, group=row.group)


def _kind(old: int | None, new: int | None) -> str:
    return "added" if old is None else "removed" if new is None else "changed"
