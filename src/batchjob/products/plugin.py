"""What this room offers through batchjob's hooks: the strategies on a catalogue.

Nothing is read or connected here, and SQLAlchemy is not loaded: a strategy may never be used.
"""

from collections.abc import Sequence
from typing import Any

from batchjob.abc import Settings, Strategy
from batchjob.hookspecs import hookimpl
from batchjob.products.catalog import Catalog
from batchjob.products.export import ProductExport
from batchjob.products.import_ import ProductImport
from batchjob.products.price_lists import PriceListImport


@hookimpl
def batchjob_strategies(settings: Settings) -> Sequence[Strategy[Any]]:
    """Return the strategies on the catalogue that *settings* name."""
    catalog = Catalog(settings.catalog_url)
    joins = settings.catalog in (None, settings.store)
    return [
        ProductExport(catalog),
        ProductImport(catalog, joins=joins),
        PriceListImport(catalog, joins=joins),
    ]
