"""The rules of a product import, by example, on each database."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from batchjob import BatchJob, BatchJobs, Outcomes, Status
from batchjob.products.catalog import Catalog
from batchjob.products.states import Asker, State, ids_of_handles, read_states
from products.conftest import MakeCatalog
from products.shops import DELETED, Shop
from products.test_import import imported, products_of


def a_shop() -> Shop:
    """Return a shop with a product of two variants, and another one."""
    shop = Shop()
    shop.add("shipping_profile", id="sp_1", name="Default", type="default")
    shop.region("eu", "EU", "eur")
    shop.region("us", "US", "usd")
    shop.add("product_collection", id="pcol_1", title="Spring", handle="spring")
    shop.product("a", title="Mug", subtitle="Old", weight=10)
    size = shop.option("prod_a", "Size")
    for key, value in (("s", "S"), ("m", "M")):
        variant = shop.variant("prod_a", key, title=value, sku=f"MUG-{value}", barcode=f"b{key}")
        shop.value(size, variant, value)
        shop.price(variant, "eur", 1000)
        shop.price(variant, "usd", 1200, region_id="reg_us")
    shop.linked("tag", "prod_a", value="old")
    shop.linked("image", "prod_a", url="https://a/1")
    shop.linked("channel", "prod_a", name="Web")
    shop.product("b", title="Pot", handle="pot")
    shop.variant("prod_b", "p", title="Pot", sku="POT")
    return shop


class Trial:
    """A catalogue, and files that are imported into it."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        self.catalog, self._folder = catalog, folder
        self.jobs: BatchJobs | None = None

    def run(self, content: str, **options: Any) -> BatchJob:
        """Import a file."""
        self.close()
        self.jobs, job = imported(self.catalog, content.encode(), self._folder, **options)
        return job

    def close(self) -> None:
        """Close the jobs of the last file."""
        if self.jobs is not None:
            self.jobs.close()

    def state(self, handle: str = "h-a") -> State:
        """Return a product as it is."""
        with self.catalog.read() as connection:
            ask = Asker(connection)
            (found,) = read_states(ask, list(ids_of_handles(ask, [handle]).values())).values()
            return found

    def variant(self, sku: str, handle: str = "h-a") -> dict[str, Any]:
        """Return a variant as it is."""
        return next(v for v in self.state(handle).variants.values() if v["sku"] == sku)

    def scalar(self, sql: str) -> Any:
        """Return one value of the database."""
        with self.catalog.read() as connection:
            return connection.scalar(text(sql))


@pytest.fixture
def trial(catalog_of: MakeCatalog, tmp_path: Path) -> Iterator[Trial]:
    """The shop on each database."""
    made = Trial(catalog_of(a_shop().tables), tmp_path)
    yield made
    made.close()


def errors_of(job: BatchJob) -> list[tuple[int | None, str | None, str]]:
    """Return place and code of each error."""
    assert job.result
    return [(error.row, error.column, error.code) for error in job.result.errors]


def outcomes_of(job: BatchJob) -> Outcomes:
    """Return how the rows ended; the job has completed."""
    assert job.status == Status.COMPLETED, job.result
    assert job.result
    return job.result.outcomes or Outcomes()


def test_columns_that_are_not_there_leave_things_alone(trial: Trial) -> None:
    """What a file does not speak of stays as it is, also variants that are not in it."""
    before = trial.state()
    assert outcomes_of(trial.run("Product Handle;Product Title\nh-a;Cup\n")) == Outcomes(updated=1)
    after = trial.state()
    assert after.values == before.values | {"title": "Cup"}
    assert after.variants == before.variants


def test_empty_cells_clear_or_take_the_default(trial: Trial) -> None:
    """An empty cell is nothing, or what a new product would have, where nothing is not allowed."""
    names = "Product Id;Product Subtitle;Product Weight;Product Status;Product Discountable;"
    names += "Product Tags;Image 1 Url;Sales Channel 1 Name"
    trial.run(f"{names}\nprod_a;;;;;;;\n")
    values = trial.state().values
    assert (values["subtitle"], values["weight"], values["status"]) == (None, None, "draft")
    assert (values["discountable"], values["tags"], values["images"]) == (True, [], [])
    assert values["channels"] == []


def test_a_product_is_found_by_id_then_by_handle(trial: Trial) -> None:
    """A row may name it by either; an id that is not there is no product."""
    file = "Product Id;Product Handle;Product Title\nprod_a;mug;Mug\n;pot;Pan\n"
    assert outcomes_of(trial.run(file)) == Outcomes(updated=2)
    assert trial.state("mug").id == "prod_a"
    assert trial.state("pot").values["title"] == "Pan"
    wrong = trial.run("Product Id;Product Title\nprod_x;X\n")
    assert errors_of(wrong) == [(2, "Product Id", "unknown_reference")]


def test_a_handle_of_another_product_is_refused(trial: Trial) -> None:
    """Handles are unique in the catalogue; one of a product that was deleted is free."""
    wrong = trial.run("Product Id;Product Handle\nprod_a;pot\n")
    assert errors_of(wrong) == [(2, "Product Handle", "duplicate_key")]


@pytest.mark.parametrize("by", ["Variant Id;variant_s", "Variant SKU;MUG-S"])
def test_a_variant_is_found_by_id_then_by_sku(trial: Trial, by: str) -> None:
    """It is changed where it is, and keeps what the file does not speak of."""
    name, value = by.split(";")
    file = f"Product Handle;{name};Variant Inventory Quantity\nh-a;{value};7\n"
    assert outcomes_of(trial.run(file)) == Outcomes(updated=1)
    found = trial.variant("MUG-S")
    assert (found["inventory_quantity"], found["title"], found["barcode"]) == (7, "S", "bs")


def test_a_variant_is_found_by_its_options(trial: Trial) -> None:
    """With neither id nor SKU the options say which one it is; other options are a new one."""
    file = "Product Handle;Option 1 Name;Option 1 Value;Price EUR\nh-a;Size;M;11\nh-a;Size;L;12\n"
    assert outcomes_of(trial.run(file)) == Outcomes(updated=1, created=1)
    state = trial.state()
    assert trial.variant("MUG-M")["prices"] == {"eur": 1100, "usd reg_us": 1200}
    new = next(v for v in state.variants.values() if v["options"] == {"Size": "L"})
    assert (new["title"], new["inventory_quantity"], new["manage_inventory"]) == ("L", 0, True)
    assert state.rank == 2


def test_a_variant_of_another_product_is_refused(trial: Trial) -> None:
    """Its id is in conflict, its SKU and barcode are taken."""
    names = "Product Handle;Variant Id;Variant SKU;Variant Barcode;Option 1 Name;Option 1 Value"
    wrong = trial.run(f"{names}\nh-a;variant_p;;;Size;S\nh-a;;POT;bm;Size;L\n")
    assert set(errors_of(wrong)) == {
        (2, "Variant Id", "conflicting_value"),
        (3, "Variant SKU", "duplicate_key"),
        (3, "Variant Barcode", "duplicate_key"),
    }


def test_price_columns_say_all_prices_of_their_kind(trial: Trial) -> None:
    """One that is empty is taken away, others stay, and what did not change keeps its row."""
    before = trial.scalar("SELECT max(m.id) FROM money_amount m WHERE m.currency_code = 'usd'")
    file = "Product Handle;Variant SKU;Price EUR;Price US [USD]\nh-a;MUG-S;;12\nh-a;MUG-M;9.5;13\n"
    assert outcomes_of(trial.run(file)) == Outcomes(updated=2)
    assert trial.variant("MUG-S")["prices"] == {"usd reg_us": 1200}
    assert trial.variant("MUG-M")["prices"] == {"eur": 950, "usd reg_us": 1300}
    assert trial.scalar("SELECT max(m.id) FROM money_amount m") == before
    links = "SELECT count(*) FROM product_variant_money_amount l LEFT JOIN money_amount m"
    assert trial.scalar(f"{links} ON m.id = l.money_amount_id WHERE m.id IS NULL") == 0


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("Price EUR", "10.500", "too_many_decimals"),
        ("Price EUR", "-1", "out_of_range"),
        ("Price EUR", "21474836.48", "out_of_range"),
        ("Price EUR", "1,5", "invalid_number"),
        ("Price XXX", "1", "unknown_currency"),
        ("Price EU [USD]", "1", "currency_mismatch"),
        ("Price Nowhere [EUR]", "1", "unknown_region"),
        ("Product Collection Handle", "none", "unknown_reference"),
        ("Sales Channel 1 Id", "none", "unknown_reference"),
        ("Product Status", "gone", "invalid_choice"),
        ("Option 1 Name", "Size", "missing_column"),
        ("Prodcut Title", "x", "unknown_column"),
    ],
)
def test_what_is_wrong_is_named_by_its_column(
    trial: Trial, column: str, cell: str, code: str
) -> None:
    """A cell, or the header, is refused with its own code, and nothing has changed."""
    before = products_of(trial.catalog)
    wrong = trial.run(f"Product Handle;Variant SKU;{column}\nh-a;MUG-S;{cell}\n")
    assert code in [each for _, _, each in errors_of(wrong)]
    assert products_of(trial.catalog) == before


def test_rows_of_a_product_may_stand_apart(trial: Trial) -> None:
    """A product's value is the one that is not empty; a second one is a conflict where it is."""
    names = "Product Handle;Product Title;Product Subtitle;Variant SKU;Option 1 Name;Option 1 Value"
    rows = ["new;New;;N1;Size;S", "pot;;;POT;;", "new;;Sub;N2;Size;M", "new;Newer;;N3;Size;L"]
    wrong = trial.run("\n".join([names, *rows]) + "\n")
    assert (5, "Product Title", "conflicting_value") in errors_of(wrong)
    good = trial.run("\n".join([names.replace("Product Title;", ""), *["h-a;S2;MUG-S;Size;S"]]))
    assert outcomes_of(good) == Outcomes(updated=1)


def test_a_new_product_has_all_that_a_shop_expects(trial: Trial) -> None:
    """Its profile, its type, tags and images that are made or shared, ranks, and its thumbnail."""
    names = "Product Handle;Product Title;Product Type;Product Tags;Image 10 Url;Image 2 Url;"
    names += "Variant SKU;Option 1 Name;Option 1 Value;Product Collection Title"
    rows = 'new;New;Cups;old, "a, b",x;https://a/2;https://a/1;N-S;Size;S;Spring\nnew;;;;;;N-M;Size;M;\n'
    rows = rows.replace('old, "a, b",x', '"old, ""a, b"",x"')
    assert outcomes_of(trial.run(f"{names}\n{rows}")) == Outcomes(created=2)
    state = trial.state("new")
    assert state.values["tags"] == ["a, b", "old", "x"]
    assert state.values["images"] == ["https://a/1", "https://a/2"]
    assert state.values["thumbnail"] == "https://a/1"
    assert (state.values["type"], state.values["collection_id"]) == ("Cups", "pcol_1")
    assert trial.scalar("SELECT count(*) FROM product_tag WHERE value = 'old'") == 1
    profiles = "SELECT profile_id FROM product_shipping_profile WHERE product_id"
    assert trial.scalar(f"{profiles} = '{state.id}'") == "sp_1"
    assert state.id.startswith("prod_")
    assert [v["title"] for v in state.variants.values()] == ["S", "M"]


def test_what_was_deleted_is_not_there(catalog_of: MakeCatalog, tmp_path: Path) -> None:
    """Handle and SKU of a product that was deleted softly are free for a new one."""
    shop = a_shop()
    shop.product("old", handle="gone", deleted_at=DELETED)
    shop.variant("prod_old", "old", sku="GONE", deleted_at=DELETED)
    trial = Trial(catalog_of(shop.tables), tmp_path)
    file = "Product Handle;Product Title;Variant Title;Variant SKU\ngone;New;V;GONE\n"
    assert outcomes_of(trial.run(file)) == Outcomes(created=1)
    trial.close()


def test_what_changed_since_is_not_overwritten(trial: Trial) -> None:
    """A product that somebody edited after the preview stays and is listed; the others are done."""
    file = "Product Handle;Product Title\nh-a;Cup\npot;Pan\n"
    job = trial.run(file, dry_run=True)
    assert trial.jobs is not None
    with trial.catalog.write() as connection:
        connection.execute(text("UPDATE product SET title = 'Mine' WHERE id = 'prod_a'"))
    trial.jobs.confirm(job.id)
    done = trial.jobs.work(job.id)
    assert outcomes_of(done) == Outcomes(updated=1, failed=1)
    assert errors_of(done) == [(2, None, "changed_since")]
    assert trial.state().values["title"] == "Mine"
    assert trial.state("pot").values["title"] == "Pan"


def test_a_key_that_was_taken_since_fails_its_product_alone(trial: Trial) -> None:
    """What the database refuses is found by halves, and reported by row."""
    names = "Product Handle;Product Title;Variant Title;Variant SKU"
    rows = "".join(f"n-{n};N;V;N-{n}\n" for n in range(8))
    job = trial.run(f"{names}\n{rows}", dry_run=True)
    assert trial.jobs is not None
    with trial.catalog.write() as connection:
        connection.execute(text("UPDATE product_variant SET sku = 'N-5' WHERE sku = 'POT'"))
    trial.jobs.confirm(job.id)
    done = trial.jobs.work(job.id)
    assert outcomes_of(done) == Outcomes(created=7, failed=1)
    assert errors_of(done) == [(7, None, "not_applied")]
    with trial.jobs.open_errors(done.id) as report:
        assert report.read().decode().splitlines()[1].startswith("n-5;N;V;N-5;")


def test_a_preview_names_the_columns(trial: Trial) -> None:
    """Each row shows what is there and what shall be, and the first numbers are of products."""
    file = "Product Handle;Product Title;Variant SKU;Price EUR\nh-a;Cup;MUG-S;11\nnew;New;N;1\n"
    job = trial.run(file.replace(";N;1", ";N;1"), dry_run=True)
    assert errors_of(job) == [(3, "Variant Title", "missing_value")]
    file = file.replace("Price EUR", "Price EUR;Variant Title").replace(";11", ";11;S")
    job = trial.run(file.replace(";N;1", ";N;1;V"), dry_run=True)
    assert job.result
    assert job.result.stat_descriptors[0].message == (
        "There will be 1 products created (1 updated). 1 variants will be created and 1 updated"
    )
    assert trial.jobs is not None
    first, second = trial.jobs.changes(job.id).changes
    assert (first.outcome, first.old, first.new) == (
        "updated",
        {"Product Title": "Mug", "Price EUR": "10"},
        {"Product Title": "Cup", "Price EUR": "11"},
    )
    assert second.outcome == "created"
    assert (second.new["Product Handle"], second.new["Variant SKU"]) == ("new", "N")


def test_products_with_errors_can_be_left_out(trial: Trial) -> None:
    """With skip_invalid all rows of such a product have failed, and the others are done."""
    names = "Product Handle;Product Title;Variant SKU;Variant Title;Option 1 Name;Option 1 Value"
    rows = "x;X;X1;A;Size;S\nx;X;X2;B;Color;Red\npot;Pan;POT;Pot;;\n"
    done = trial.run(f"{names}\n{rows}", skip_invalid=True)
    assert errors_of(done)[0] == (3, None, "options_mismatch")
    assert outcomes_of(done).failed == 2


def test_in_the_stores_own_database_changes_commit_with_their_chunk(tmp_path: Path) -> None:
    """A worker that dies before its commit leaves nothing of its chunk; the next one does it."""
    from batchjob.core import faults
    from batchjob.products.fill import fill
    from batchjob.products.tables import create_tables

    url = f"sqlite:///{tmp_path}/all.db"
    with BatchJobs.open(url, files=str(tmp_path / "files")) as jobs:
        catalog = Catalog(url)
        with catalog.engine.begin() as connection:
            create_tables(connection)
            fill(connection, a_shop().tables)
        rows = "".join(f"n-{n};N;V;N-{n}\n" for n in range(3))
        content = f"Product Handle;Product Title;Variant Title;Variant SKU\n{rows}".encode()
        key = jobs.upload(io.BytesIO(content), "a.csv").key
        job = jobs.create("product-import", {"fileKey": key})
        before, left = faults.point, [1]

        def point(reached: Any) -> None:
            if reached == "work.before_commit" and left:
                left.pop()
                raise OSError("it died")

        faults.point = point
        try:
            done = jobs.work(job.id)
        finally:
            faults.point = before
        assert outcomes_of(done) == Outcomes(created=3)
        assert len(products_of(catalog)) == 5
        catalog.close()


def test_another_database_is_applied_to_once_however_often(
    make_catalog: Callable[[str], MakeCatalog], tmp_path: Path
) -> None:
    """A chunk that is done twice, for its worker died after it, finds its own values."""
    from batchjob.core import faults

    trial = Trial(make_catalog("sqlite")(a_shop().tables), tmp_path)
    names = "Product Handle;Product Title;Variant Title;Variant SKU;Price EUR"
    job = trial.run(f"{names}\nn;N;V;N-1;5\nh-a;Cup;S;MUG-S;7\n", dry_run=True)
    assert trial.jobs is not None
    trial.jobs.confirm(job.id)
    before, left = faults.point, [1]

    def point(reached: Any) -> None:
        if reached == "work.before_commit" and left:
            left.pop()
            raise OSError("it died")

    faults.point = point
    try:
        done = trial.jobs.work(job.id)
    finally:
        faults.point = before
    assert outcomes_of(done) == Outcomes(created=1, updated=1)
    assert (trial.state().values["title"], trial.variant("MUG-S")["prices"]["eur"]) == ("Cup", 700)
    assert trial.scalar("SELECT count(*) FROM product WHERE handle = 'n'") == 1
    trial.close()


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("a,b", ["a", "b"]),
        (" a , b ,", ["a", "b"]),
        ('"a, b",c', ["a, b", "c"]),
        ('"say ""hi"""', ['say "hi"']),
        ('5" pipe,a', ['5" pipe', "a"]),
        ("one\ntwo,a", ["a", "one\ntwo"]),
        ('"a"b', ['"a"b']),
        (",,", []),
    ],
)
def test_tags_are_split_at_commas_that_are_not_quoted(
    trial: Trial, cell: str, tags: list[str]
) -> None:
    """Quoted ones stay whole, outer spaces do not count, and nothing is no tag."""
    quoted = '"' + cell.replace('"', '""') + '"'
    assert trial.run(f"Product Handle;Product Tags\nh-a;{quoted}\n").status == Status.COMPLETED
    assert trial.state().values["tags"] == tags


def test_a_product_that_is_there_gets_what_is_not_there_yet(trial: Trial) -> None:
    """A type, a tag and an image that are made for it are there before it names them."""
    names = "Product Id;Product Type;Product Tags;Image 1 Url"
    done = trial.run(f"{names}\nprod_a;Cups;new;https://a/new\nprod_b;Pots;new;https://a/new\n")
    assert outcomes_of(done) == Outcomes(updated=2)
    assert trial.state().values["type"] == "Cups"
    assert trial.state("pot").values["images"] == ["https://a/new"]
