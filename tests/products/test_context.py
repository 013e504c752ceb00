"""What a product export may be asked for."""

from typing import Any

import pytest

from batchjob.converters import context_to_json, json_schema, structure_context
from batchjob.errors import InvalidContext
from batchjob.products.context import ProductExportContext, page_size, wanted


def _faults(context: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidContext) as caught:
        structure_context(context, ProductExportContext)
    return {fault.pointer: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("context", "place", "words"),
    [
        ({"offset": -1}, "/offset", "from 0 on, found -1"),
        ({"offset": "3"}, "/offset", "found '3'"),
        ({"offset": True}, "/offset", "found true"),
        ({"batch_size": 0}, "/batch_size", "from 1 on"),
        ({"batch_size": 1.5}, "/batch_size", "found 1.5"),
        ({"batch_size": 10**30}, "/batch_size", "from 1 on"),
        ({"limit": 0}, "/limit", "from 1 on"),
        ({"list_config": {"take": -5}}, "/list_config/take", "from 1 on"),
        ({"list_config": {"skip": "0"}}, "/list_config/skip", "from 0 on"),
        ({"list_config": {"nope": 1}}, "/list_config/nope", "unknown key"),
        ({"list_config": {"order": {"x": "ASC"}}}, "/list_config/order/x", "no column"),
        ({"list_config": {"order": {"id": "UP"}}}, "/list_config/order/id", "ASC or DESC"),
        (
            {"list_config": {"order": {"id": "ASC", "title": "ASC"}}},
            "/list_config/order",
            "one column",
        ),
        ({"list_config": {"select": ["id"]}}, "/list_config/select", "all columns"),
        ({"list_config": {"relations": "variants"}}, "/list_config/relations", "an array"),
        ({"order": "created_at; drop"}, "/order", "no column to order by"),
        ({"order": "titel"}, "/order", "did you mean title?"),
        ({"order": "metadata"}, "/order", "no column"),
        ({"order": 7}, "/order", "found 7"),
        ({"fields": "id"}, "/fields", "shape"),
        ({"expand": "variants"}, "/expand", "leave it out"),
        ({"nope": 1}, "/nope", "unknown key"),
        ({"escape_formulas": "no"}, "/escape_formulas", "true or false"),
        ({"filterable_fields": []}, "/filterable_fields", "an object"),
        ({"filterable_fields": {"nope": 1}}, "/filterable_fields/nope", "unknown filter"),
        ({"filterable_fields": {"weight": "3"}}, "/filterable_fields/weight", "whole number"),
        ({"filterable_fields": {"weight": True}}, "/filterable_fields/weight", "whole number"),
        ({"filterable_fields": {"weight": 2**63}}, "/filterable_fields/weight", "whole number"),
        ({"filterable_fields": {"title": 3}}, "/filterable_fields/title", "a text"),
        ({"filterable_fields": {"title": ["a", 3]}}, "/filterable_fields/title/1", "a text"),
        ({"filterable_fields": {"title": {}}}, "/filterable_fields/title", "at least one"),
        (
            {"filterable_fields": {"title": {"like": "a"}}},
            "/filterable_fields/title/like",
            "contains",
        ),
        (
            {"filterable_fields": {"weight": {"contains": 3}}},
            "/filterable_fields/weight/contains",
            "lt, lte, gt, gte",
        ),
        (
            {"filterable_fields": {"is_giftcard": {"gt": True}}},
            "/filterable_fields/is_giftcard/gt",
            "none",
        ),
        ({"filterable_fields": {"status": "sold"}}, "/filterable_fields/status", "draft"),
        (
            {"filterable_fields": {"created_at": "2024-01-01T00:00:00"}},
            "/filterable_fields/created_at",
            "with its zone",
        ),
        (
            {"filterable_fields": {"created_at": "0001-01-01T00:00:00+23:00"}},
            "/filterable_fields/created_at",
            "ISO 8601",
        ),
        ({"filterable_fields": {"tags": "tag_1"}}, "/filterable_fields/tags", "array of ids"),
        ({"filterable_fields": {"q": None}}, "/filterable_fields/q", "a text"),
        (
            {"filterable_fields": {"deleted_at": None}},
            "/filterable_fields/deleted_at",
            "never exported",
        ),
        (
            {"filterable_fields": {"discount_condition_id": "x"}},
            "/filterable_fields/discount_condition_id",
            "instead",
        ),
        ({"shape": []}, "/shape", "an object"),
        ({"shape": {"prices": [{}]}}, "/shape/prices/0/currency_code", "required"),
        (
            {"shape": {"dynamicImageColumnCount": -1}},
            "/shape/dynamicImageColumnCount",
            "from 0",
        ),
        (
            {"shape": {"dynamicProductCategoriesColumnCount": 1}},
            "/shape/dynamicProductCategoriesColumnCount",
            "categories",
        ),
    ],
)
def test_what_is_refused(context: dict[str, Any], place: str, words: str) -> None:
    """What cannot be is refused at its place, and the words say what is allowed."""
    faults = _faults(context)
    assert list(faults) == [place]
    assert words in faults[place]


def test_all_faults_at_once() -> None:
    """All faults of a context are named together."""
    context = {
        "offset": -1,
        "nope": 1,
        "fields": "id",
        "filterable_fields": {"weight": "3", "deleted_at": None},
        "list_config": {"take": 0},
    }
    assert set(_faults(context)) == {
        *("/offset", "/nope", "/fields", "/list_config/take"),
        *("/filterable_fields/weight", "/filterable_fields/deleted_at"),
    }


def test_the_page_size() -> None:
    """The page size is limit, else take, else 500, and at most 5,000."""
    cases: list[tuple[dict[str, Any], int]] = [
        ({}, 500),
        ({"limit": 7, "list_config": {"take": 50}}, 7),
        ({"list_config": {"take": 50}}, 50),
        ({"limit": 10**6}, 5000),
    ]
    for context, size in cases:
        assert page_size(structure_context(context, ProductExportContext)) == size


def test_null_is_as_if_absent() -> None:
    """A key with null is as if it was not there."""
    context = dict.fromkeys(["order", "offset", "limit", "batch_size", "list_config", "shape"])
    nothing = structure_context({}, ProductExportContext)
    assert wanted(structure_context(context, ProductExportContext)) == wanted(nothing)


def test_a_context_goes_to_json_and_back() -> None:
    """A context that was read is written as it came."""
    context = {
        "filterable_fields": {"created_at": {"gt": "2024-01-01T00:00:00Z"}},
        "list_config": {"skip": 1, "take": 2, "order": {"title": "ASC"}, "relations": ["x"]},
        "shape": {"dynamicImageColumnCount": 2, "prices": []},
        "escape_formulas": False,
    }
    assert context_to_json(structure_context(context, ProductExportContext)) == context


def test_there_is_a_schema() -> None:
    """The JSON Schema of a context names its keys and allows no other."""
    schema = json_schema(ProductExportContext)
    assert schema["additionalProperties"] is False
    assert {"filterable_fields", "order", "batch_size", "shape"} <= set(schema["properties"])  # type: ignore[arg-type]


def test_what_is_refused_is_not_said_to_be_allowed() -> None:
    """Keys that stand in the class only to be refused in better words are not listed."""
    said = _faults({"limt": 5})["/limt"]
    assert said.endswith("list_config, shape, escape_formulas; did you mean limit?")
    assert "expand" not in said
