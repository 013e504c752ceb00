"""The suites for strategies: our own keep all promises, and each broken one is named."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from stock_levels import Level, StockImport

from batchjob import Change, Chunk, ExportStrategy, JobError, Outcomes, Part, Row, Run, Strategy
from batchjob.errors import BatchJobError
from batchjob.products.catalog import Catalog
from batchjob.products.demo import demo_catalog
from batchjob.products.export import ProductExport
from batchjob.products.fill import fill
from batchjob.products.import_ import ProductImport
from batchjob.products.price_lists import PriceListImport
from batchjob.products.tables import create_tables
from batchjob.tabular import Cell
from batchjob.testing.strategies.conformance import (
    ExportConformance,
    ImportConformance,
    StrategyConformance,
)
from products.shops import Shop
from support import Lines, LinesContext


class TestLines(StrategyConformance):
    """One that writes parts and joins them."""

    context: ClassVar[Mapping[str, Any]] = {"lines": 5, "page": 2}
    refused = ({"lines": "many"}, {"linez": 1})

    def make(self, folder: Path) -> Strategy[Any]:
        """Make it."""
        return Lines()


def catalog(folder: Path) -> Catalog:
    """Return a catalogue of five products."""
    path = folder / "shop.db"
    is_new = not path.exists()
    path.touch()
    made = Catalog(f"sqlite:///{path}")
    if is_new:
        with made.engine.begin() as connection:
            create_tables(connection)
            fill(connection, demo_catalog(5))
    return made


class TestProductExport(ExportConformance):
    """The export of products."""

    context: ClassVar[Mapping[str, Any]] = {"list_config": {"take": 2}}
    refused = ({"order": "no_such_field"}, {"filterable_fields": {"status": ["gone"]}})

    def make(self, folder: Path) -> Strategy[Any]:
        """Make it over a catalogue."""
        return ProductExport(catalog(folder))


HEADER = "Product Handle;Product Title;Variant SKU;Option 1 Name;Option 1 Value\n"


class TestProductImport(ImportConformance):
    """The import of products, into a catalogue that is in the database of the jobs."""

    stores = ("sqlite",)
    file = HEADER + "".join(f"mug-{n};Mug {n};MUG-{n};Size;{n}\n" for n in range(5))
    bad_file = HEADER + "mug;Mug;MUG;Size;1\n" + "cup;;CUP;Size;1\n"
    bad_row, bad_column = 3, "Product Title"

    def make(self, folder: Path) -> Strategy[Any]:
        """Make it over a catalogue of one product."""
        made = Catalog(f"sqlite:///{folder}/jobs.db")
        with made.engine.begin() as connection:
            create_tables(connection)
            fill(connection, demo_catalog(1))
        strategy = ProductImport(made, joins=True)
        vars(strategy)["page_size"] = 2
        return strategy

    def effects(self, folder: Path) -> object:
        """Return the products."""
        sql = "SELECT p.handle, p.title, v.sku FROM product p JOIN product_variant v ON"
        return rows(folder, f"{sql} v.product_id = p.id")


class TestPriceListImport(ImportConformance):
    """The import of prices, into a list of a catalogue that is in the database of the jobs."""

    stores = ("sqlite",)
    file = "SKU;Price EUR\nMUG-BLUE;8\nMUG-S;9.5\nMUG-M;10\n"
    bad_file = "SKU;Price EUR\nMUG-S;8\nMUG-M;cheap\n"
    bad_row, bad_column = 3, "Price EUR"

    def asked(self, file: str | bytes, **more: Any) -> dict[str, Any]:
        """Name the list too."""
        return super().asked(file, price_list_id="pl_sale", **more)

    def make(self, folder: Path) -> Strategy[Any]:
        """Make it over a catalogue of three variants, of which the list has one."""
        shop = Shop()
        shop.add("price_list", id="pl_sale", name="Sale", description="", type="sale")
        shop.product("a")
        for sku in ("MUG-BLUE", "MUG-S", "MUG-M"):
            shop.price(shop.variant("prod_a", sku.lower(), sku=sku), "eur", 1000)
        shop.price("variant_mug-s", "eur", 900, price_list_id="pl_sale")
        made = Catalog(f"sqlite:///{folder}/jobs.db")
        with made.engine.begin() as connection:
            create_tables(connection)
            fill(connection, shop.tables)
        strategy = PriceListImport(made, joins=True)
        vars(strategy)["page_size"] = 2
        return strategy

    def effects(self, folder: Path) -> object:
        """Return the prices of the list."""
        sql = "SELECT l.variant_id, m.amount FROM money_amount m"
        sql += " JOIN product_variant_money_amount l ON l.money_amount_id = m.id"
        return rows(folder, f"{sql} WHERE m.price_list_id = 'pl_sale'")


class TestStockImport(ImportConformance):
    """An import that stages its rows, and changes a table through the store's transaction."""

    stores = ("sqlite",)
    file = "SKU;Quantity\nA;1\nB;2\nC;3\n"
    bad_file = "SKU;Quantity\nA;1\nB;many\n"
    bad_row, bad_column = 3, "Quantity"
    kind: type[StockImport] = StockImport

    def make(self, folder: Path) -> Strategy[Any]:
        """Make it, and its table."""
        engine = sa.create_engine(f"sqlite:///{folder}/jobs.db")
        sql = "CREATE TABLE IF NOT EXISTS stock_level (sku TEXT PRIMARY KEY, quantity INTEGER)"
        with engine.begin() as connection:
            connection.exec_driver_sql(sql)
        strategy = self.kind(engine)
        vars(strategy)["page_size"] = 2
        return strategy

    def effects(self, folder: Path) -> object:
        """Return the levels."""
        return rows(folder, "SELECT sku, quantity FROM stock_level")


def rows(folder: Path, sql: str) -> object:
    """Return the rows of a query, sorted."""
    engine = sa.create_engine(f"sqlite:///{folder}/jobs.db")
    with engine.connect() as connection:
        found = connection.exec_driver_sql(sql).all()
    engine.dispose()
    return sorted(map(tuple, found))


class Undivided(Lines):
    """Plans one chunk of all."""

    def plan(self, run: Run[LinesContext]) -> Iterable[Chunk]:
        """Yield it, and say nothing."""
        yield Chunk({"first": 0, "last": run.context.lines}, weight=run.context.lines)


class Miscounting(Lines):
    """Says that one line was made, whatever there was."""

    def work(self, run: Run[LinesContext], chunk: Chunk) -> Outcomes | None:
        """Count wrong."""
        super().work(run, chunk)
        return Outcomes(created=1)


class Taking(Lines):
    """Takes a number for what nobody has meant."""


class Asynchronous(Lines):
    """Has a phase that no thread could run."""

    async def finish(self, run: Any, parts: Iterable[Part]) -> None:  # type: ignore[override]
        """Never runs."""


class Failing(Lines):
    """Fails always."""

    def finish(self, run: Run[LinesContext], parts: Iterable[Part]) -> None:
        """Fail."""
        raise RuntimeError("no")


class Hasty(Lines):
    """Leaves something outside while it plans."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def plan(self, run: Run[LinesContext]) -> Iterable[Chunk]:
        """Leave it."""
        (self.folder / "outside").touch()
        return super().plan(run)


class Showing(Lines):
    """Shows one change, whatever there is."""

    def changes(self, run: Run[LinesContext], chunk: Chunk) -> Iterable[Change]:
        """Show it."""
        yield Change.between(chunk.seq + 2, "line", None, {"line": 1})


class Table(ExportStrategy[LinesContext]):
    """Exports numbers; each variant below spoils something."""

    batch_type = "table"
    file_name = "table.csv"

    def columns(self, run: Run[LinesContext]) -> Sequence[str]:
        """Return the header."""
        return ["number", "double"]

    def keys(self, run: Run[LinesContext]) -> Iterable[int]:
        """Yield the numbers."""
        return range(run.context.lines)

    def rows(self, run: Run[LinesContext], keys: Sequence[Any]) -> Iterable[Sequence[Cell]]:
        """Yield a row for each number."""
        return [[key, f"={key}"] for key in keys]

    def page_size(self, context: LinesContext) -> int:
        """Return what is asked."""
        return context.page


class Narrow(Table):
    """Leaves a cell out of each row."""

    def write(self, run: Run[LinesContext], keys: Sequence[Any], file: Any) -> None:
        """Leave it out."""
        file.writelines(f"{key}\r\n" for key in keys)


class Computing(Table):
    """Writes formulas."""

    def write(self, run: Run[LinesContext], keys: Sequence[Any], file: Any) -> None:
        """Write them as they are."""
        file.writelines(f"{key};={key}\r\n" for key in keys)


class Paged(Table):
    """Numbers the rows of each page anew."""

    def rows(self, run: Run[LinesContext], keys: Sequence[Any]) -> Iterable[Sequence[Cell]]:
        """Number them."""
        return [[n, key] for n, key in enumerate(keys)]


class Adding(StockImport):
    """Adds to the levels that are there."""

    def plan_rows(self, run: Run[Any], rows: Sequence[Row[Level]]) -> Iterator[Change]:
        """Plan to add."""
        for row in rows:
            with self.engine.connect() as connection:
                sql = sa.text("SELECT quantity FROM stock_level WHERE sku = :sku")
                old = connection.scalar(sql, {"sku": row.value.sku}) or 0
            new = {"quantity": row.value.quantity + old}
            yield Change.between(row.number, row.value.sku, {"quantity": old} if old else None, new)


class Untold(StockImport):
    """Has a template of another kind."""

    def template(self) -> str | None:
        """Return some text."""
        return "Name\nsomething\n"


class Placeless(StockImport):
    """Takes every quantity, and refuses files without a place."""

    def plan(self, run: Run[Any]) -> Iterator[Chunk]:
        """Say that something is wrong."""
        try:
            yield from super().plan(run)
        except BatchJobError:
            raise RuntimeError("something is wrong") from None


class Strict(StockImport):
    """Leaves all rows of a page out for one."""

    def plan_rows(self, run: Run[Any], rows: Sequence[Row[Level]]) -> Iterator[Any]:
        """Refuse all that came."""
        for row in rows:
            yield JobError(code="page", message="its page is bad", row=row.number)


class ByPage(StockImport):
    """Doubles what is the first of a page."""

    def plan_rows(self, run: Run[Any], rows: Sequence[Row[Level]]) -> Iterator[Change]:
        """Double it."""
        for number, row in enumerate(rows):
            new = {"quantity": row.value.quantity * (1 if number else 2)}
            yield Change.between(row.number, row.value.sku, None, new)


def suite(strategy: Any, base: Any = StrategyConformance) -> Any:
    """Return the suite of a broken strategy."""

    class Suite(base):  # type: ignore[misc]
        context: ClassVar[Mapping[str, Any]] = {"lines": 5, "page": 2}
        refused = ({"lines": -1},)
        stores = ("memory",)

        def make(self, folder: Path) -> Strategy[Any]:
            made: Strategy[Any] = strategy(folder) if strategy is Hasty else strategy()
            return made

        def effects(self, folder: Path) -> object:
            return sorted(path.name for path in folder.glob("outside"))

    return Suite()


def stock(strategy: type[StockImport]) -> Any:
    """Return the suite of a broken import."""

    class Suite(TestStockImport):
        kind = strategy

    return Suite()


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (suite(Asynchronous), "its_class_keeps_the_rules"),
        (suite(Taking), "contexts_that_are_wrong_are_refused"),
        (suite(Undivided), "its_work_is_divided"),
        (suite(Miscounting), "its_numbers_add_up"),
        (suite(Undivided), "it_says_what_it_would_do"),
        (suite(Hasty), "planning_changes_nothing"),
        (suite(Showing), "what_is_shown_is_what_happens"),
        (suite(Narrow, ExportConformance), "each_row_has_the_width_of_the_header"),
        (suite(Computing, ExportConformance), "no_cell_is_a_formula"),
        (suite(Paged, ExportConformance), "pages_do_not_matter"),
        (stock(Untold), "its_template_is_a_good_file"),
        (stock(Adding), "a_file_that_is_imported_twice_changes_nothing_more"),
        (stock(Placeless), "a_bad_file_is_refused_by_row_and_column"),
        (stock(Strict), "a_bad_row_can_be_left_out"),
        (stock(ByPage), "pages_do_not_matter"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_broken_promise_is_named(broken: Any, promise: str, tmp_path: Path) -> None:
    """The test that is called as the promise fails, in the words of the promise."""
    tried: Callable[[Path], None] = getattr(broken, f"test_{promise}")
    words = f"broken: ({promise.replace('_', ' ')}|a job of its context completes); "
    with pytest.raises(pytest.fail.Exception, match=words):
        tried(tmp_path)


def test_a_job_that_fails_by_itself_is_told_first(tmp_path: Path) -> None:
    """Whatever was to be looked at."""
    with pytest.raises(pytest.fail.Exception, match="a job of its context completes; it is fail"):
        suite(Failing).test_its_numbers_add_up(tmp_path)


def test_every_promise_has_been_broken() -> None:
    """No promise is without a strategy that breaks it; of survival, the crash suite has them."""
    marks = test_a_broken_promise_is_named.pytestmark
    broken = {f"test_{promise}" for _, promise in marks[0].args[1]}
    suites = (StrategyConformance, ExportConformance, ImportConformance)
    promised = {name for each in suites for name in vars(each) if name.startswith("test_")}
    assert promised - {"test_it_survives"} == broken
