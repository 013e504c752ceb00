"""An export that is imported as it is changes nothing, whatever texts are in it."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from batchjob import BatchJobs, Status
from batchjob.products.fill import fill
from batchjob.products.tables import create_tables
from products.shops import Shop

WORDS = st.text(st.sampled_from("ab=+-@'\",;|\n\té🛍 \\\x07\x85\u200b"), max_size=6)
TEXTS = WORDS.filter(lambda text: text.strip() != "")
MAYBE = st.none() | WORDS
KEYS = st.text(st.sampled_from("ab=+-'\",;é🛍 \x07\u200b"), min_size=1, max_size=4).filter(str.strip)


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    """Catalogues that a file can say: unique keys, and whole sets of options."""
    shop = Shop()
    shop.add("shipping_profile", id="sp_1", name="Default", type="default")
    shop.region("eu", "E U", "eur")
    handles = draw(st.lists(KEYS, unique=True, max_size=3))
    skus = iter(draw(st.lists(KEYS, unique=True, min_size=9, max_size=9)))
    for number, handle in enumerate(handles):
        texts = {n: draw(MAYBE) for n in ("subtitle", "description", "thumbnail", "material")}
        flags = {
            "discountable": draw(st.booleans()),
            "weight": draw(st.none() | st.integers(-9, 9)),
        }
        product = shop.product(f"p{number}", handle=handle, title=draw(WORDS), **texts, **flags)
        for tag in draw(st.lists(TEXTS, unique=True, max_size=2)):
            shop.linked("tag", product, value=tag)
        for url in draw(st.lists(WORDS, unique=True, max_size=2)):
            shop.linked("image", product, url=url)
        titles = draw(st.lists(TEXTS, unique=True, max_size=2))
        options = [shop.option(product, title) for title in titles]
        values = st.tuples(*(TEXTS for _ in titles))
        most = 3 if titles else 1
        for choice in draw(st.lists(values, unique=True, min_size=1, max_size=most)):
            sku = draw(st.none() | st.just(next(skus)))
            stock = draw(st.integers(-3, 3))
            variant = shop.variant(product, title=draw(WORDS), sku=sku, inventory_quantity=stock)
            for option, value in zip(options, choice, strict=True):
                shop.value(option, variant, value)
            for code, region in (("eur", None), ("eur", "reg_eu"), ("jpy", None)):
                if draw(st.booleans()):
                    amount = draw(st.integers(-99, 10**6))
                    shop.price(variant, code, amount, region_id=region)
    return shop


@settings(max_examples=40, deadline=None)
@given(shop=shops(), escaped=st.booleans())
def test_an_export_given_back_is_all_unchanged(shop: Shop, *, escaped: bool) -> None:
    """Every row is unchanged, with formulas escaped and without."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder, 'shop.db')}"
        engine = create_engine(url)
        with engine.begin() as connection:
            create_tables(connection)
            fill(connection, shop.tables)
        engine.dispose()
        with BatchJobs.open("memory:", files=str(Path(folder, "files")), catalog=url) as jobs:
            asked = {"escape_formulas": escaped}
            done = jobs.work(jobs.create("product-export", asked).id)
            with jobs.open_result(done.id) as file:
                exported = file.read()
            key = jobs.upload(io.BytesIO(exported), "again.csv").key
            back = jobs.work(jobs.create("product-import", {"fileKey": key, **asked}).id)
            assert back.status == Status.COMPLETED, (back.result, exported)
            assert back.result
            outcomes = back.result.outcomes
            if outcomes is not None:
                assert outcomes.total == outcomes.unchanged, list(jobs.changes(back.id).changes)
