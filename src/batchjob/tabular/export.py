"""The base of exports: a strategy says columns, keys and rows; the rest comes from here."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, Final, NoReturn, TextIO

from batchjob._typing import Json
from batchjob.abc import Context, Run, Strategy
from batchjob.core.chunks import Chunk, Part
from batchjob.core.files import check_key
from batchjob.core.results import Outcomes
from batchjob.errors import InvalidKey, InvalidStrategy
from batchjob.tabular.delimited import Cell, csv_writer, to_cell

_ONE_VALUE: Final = (str, bytes, Mapping)  # what is taken for many values by mistake


class ExportStrategy(Strategy[Context]):
    """A job that writes a delimited file: one header, then the rows of each page of keys.

    The file is the same whatever the number of workers: pages are joined in the order of the keys.
    A context with ``escape_formulas`` set to False turns the escaping of formulas off.
    """

    file_name: ClassVar[str] = "export.csv"
    """What the file is called, for people."""

    @abstractmethod
    def columns(self, run: Run[Context]) -> Sequence[str]:
        """Return the header; called for each page of rows, and when the file is put together."""

    @abstractmethod
    def keys(self, run: Run[Context]) -> Iterable[Json]:
        """Yield a key for each thing to export, in order; they are streamed, never held."""

    @abstractmethod
    def rows(self, run: Run[Context], keys: Sequence[Json]) -> Iterable[Sequence[Cell]]:
        """Return the rows of *keys*, in order: none, one or many for each."""

    def page_size(self, context: Context) -> int:
        """Return how many keys make a chunk."""
        return 500

    def check_class(self) -> None:
        """See `Strategy.check_class`: the file has a name."""
        try:
            check_key(self.file_name)
        except (AttributeError, TypeError, InvalidKey):
            fault = f"its file_name is {self.file_name!r}; write one such as 'export.csv'"
            raise InvalidStrategy(type(self).__qualname__, fault) from None

    def describe(self, run: Run[Context], count: int) -> None:
        """Tell the user, by `Run.describe`, that *count* things will be exported."""
        message = f"{count} things will be exported by this action"
        run.describe(f"{self.batch_type}-count", "Count to export", message)

    def plan(self, run: Run[Context]) -> Iterator[Chunk]:
        """Yield a chunk for each page of keys."""
        size, count = self.page_size(run.context), 0
        if type(size) is not int or size < 1:
            self._broken(f"page_size returned {size!r}; it must be 1 or more")
        keys = iter(self._many("keys", self.keys(run)))
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
        rows, header = self._many("rows", self.rows(run, keys)), self._header(run)
        csv_writer(file).writerows(
            [to_cell(v, escape=escape) for v in self._row(row, header)] for row in rows
        )
        return None

    def finish(self, run: Run[Context], parts: Iterable[Part]) -> None:
        """Write the header and join the parts."""
        with run.output(self.file_name) as file:
            csv_writer(file).writerow(self._header(run))
            run.join(parts, file)

    def _header(self, run: Run[Context]) -> Sequence[str]:
        header = list(self._many("columns", self.columns(run)))
        return header or self._broken("columns returned no column")

    def _row(self, row: Sequence[Cell], header: Sequence[str]) -> Sequence[Cell]:
        if isinstance(row, _ONE_VALUE) or not isinstance(row, Collection):
            self._broken(f"a row of rows is a {type(row).__name__}; give a list of values")
        if len(row) != len(header):
            self._broken(f"a row of rows has {len(row)} values, for {len(header)} columns")
        return row

    def _many(self, method: str, found: Any) -> Any:
        if isinstance(found, _ONE_VALUE) or not isinstance(found, Iterable):
            self._broken(f"{method} returned {type(found).__name__}; return a list, or yield each")
        return found

    def _broken(self, fault: str) -> NoReturn:
        raise InvalidStrategy(type(self).__qualname__, fault)
