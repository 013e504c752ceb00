"""What the rows of one product come to: planned changes, or what is wrong with them.

Pure rules, without any look-up: what is there in the catalogue is given. Each rule is a sentence of
`docs/howto/import-products.md`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from batchjob.core.changes import Change, Outcome
from batchjob.core.results import JobError
from batchjob.products.changes import (
    PRODUCT_FIELDS,
    ProductChange,
    Values,
    VariantChange,
    difference,
    given_of,
)
from batchjob.products.import_columns import (
    BARCODE,
    COLLECTION_HANDLE,
    COLLECTION_TITLE,
    HANDLE,
    PRODUCT_ID,
    PRODUCT_NAMES,
    SKU,
    TAGS,
    THUMBNAIL,
    TYPE,
    VARIANT_ID,
    VARIANT_NAMES,
)
from batchjob.products.import_layout import Cells, Found, Layout
from batchjob.products.rows import tags_cell
from batchjob.products.states import State
from batchjob.products.stored_cells import take_stored
from batchjob.tabular.planning import Row
from batchjob.tabular.records import show

NEW_PRODUCT: Final[Values] = {
    **dict.fromkeys(PRODUCT_FIELDS),
    "status": "draft",
    "discountable": True,
    "type": None,
    "tags": [],
    "images": [],
    "channels": [],
    "options": [],
}
NEW_VARIANT: Final[Values] = {
    **dict.fromkeys(VARIANT_NAMES.values()),
    "inventory_quantity": 0,
    "allow_backorder": False,
    "manage_inventory": True,
    "options": {},
    "prices": {},
}
_TAG: Final = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(?:,|\Z)')
_INSTEAD: Final = {  # of nothing, where the column may not be null
    "status": "draft",
    "discountable": True,
    "inventory_quantity": 0,
    "allow_backorder": False,
    "manage_inventory": True,
}


class ProductRules:
    """The rules for the *rows* of one product, which is there as *state*, or not yet.

    *new_id* makes ids with a prefix.
    """

    def __init__(
        self,
        layout: Layout,
        found: Found,
        rows: Sequence[Row[Cells]],
        state: State | None,
        new_id: Callable[[str], str],
    ) -> None:
        self._layout, self._found, self._rows, self._state = layout, found, rows, state
        self._new_id = new_id
        self._errors: list[JobError] = []
        self._first = rows[0]
        self._options: dict[int, dict[str, str]] = {}  # of the rows that are variants
        self._taken = {each for row in rows if (each := row.value.get(VARIANT_ID)) is not None}

    def changes(self) -> Sequence[Change | JobError]:
        """Return a change for each row, or all that is wrong."""
        given_id = next((v for row in self._rows if (v := row.value.get(PRODUCT_ID))), None)
        if self._state is None and given_id is not None:
            row = next(row for row in self._rows if row.value.get(PRODUCT_ID))
            message = f"the catalogue has no product {show(given_id)}; leave the cell empty"
            self._wrong(row, "unknown_reference", message, PRODUCT_ID)
            return self._errors
        if self._state is not None:
            for row in self._rows:
                take_stored(row, self._state, self._layout)
        product = self._product()
        options = self._option_names()
        if self._state is None and options:
            product["options"] = options
        variants = self._variants()
        if self._errors:
            return self._errors
        return list(self._planned(product, variants))

    # the product

    def _product(self) -> dict[str, Any]:
        """Return what the product's columns say."""
        wanted: dict[str, Any] = {}
        for name, field in PRODUCT_NAMES.items():
            if name in self._layout.names:
                wanted[field] = self._one(name)
                if wanted[field] is None:
                    wanted[field] = _INSTEAD.get(field)
        if TYPE in self._layout.names:
            wanted["type"] = self._one(TYPE)
        if TAGS in self._layout.names:
            wanted["tags"] = self._tags()
        if self._layout.images:
            wanted["images"] = self._images()
        if self._layout.channels:
            wanted["channels"] = self._channels()
        self._add_collection(wanted)
        self._check_product(wanted)
        return wanted

    def _one(self, name: str) -> Any:
        """Return the one value of a product's column; later ones that are not empty equal it."""
        value = None
        for row in self._rows:
            cell = row.value[name]
            if cell is None or cell == value:
                continue
            if value is None:
                value = cell
            else:
                message = f"{show(str(cell))} is not what a row above says: {show(str(value))}"
                self._wrong(row, "conflicting_value", message, name)
        return value

    def _tags(self) -> list[str]:
        given = self._one(TAGS)
        if self._state is not None and (given or "") == tags_cell(self._state.values["tags"]):
            return list(self._state.values["tags"])
        if given is None:
            return []
        if '"' not in given:
            return sorted({each.strip() for each in given.split(",")} - {""})
        found = {
            plain.strip() if quoted is None else quoted.replace('""', '"').strip()
            for quoted, plain in (match.group(1, 2) for match in _TAG.finditer(given))
        }
        return sorted(found - {""})

    def _images(self) -> list[str]:
        given = [url for name in self._layout.images if (url := self._one(name))]
        there = [] if self._state is None else self._state.values["images"]
        return list(there) if given == list(filter(None, there)) else given

    def _channels(self) -> list[str]:
        ids, found = set[str](), self._found
        for id_name, name_name in self._layout.channels:
            given = self._one(id_name) if id_name else None
            named = self._one(name_name) if name_name else None
            channel = found.channel_ids.get(given or "")
            channel = channel or found.channel_names.get(given or named or "")
            if channel is not None:
                ids.add(channel)
            elif given is not None or named is not None:
                column = id_name if given is not None else name_name
                self._unknown(column or "", given if given is not None else named, "sales channel")
        return sorted(ids)

    def _add_collection(self, wanted: dict[str, Any]) -> None:
        for name, known in (
            (COLLECTION_HANDLE, self._found.collection_handles),
            (COLLECTION_TITLE, self._found.collection_titles),
        ):
            if name not in self._layout.names:
                continue
            wanted.setdefault("collection_id", None)
            given = self._one(name)
            if given is not None and wanted["collection_id"] is None:
                wanted["collection_id"] = known.get(given)
                if wanted["collection_id"] is None:
                    self._unknown(name, given, "collection")
                    return

    def _check_product(self, wanted: dict[str, Any]) -> None:
        needed = {HANDLE: "handle", "Product Title": "title"}
        for name, field in needed.items():
            if wanted.get(field) is None and self._is_needed(field, wanted):
                message = "it is empty, and a product needs it"
                self._wrong(self._first, "missing_value", message, name)
        handle = wanted.get("handle")
        owner = self._found.handles.get(handle) if handle is not None else None
        if owner is not None and (self._state is None or owner != self._state.id):
            message = f"another product, {owner}, has the handle {show(str(handle))}"
            self._wrong(self._first, "duplicate_key", message, HANDLE)

    def _is_needed(self, field: str, wanted: Mapping[str, Any]) -> bool:
        state = self._state
        if state is None:
            return True
        return field == "title" and field in wanted and state.values["title"] != ""

    # its variants

    def _option_names(self) -> list[str]:
        """Return the titles of the product's options: those of its first row that is a variant."""
        names: list[str] | None = None
        if self._state is not None and self._layout.options:
            names = list(self._state.options)
        for row in self._rows:
            if not self._is_variant(row):
                continue
            self._options[row.number] = mine = self._options_in(row)
            if names is None:
                names = list(mine)
            elif self._layout.options and mine.keys() != set(names):
                said = ", ".join(map(show, names)) or "none"
                message = f"the product has other options: {said}"
                self._wrong(row, "options_mismatch", message, None)
        return names or []

    def _options_in(self, row: Row[Cells]) -> dict[str, str]:
        found = {}
        for name, value in self._layout.options:
            title, choice = row.value[name], row.value[value]
            if title is not None and choice is not None:
                found[title] = choice
            elif title is not None and value not in row.bad:
                message = f"the option {show(title)} has no value; fill it in"
                self._wrong(row, "missing_value", message, value)
            elif choice is not None and name not in row.bad:
                message = f"the value {show(choice)} has no option; name it"
                self._wrong(row, "missing_value", message, name)
        return found

    def _is_variant(self, row: Row[Cells]) -> bool:
        return any(row.value[name] is not None for name in self._layout.of_variant)

    def _variants(self) -> dict[int, tuple[VariantChange, Outcome]]:
        """Return the change of each row that is about a variant."""
        changes: dict[int, tuple[VariantChange, Outcome]] = {}
        seen = dict[str, int]()
        combinations = dict[frozenset[tuple[str, str]], int]()
        rank = -1 if self._state is None else self._state.rank
        for row in self._rows:
            if (options := self._options.get(row.number)) is None:
                continue
            combination = frozenset(options.items())
            if self._layout.options and combination in combinations:
                message = f"row {combinations[combination]} has the same options"
                self._wrong(row, "duplicate_key", message, None)
                continue
            combinations[combination] = row.number
            variant = self._find_variant(row, options)
            if variant is not None and variant in seen:
                message = f"row {seen[variant]} is about this variant already"
                self._wrong(row, "duplicate_key", message, self._by(row))
                continue
            if variant is not None:
                seen[variant] = row.number
            self._check_keys(row, variant)
            wanted = self._wanted(row, options, variant)
            if variant is None:
                rank += 1
                wanted = {**NEW_VARIANT, **wanted, "rank": rank}
            changes[row.number] = self._variant_change(variant, wanted)
        return changes

    def _find_variant(self, row: Row[Cells], options: Mapping[str, str]) -> str | None:
        """Return the id of the variant that a row is about; None if it is a new one."""
        if (given := row.value.get(VARIANT_ID)) is not None:
            owner = self._found.variants.get(given)
            if owner is None:
                message = f"the catalogue has no variant {show(given)}; leave the cell empty"
                self._wrong(row, "unknown_reference", message, VARIANT_ID)
            elif self._state is None or owner[1] != self._state.id:
                message = f"the variant {show(given)} is one of another product, {owner[1]}"
                self._wrong(row, "conflicting_value", message, VARIANT_ID)
            return str(given)
        if self._state is None:
            return None
        owner = self._found.skus.get(row.value.get(SKU) or "")
        if owner is not None and owner[1] == self._state.id:
            return owner[0]
        if not self._layout.options and self._state.options:
            return None
        return next(
            (
                variant
                for variant, values in self._state.variants.items()
                if values["options"] == options and variant not in self._taken
            ),
            None,
        )

    def _check_keys(self, row: Row[Cells], variant: str | None) -> None:
        """Say if SKU or barcode are another variant's in the catalogue."""
        for name, known in ((SKU, self._found.skus), (BARCODE, self._found.barcodes)):
            given = row.value.get(name)
            owner = None if given is None else known.get(given)
            if owner is not None and owner[0] != variant:
                message = f"another variant, {owner[0]}, has {show(str(given))}"
                self._wrong(row, "duplicate_key", message, name)

    def _wanted(
        self, row: Row[Cells], options: Mapping[str, str], variant: str | None
    ) -> dict[str, Any]:
        """Return what a row says of its variant."""
        cells = row.value
        wanted = {
            field: _INSTEAD.get(field) if cells[name] is None else cells[name]
            for name, field in VARIANT_NAMES.items()
            if name in cells
        }
        if self._layout.options:
            wanted["options"] = options
        if self._layout.prices:
            wanted["prices"] = {key: cells[name] for name, key in self._layout.prices.items()}
        there = self._state.variants.get(variant or "") if self._state is not None else None
        if there is not None and there["title"] == "":
            return wanted
        if wanted.get("title") is None and (variant is None or "title" in wanted):
            wanted["title"] = " / ".join(options.values()) or None
            if wanted["title"] is None:
                message = "it is empty, and there are no options to name the variant by"
                self._wrong(row, "missing_value", message, "Variant Title")
        return wanted

    def _variant_change(
        self, variant: str | None, wanted: dict[str, Any]
    ) -> tuple[VariantChange, Outcome]:
        if variant is None:
            wanted["prices"] = given_of(wanted["prices"])
            made: VariantChange = {
                "id": self._new_id("variant"),
                "product": "",
                "old": None,
                "new": given_of(wanted),
            }
            return made, Outcome.CREATED
        there = self._state.variants.get(variant) if self._state is not None else None
        old, new = difference(there or NEW_VARIANT, wanted)  # what is not there is refused already
        outcome = Outcome.UPDATED if new else Outcome.UNCHANGED
        return {"id": variant, "product": "", "old": old, "new": new}, outcome

    # together

    def _planned(
        self, wanted: dict[str, Any], variants: Mapping[int, tuple[VariantChange, Outcome]]
    ) -> Iterator[Change]:
        state = self._state
        if state is None:
            new = {**NEW_PRODUCT, **wanted}
            if THUMBNAIL not in self._layout.names:
                new["thumbnail"] = next(iter(new["images"]), None)
            product: ProductChange = {"id": self._new_id("prod"), "old": None, "new": given_of(new)}
            of_product = Outcome.CREATED
        else:
            old, new = difference(state.values, wanted)
            product = {"id": state.id, "old": old, "new": new}
            of_product = Outcome.UPDATED if new else Outcome.UNCHANGED
        key = wanted.get("handle") or (state.values["handle"] if state else None) or product["id"]
        for row in self._rows:
            data: dict[str, Any] = {}
            outcome = Outcome.UNCHANGED
            if row is self._first:
                data["product"] = product
                outcome = of_product
            if row.number in variants:
                variant, of_variant = variants[row.number]
                variant["product"] = product["id"]
                data["variant"] = variant
                outcome = max(outcome, of_variant, key=_WEIGHT.__getitem__)
            yield Change(row=row.number, key=str(key), outcome=outcome, data=data, group=row.group)

    def _by(self, row: Row[Cells]) -> str | None:
        """Return the column by which a row says which variant it is about."""
        return next((n for n in (VARIANT_ID, SKU) if row.value.get(n) is not None), None)

    def _unknown(self, column: str, given: Any, what: str) -> None:
        row = next(row for row in self._rows if row.value.get(column) == given)
        message = f"the catalogue has no {what} {show(str(given))}"
        self._wrong(row, "unknown_reference", message, column)

    def _wrong(self, row: Row[Cells], code: str, message: str, column: str | None) -> None:
        self._errors.append(JobError(code=code, message=message, row=row.number, column=column))


_WEIGHT: Final = {Outcome.UNCHANGED: 0, Outcome.UPDATED: 1, Outcome.CREATED: 2}
