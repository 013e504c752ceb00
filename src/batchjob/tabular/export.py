"""The base of exports: a strategy says columns, keys and rows; the rest comes from here."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar, TextIO

from batchjob._typing import Json
from batchjob.abc import Context, Run, Strategy
from batchjob.core.chunks import Chunk, Part
from batchjob.core.results import Outcomes
from batchjob.tabular.delimited import Cell, csv_writer, to_cell


class ExportStrategy(Strategy[Context]):
    """A job that writes a delimited file: one header, then the rows of each page of keys.

    The file is the same whatever the number of workers: pages are joined in the order of the keys.
    A context with ``escape_formulas`` set to False turns the escaping of formulas off.
    """

    file_name: ClassVar[str] = "export.csv"
    """What the file is called, for people."""

    @abstractmethod
    def columns(self, run: Run[Context]) -> Sequence[str]:
        """Return the header; called once, when the file is put together."""

    @abstractmethod
    def keys(self, run: Run[Context]) -> Iterable[Json]:
        """Yield a key for each thing to export, in order; they are streamed, never held."""

    @abstractmethod
    def rows(self, run: Run[Context], keys: Sequence[Json]) -> Iterable[Sequence[Cell]]:
        """Return the rows of *keys*, in order: none, one or many for each."""

    def page_size(self, context: Context) -> int:
        """Return how many keys make a chunk."""
        return 500

    def describe(self, run: Run[Context], count: int) -> None:
        """Tell the user, by `Run.describe`, that *count* things will be exported."""
        message = f"{count} things will be exported by this action"
        run.describe(f"{self.batch_type}-count", "Count to export", message)

    def plan(self, run: Run[Context]) -> Iterator[Chunk]:
        """Yield a chunk for each page of keys."""
        size, count = self.page_size(run.context), 0
        keys = iter(self.keys(run))
        while page := list(islice(keys, size)):
            count += len(page)
            yield Chunk(page, weight=len(page))
        self.describe(run, count)

    def work(self, run: Run[Context], chunk: Chunk) -> Outcomes | None:
        """Write the rows of one page into the chunk's part."""
        keys: Any = chunk.payload
        with run.part() as file:
            return self.write(run, keys, file)

    def write(self, run: Run[Context], keys: Sequence[Json], file: TextIO) -> Outcomes | None:
        """Write the rows of *keys* to *file*; override it to write cells that are text already."""
        escape = getattr(run.context, "escape_formulas", True)
        rows = self.rows(run, keys)
        csv_writer(file).writerows([to_cell(v, escape=escape) for v in row] for row in rows)
        return None

    def finish(self, run: Run[Context], parts: Iterable[Part]) -> None:
        """Write the header and join the parts."""
        with run.output(self.file_name) as file:
            csv_writer(file).writerow(self.columns(run))
            run.join(parts, file)
