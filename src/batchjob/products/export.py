"""The strategy ``product-export``: products as rows of a CSV file, one for each variant.

Here belongs how the parts of this room make a job. What may be asked is in
`batchjob.products.context`, the reading in `batchjob.products.selection` and
`batchjob.products.rows`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, TextIO

from batchjob._typing import Json
from batchjob.abc import Run
from batchjob.core.results import Outcomes
from batchjob.products.catalog import Catalog
from batchjob.products.context import ProductExportContext, given_shape, page_size, wanted
from batchjob.products.lines import page_lines
from batchjob.products.rows import read_page
from batchjob.products.selection import product_ids, select
from batchjob.products.shape import Shape, shape_to_json
from batchjob.products.survey import survey
from batchjob.tabular import Cell
from batchjob.tabular.export import ExportStrategy

_NAMES: Final = {
    "prices": "price",
    "options": "option",
    "images": "image",
    "channels": "sales channel",
}


class ProductExport(ExportStrategy[ProductExportContext]):
    """Medusa v1's product export, on any catalogue in its layout.

    Planning reads the ids of the products once; each chunk names its own. A product that is gone
    when its chunk is worked on gives no rows and counts as skipped.
    """

    batch_type: ClassVar[str] = "product-export"
    file_name: ClassVar[str] = "product-export.csv"

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def check(self, context: ProductExportContext, run: Run[ProductExportContext]) -> None:
        """Refuse a job that could not even begin: `CatalogUnavailable`, `InvalidSetting`."""
        self._catalog.probe()

    def close(self) -> None:
        """Let go of the catalogue's connections."""
        self._catalog.close()

    def page_size(self, context: ProductExportContext) -> int:
        """Return how many products make a chunk."""
        return page_size(context)

    def columns(self, run: Run[ProductExportContext]) -> Sequence[str]:
        """Return the header: the fixed columns and those of the job's shape."""
        return _shape(run).header

    def keys(self, run: Run[ProductExportContext]) -> Iterator[Json]:
        """Yield the ids of the products in order, after telling what the export will be.

        `CatalogUnavailable` if the catalogue cannot be read.
        """
        with self._catalog.read() as connection:
            selection = select(wanted(run.context), self._catalog.dialect)
            found = survey(connection, selection)
            message = f"There will be {found.products} products exported by this action"
            run.describe("product-export-count", "Product count to export", message)
            shape = given_shape(run.context)
            if shape is None:
                run.amend(shape=shape_to_json(found.shape))
            else:
                _tell_left_out(run, found.left_out(shape))
            yield from product_ids(connection, selection, size=self.page_size(run.context))

    def describe(self, run: Run[ProductExportContext], count: int) -> None:
        """Tell nothing more: `keys` has told the count, from the same state of the catalogue."""

    def rows(
        self, run: Run[ProductExportContext], keys: Sequence[Json]
    ) -> Sequence[Sequence[Cell]]:
        """Return the rows of these products, in order; formulas are not escaped yet."""
        with self._catalog.read() as connection:
            return list(read_page(connection, _ids(keys), _shape(run)).rows())

    def write(
        self, run: Run[ProductExportContext], keys: Sequence[Json], file: TextIO
    ) -> Outcomes | None:
        """Write the rows of these products to *file*; products that are gone count as skipped."""
        with self._catalog.read() as connection:
            page = read_page(connection, _ids(keys), _shape(run))
        run.checkpoint()
        file.write("".join(page_lines(page, escape=run.context.escape_formulas)))
        return Outcomes(skipped=page.gone) if page.gone else None


def _ids(keys: Sequence[Json]) -> list[str]:
    return [str(key) for key in keys]


def _shape(run: Run[ProductExportContext]) -> Shape:
    """Return the job's shape, which planning has added where it was not given."""
    return given_shape(run.context) or Shape()


def _tell_left_out(run: Run[Any], left_out: Mapping[str, int]) -> None:
    if left_out:
        kinds = ", ".join(f"{_counted(n, _NAMES[kind])}" for kind, n in left_out.items())
        message = f"The given shape has no column for {sum(left_out.values())} values: {kinds}"
        run.describe("product-export-left-out", "Values without a column", message)


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
