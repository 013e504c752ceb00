"""Files of products as laws of imports draw them, and a catalogue to import them into."""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

from hypothesis import strategies as st
from sqlalchemy import inspect, text

from batchjob import BatchJob, BatchJobs, Change
from batchjob.products.states import Asker, read_states
from products.conftest import MakeCatalog
from products.shops import Shop

Row = Mapping[str, str]
MakeCatalogs = Callable[[str], MakeCatalog]

DATABASES: Final = {"sqlite": 20, "postgresql": 6}
"""How many examples are tried on each database."""

_TEXTS: Final = st.sampled_from(["", "A", "b;c", 'say "so"', "=1+1", "é\n🛍"])
_NAMES: Final = _TEXTS.filter(bool)
_OF_PRODUCT: Final[Mapping[str, st.SearchStrategy[str]]] = {
    "Product Subtitle": _TEXTS,
    "Product Status": st.sampled_from(["", "draft", "Published"]),
    "Product Weight": st.sampled_from(["", "0", "12"]),
    "Product Type": st.sampled_from(["", "Cups", "Pots"]),
    "Product Tags": st.sampled_from(["", "x", "x,y", '"a, b",y']),
    "Product Collection Handle": st.sampled_from(["", "spring"]),
    "Image 1 Url": st.sampled_from(["", "https://a/1", "https://a/2"]),
    "Image 2 Url": st.sampled_from(["", "https://a/2", "https://a/3"]),
    "Sales Channel 1 Name": st.sampled_from(["", "Web"]),
}
_OF_VARIANT: Final[Mapping[str, st.SearchStrategy[str]]] = {
    "Variant Title": _TEXTS,
    "Variant Inventory Quantity": st.sampled_from(["", "0", "7", "-3"]),
    "Variant Allow Backorder": st.sampled_from(["", "true", "FALSE"]),
    "Price EUR": st.sampled_from(["", "1", "2.50", "0"]),
    "Price EU [EUR]": st.sampled_from(["", "3"]),
}
_WRONG: Final = {
    "Product Status": "sold",
    "Product Collection Handle": "none",
    "Variant Inventory Quantity": "1.5",
    "Price EUR": "1,5",
    "Product Title": "",
}


@st.composite
def products(draw: st.DrawFn, *, faults: bool = False) -> list[list[Row]]:
    """Products of one file, each as its rows; with *faults* some cells may be wrong."""
    of_product = draw(st.sets(st.sampled_from(list(_OF_PRODUCT))))
    of_variant = draw(st.sets(st.sampled_from(list(_OF_VARIANT))))
    handles = draw(st.lists(st.sampled_from("abcd"), unique=True, min_size=1, max_size=3))
    return [
        draw(_rows(handle, sorted(of_product), sorted(of_variant), faults=faults))
        for handle in handles
    ]


@st.composite
def _rows(
    draw: st.DrawFn,
    handle: str,
    of_product: Sequence[str],
    of_variant: Sequence[str],
    *,
    faults: bool,
) -> list[Row]:
    product = {name: draw(_OF_PRODUCT[name]) for name in of_product}
    product["Product Title"] = draw(_NAMES)
    sizes = draw(st.lists(st.sampled_from("SML"), unique=True, min_size=1, max_size=3))
    said = draw(st.sampled_from(range(len(sizes))))  # in which row the product is told of
    repeated = draw(st.booleans())
    rows = list[Row]()
    for number, size in enumerate(sizes):
        row = {"Product Handle": handle, "Option 1 Name": "Size", "Option 1 Value": size}
        row["Variant SKU"] = draw(st.sampled_from(["", f"{handle}-{size}"]))
        row |= {name: draw(_OF_VARIANT[name]) for name in of_variant}
        row |= {
            name: value if repeated or number == said else "" for name, value in product.items()
        }
        if faults and draw(st.booleans()):
            name = draw(st.sampled_from([name for name in _WRONG if name in row]))
            row[name] = _WRONG[name]
        rows.append(row)
    return rows


def as_file(rows: Sequence[Row]) -> bytes:
    """Return the rows as a file."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, rows[0].keys(), delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def flat(found: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the rows of products, one after the other."""
    return [row for rows in found for row in rows]


class Trial:
    """An empty catalogue on one database, with what products share, and imports into it."""

    def __init__(self, make: MakeCatalog) -> None:
        shop = Shop()
        shop.add("shipping_profile", id="sp_1", name="Default", type="default")
        shop.region("eu", "EU", "eur")
        shop.add("product_collection", id="pcol_1", title="Spring", handle="spring")
        shop.add("sales_channel", id="sc_1", name="Web", is_disabled=False)
        self.catalog = make(shop.tables)
        self._folder = TemporaryDirectory()
        url = self.catalog.engine.url
        given = f"sqlite:///{url.database}".replace("file:", "").partition("?")[0]
        if url.drivername != "sqlite":
            given = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self.jobs = BatchJobs.open("memory:", files=self._folder.name, catalog=given)
        self._file = given.removeprefix("sqlite:///")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.jobs.close()
        self.catalog.close()
        self._folder.cleanup()

    def run(self, rows: Sequence[Row], *, dry_run: bool = False, **context: Any) -> BatchJob:
        """Import rows, or look at what they would change."""
        key = self.jobs.upload(io.BytesIO(as_file(rows)), "a.csv").key
        job = self.jobs.create("product-import", {"fileKey": key, **context}, dry_run=dry_run)
        return self.jobs.work(job.id)

    def changes(self, job: BatchJob) -> list[Change]:
        """Return what a job would change, or did, by row."""
        return sorted(self.jobs.changes(job.id, limit=100).changes, key=lambda change: change.row)

    def content(self) -> dict[str, Any]:
        """Return the products by handle, their variants by option, all without ids and ranks."""
        with self.catalog.read() as connection:
            ids = [row[0] for row in connection.execute(text("SELECT id FROM product"))]
            states = read_states(Asker(connection), ids)
        return {
            state.values["handle"]: {
                **state.values,
                "variants": {each["options"]["Size"]: each for each in state.variants.values()},
            }
            for state in states.values()
        }

    def digest(self) -> str:
        """Return a digest of the database: of the file, or of all rows with their versions."""
        if self.catalog.engine.dialect.name == "sqlite":
            return hashlib.sha256(Path(self._file).read_bytes()).hexdigest()
        found = hashlib.sha256()
        with self.catalog.read() as connection:
            for table in inspect(connection).get_table_names():
                rows = connection.execute(text(f'SELECT xmin, x.* FROM "{table}" x'))  # noqa: S608
                found.update(repr(sorted(map(repr, rows))).encode())
        return found.hexdigest()
