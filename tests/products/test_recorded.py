"""Exports against the files that a real Medusa v1 wrote from the same catalogues."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from products.conftest import MakeCatalog
from products.exporting import export
from products.medusa_compare import differences

RECORDED = Path(__file__).parents[1] / "data" / "medusa" / "export"
NAMES = sorted(path.stem for path in RECORDED.glob("*.csv"))
KINDS = ("sqlite", "postgresql", "medusa")


def _context(name: str) -> dict[str, Any]:
    context: dict[str, Any] = json.loads((RECORDED / f"{name}.job.json").read_text())["context"]
    return context


def _tables(name: str) -> dict[str, Any]:
    if name == "no_products":
        return {}
    kind = "n20" if name == "n20" else "edge"
    tables: dict[str, Any] = json.loads((RECORDED / f"catalog_{kind}.json").read_text())
    return tables


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_an_export_equals_medusas(
    name: str, kind: str, make_catalog: Callable[[str], MakeCatalog]
) -> None:
    """An export from a job's stored context equals the file Medusa wrote, shape given or not."""
    catalog = make_catalog(kind)(_tables(name))
    context, theirs = _context(name), (RECORDED / f"{name}.csv").read_bytes()
    given = export(catalog, context)
    del context["shape"]
    computed = export(catalog, context)
    assert list(differences(theirs, given)) == []
    assert list(differences(theirs, computed)) == []


@pytest.mark.parametrize("name", ["edge", "n20"])
def test_databases_agree_on_bytes(name: str, make_catalog: Callable[[str], MakeCatalog]) -> None:
    """The same catalogue gives the same bytes on every database."""
    first, *others = [export(make_catalog(kind)(_tables(name))) for kind in KINDS]
    assert all(other == first for other in others)


@pytest.mark.parametrize(
    ("field", "key", "value"),
    [("limit", "take", 3), ("offset", "skip", 10), ("order", "order", "title")],
)
def test_top_level_keys_count_first(
    field: str, key: str, value: object, make_catalog: Callable[[str], MakeCatalog]
) -> None:
    """A key of the context counts before the one in list_config that says the same."""
    catalog = make_catalog("sqlite")(_tables("edge"))
    listed = {"title": "ASC"} if field == "order" else value
    alone = export(catalog, {field: value})
    assert alone == export(catalog, {"list_config": {key: listed}})
    other = {"handle": "ASC"} if field == "order" else 1
    assert alone == export(catalog, {field: value, "list_config": {key: other}})
