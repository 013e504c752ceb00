"""What imports into a catalogue have in common: how they reach it, and whose fault an error is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from batchjob.abc import Context, Run
from batchjob.errors import BatchJobError
from batchjob.products.catalog import Catalog
from batchjob.products.import_layout import Cells
from batchjob.products.states import Asker, Known, read_known
from batchjob.tabular import Bound, Record
from batchjob.tabular.imports import ImportStrategy

if TYPE_CHECKING:
    from sqlalchemy import Connection


class CatalogImport(ImportStrategy[Context, Any], Generic[Context]):
    """An import into any catalogue in Medusa v1's layout, by rules that see bad rows too.

    *joins* says whether the catalogue is in the store's own database: then changes commit with
    their chunk, exactly once. Elsewhere each chunk is one transaction, and one that is applied
    twice finds its own values and leaves them.
    """

    takes_bad_rows: ClassVar[bool] = True

    def __init__(self, catalog: Catalog, *, joins: bool) -> None:
        self.catalog, self._joins = catalog, joins

    def check(self, context: Context, run: Run[Context]) -> None:
        """Refuse a job whose file is not there, or whose catalogue is none."""
        super().check(context, run)
        self.catalog.probe()

    def close(self) -> None:
        """Let go of the catalogue's connections."""
        self.catalog.close()

    def known(self) -> Known:
        """Return which currencies and regions there are."""
        with self.catalog.read() as connection:
            return read_known(Asker(connection))

    def value(self, bound: Bound, values: Sequence[Any]) -> Cells:
        """Return the cells of a row by their columns."""
        return bound.named(values)

    def uses_transaction(self, run: Run[Context]) -> bool:
        """Tell whether the catalogue is in the store's own database."""
        return self._joins

    def row_fault(self, error: Exception) -> tuple[str, str] | None:
        """Take what the database refuses of a row for its fault, and nothing else."""
        from sqlalchemy.exc import DataError, IntegrityError

        if isinstance(error, BatchJobError) or not isinstance(error, IntegrityError | DataError):
            return None
        return "not_applied", "the catalogue refused it: a key that has to be unique is taken"

    @contextmanager
    def writing(self, run: Run[Context]) -> "Iterator[Connection]":
        """Open the transaction that a chunk is applied in."""
        if self._joins:
            yield run.transaction
        else:
            with self.catalog.write() as connection:
                yield connection


def text_in(bound: Bound, record: Record, name: str) -> str | None:
    """Return the text of a cell by its column's name; None where there is none."""
    return bound.text(record, bound.at[name]) if name in bound.at and not record.error else None
