"""Law: what the kit generates of a class is taken by that class."""

import io
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchjob import column, json_key
from batchjob.converters import structure_context
from batchjob.products.context import ProductExportContext
from batchjob.tabular.columns import Bound, open_records
from batchjob.tabular.rows import columns_of
from batchjob.testing.generated import contexts, files


class Size(StrEnum):
    """Choices."""

    SMALL = "small"
    LARGE = "large"


@attrs.frozen(kw_only=True)
class Inner:
    """What is nested."""

    name: str
    sizes: list[Size] = attrs.field(factory=list)


@attrs.frozen(kw_only=True)
class Context:
    """Has every kind of field."""

    names: list[str]
    inner: Inner | None = None
    count: int = attrs.field(default=1, validator=attrs.validators.ge(0))
    ratio: float = 0.5
    kind: Literal["a", "b"] = "a"
    by_name: dict[str, int] = attrs.field(factory=dict)
    even: int = attrs.field(metadata=json_key("isEven", structure=lambda value: value * 2))


@attrs.frozen(kw_only=True)
class Row:
    """Has every kind of column."""

    sku: str = attrs.field(metadata=column("SKU", key=True))
    title: str = attrs.field(metadata=column("Title", most=12))
    quantity: int = attrs.field(metadata=column("Quantity", least=0))
    price: Decimal | None = None
    size: Size = Size.SMALL
    visible: bool = True
    kind: Literal["a", "b"] | None = None


@given(context=contexts(Context, overrides={"isEven": st.integers(0, 9)}))
def test_a_context_is_structured(context: dict[str, Any]) -> None:
    """Its class takes it."""
    assert isinstance(structure_context(context, Context), Context)


def test_what_types_do_not_tell_has_to_be_said() -> None:
    """Where a key has to be there and has a check of its own."""
    with pytest.raises(LookupError, match="overrides do not say what isEven of Context may be"):
        contexts(Context)


@given(context=contexts(ProductExportContext))
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_a_context_of_our_own_is_structured(context: dict[str, Any]) -> None:
    """That of the export of products, too."""
    structure_context(context, ProductExportContext)


@given(file=files(Row))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_file_has_no_fault(file: bytes) -> None:
    """Each of its rows can be read, and each key is there once."""
    columns = columns_of(Row)
    records = open_records(io.BytesIO(file), columns)
    bound = Bound(columns, records)
    keys = []
    for record in records:
        values, errors = bound.values(record)
        assert not errors
        keys.append(bound.named(values)["SKU"])
    assert keys
    assert len(keys) == len(set(keys))
