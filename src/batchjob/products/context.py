"""What a user may ask of a product export, and what it comes down to.

Here belong the context class, the checks of its keys, and how keys that say the same are settled.
Filters have their own module, `batchjob.products.filters`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import attrs

from batchjob.converters.contexts import json_key
from batchjob.converters.plain import say, step
from batchjob.errors import Fault, InvalidDocument, nearest
from batchjob.products.columns import PRODUCT_COLUMNS
from batchjob.products.filters import check_filters, plain_filters
from batchjob.products.selection import Wanted
from batchjob.products.shape import Shape, shape_from_json

PAGE: Final = 500
"""How many products make a chunk where nothing is said."""

LARGEST_PAGE: Final = 5_000
"""How many products make a chunk at most, whatever is said: a chunk is held in memory."""

_BIGGEST: Final = 2**53 - 1  # the largest whole number that every JSON parser keeps exact
_NEWEST: Final = "-created_at"


def _whole(least: int) -> Callable[[Any], int | None]:
    """Return a check for a whole number of at least *least*; null is as if the key was absent."""

    def check(value: Any) -> int | None:
        if value is None:
            return None
        if type(value) is not int or not least <= value <= _BIGGEST:
            raise ValueError(f"expected a whole number from {least} on, found {say(value)}")
        return value

    return check


def _number(least: int, doc: str) -> dict[str, Any]:
    kind = ["integer", "null"]
    return json_key(structure=_whole(least), doc=doc, schema={"type": kind, "minimum": least})


def _refused(instead: str) -> dict[str, Any]:
    def check(value: Any) -> None:
        if value is not None:
            _refuse("", f"it cannot be chosen: {instead}")

    doc = f"Refused: {instead}."
    return json_key(structure=check, doc=doc, schema={"type": "null"}, listed=False)


def _refuse(place: str, message: str) -> NoReturn:
    raise InvalidDocument([Fault(place, message)])


def _order(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        _refuse("", f"expected the name of a column, found {say(value)}")
    _known(value.removeprefix("-"), "")
    return value


def _known(column: str, place: str) -> None:
    if column not in PRODUCT_COLUMNS:
        guess = nearest(column, tuple(PRODUCT_COLUMNS))
        hint = f"; did you mean {guess}?" if guess else ""
        allowed = ", ".join(PRODUCT_COLUMNS)
        _refuse(place, f"{say(column)} is no column to order by; allowed: {allowed}{hint}")


def _order_object(value: Any) -> Any:
    """Check ``{"created_at": "DESC"}``; one column, since JSON objects keep no order."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        _refuse("", f'expected an object such as {{"created_at": "DESC"}}, found {say(value)}')
    if len(value) > 1:
        _refuse("", f"expected one column, found {', '.join(map(str, value))}")
    for column, way in value.items():
        place = step("", str(column))
        _known(str(column), place)
        if way not in {"ASC", "DESC"}:
            _refuse(place, f"expected ASC or DESC, found {say(way)}")
    return value


def _checked_shape(value: Any) -> Any:
    if value is not None:
        shape_from_json(value)
    return value


_TEXT_ALL: Final = "every export has all columns of products and variants, so leave it out"
_TEXT_SHAPE: Final = f"{_TEXT_ALL}; shape says how many price, option, image and channel columns"


@attrs.frozen(kw_only=True)
class ListConfig:
    """Options as the API's page has them; ``skip`` and ``order`` count.

    ``take`` is the size of a page.  ``relations`` are accepted and change nothing: an export reads
    all that it shows.
    """

    skip: int | None = attrs.field(default=None, metadata=_number(0, "Products to leave out."))
    take: int | None = attrs.field(default=None, metadata=_number(1, "Products in a chunk."))
    order: Mapping[str, str] | None = attrs.field(
        default=None,
        metadata=json_key(
            structure=_order_object,
            doc="A column and ASC or DESC.",
            schema={"type": ["object", "null"], "maxProperties": 1},
        ),
    )
    relations: list[str] | None = None
    select: None = attrs.field(default=None, metadata=_refused(_TEXT_SHAPE))


@attrs.frozen(kw_only=True)
class ProductExportContext:
    """What a user asks of a product export; every key may be absent.

    Where a key says the same as one in ``list_config``, the key counts, as it does in Medusa v1:
    ``offset`` before ``skip``, ``order`` before ``order``, ``limit`` before ``take``.
    """

    filterable_fields: Mapping[str, Any] | None = attrs.field(
        default=None,
        metadata=json_key(
            structure=check_filters,
            doc="Which products: column, q, tags, sales_channel_id, price_list_id, category_id.",
            schema={"type": ["object", "null"]},
        ),
    )
    order: str | None = attrs.field(
        default=None,
        metadata=json_key(
            structure=_order,
            doc="A column of products, with - before it for descending; newest first if absent.",
            schema={"type": ["string", "null"]},
        ),
    )
    offset: int | None = attrs.field(
        default=None, metadata=_number(0, "How many of the ordered products to leave out.")
    )
    batch_size: int | None = attrs.field(
        default=None, metadata=_number(1, "How many products to export at most.")
    )
    limit: int | None = attrs.field(
        default=None, metadata=_number(1, f"Products in a chunk, at most {LARGEST_PAGE} count.")
    )
    list_config: ListConfig | None = None
    shape: Mapping[str, Any] | None = attrs.field(
        default=None,
        metadata=json_key(
            structure=_checked_shape,
            doc="The columns for prices, options, images and channels; computed if absent.",
            schema={"type": ["object", "null"]},
        ),
    )
    escape_formulas: bool = True
    fields: None = attrs.field(default=None, metadata=_refused(_TEXT_SHAPE))
    expand: None = attrs.field(default=None, metadata=_refused(_TEXT_ALL))


def wanted(context: ProductExportContext) -> Wanted:
    """Return which products *context* asks for, and in which order."""
    listed = context.list_config or ListConfig()
    offset = listed.skip if context.offset is None else context.offset
    return Wanted(
        filters=plain_filters(context.filterable_fields or {}),
        order=context.order or _listed_order(listed) or _NEWEST,
        offset=offset or 0,
        most=context.batch_size,
    )


def page_size(context: ProductExportContext) -> int:
    """Return how many products make a chunk: ``limit``, or ``take``, or 500; at most 5,000."""
    listed = context.list_config or ListConfig()
    return min(context.limit or listed.take or PAGE, LARGEST_PAGE)


def given_shape(context: ProductExportContext) -> Shape | None:
    """Return the columns that *context* names, or None where they are to be computed."""
    return None if context.shape is None else shape_from_json(context.shape)


def _listed_order(listed: ListConfig) -> str | None:
    for column, way in (listed.order or {}).items():
        return f"-{column}" if way == "DESC" else column
    return None
