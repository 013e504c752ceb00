"""A product import whose worker is killed leaves the catalogue that a quiet one leaves."""

import io
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import create_engine, text

from batchjob import Outcomes, Status
from batchjob.products.fill import fill
from batchjob.products.tables import create_tables
from products.dying import opened
from products.test_import_rules import a_shop

POINTS: Final = (
    ("claim.after_commit", 2),
    ("plan.rows_inserted", 1),
    ("work.before_commit", 1),
    ("work.before_commit", 3),
    ("work.after_commit", 2),
    ("finish.before_commit", 1),
)
NAMES: Final = (
    "Product Handle;Product Title;Product Tags;Image 1 Url;Variant Title;Variant SKU;Price EUR"
)
ROWS: Final = "".join(
    f"n-{n};New {n};t{n % 2},x;https://a/{n % 3};V{v};N-{n}-{v};{n}.5\n"
    for n in range(5)
    for v in range(2)
)
FILE: Final = f"{NAMES}\n{ROWS}h-a;Cup;;;S;MUG-S;7\npot;Pan;x;;Pot;POT;\n".encode()
CONTENT: Final = (
    "SELECT handle, title FROM product ORDER BY 1",
    (
        "SELECT p.handle, v.title, v.sku, v.variant_rank FROM product_variant v"
        " JOIN product p ON p.id = v.product_id ORDER BY 1, 3"
    ),
    (
        "SELECT v.sku, m.currency_code, m.amount FROM product_variant_money_amount l"
        " JOIN money_amount m ON m.id = l.money_amount_id"
        " JOIN product_variant v ON v.id = l.variant_id ORDER BY 1, 2, 3"
    ),
    (
        "SELECT p.handle, t.value FROM product_tags l JOIN product p ON p.id = l.product_id"
        " JOIN product_tag t ON t.id = l.product_tag_id ORDER BY 1, 2"
    ),
    (
        "SELECT p.handle, i.url FROM product_images l JOIN product p ON p.id = l.product_id"
        " JOIN image i ON i.id = l.image_id ORDER BY 1, 2"
    ),
    "SELECT count(*) FROM money_amount",
    "SELECT value FROM product_tag ORDER BY 1",
    "SELECT count(*) FROM product_shipping_profile",
)


def shop(url: str) -> None:
    """Make a catalogue."""
    engine = create_engine(url)
    with engine.begin() as connection:
        create_tables(connection)
        fill(connection, a_shop().tables)
    engine.dispose()


def content(url: str) -> list[Any]:
    """Return all that an import could have changed."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = [connection.execute(text(sql)).all() for sql in CONTENT]
    engine.dispose()
    return found


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What a quiet import leaves."""
    folder = tmp_path_factory.mktemp("quiet")
    url = f"sqlite:///{folder}/shop.db"
    shop(url)
    with opened("memory:", url, str(folder)) as jobs:
        key = jobs.upload(io.BytesIO(FILE), "a.csv").key
        assert jobs.work(jobs.create("product-import", {"fileKey": key}).id).status == "completed"
    return content(url)


@pytest.mark.parametrize("same", [True, False], ids=["same", "apart"])
@pytest.mark.parametrize(("point", "times"), POINTS)
def test_a_kill_at_any_point_leaves_what_a_quiet_import_leaves(
    quiet: list[Any], tmp_path: Path, point: str, times: int, *, same: bool
) -> None:
    """Wherever it is killed, and whether the catalogue is in the store's database or in another."""
    store = f"sqlite:///{tmp_path}/jobs.db"
    catalog = store if same else f"sqlite:///{tmp_path}/shop.db"
    with opened(store, catalog, str(tmp_path)) as jobs:
        shop(catalog)
        key = jobs.upload(io.BytesIO(FILE), "a.csv").key
        job = jobs.create("product-import", {"fileKey": key})
        code = f"import_until_killed({store!r}, {catalog!r}, {str(tmp_path)!r}, {point!r}, {times})"
        code = f"from products.dying import import_until_killed; {code}"
        tests = Path(__file__).parents[1]
        killed = subprocess.run([sys.executable, "-c", code], cwd=tests, check=False)
        assert killed.returncode == -9
        done = jobs.work(job.id)
        assert done.status == Status.COMPLETED, done.result
        assert done.result
        assert done.result.outcomes == Outcomes(created=10, updated=2)
    assert content(catalog) == quiet
    shutil.rmtree(tmp_path / "files")
