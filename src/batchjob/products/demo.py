"""Catalogues made up for a first try: believable goods with a few awkward texts.

Here belong the words and the dice; what a catalogue's tables are does not, nor how they are
filled. A catalogue is the same for the same arguments, on every machine. Catalogues for
benchmarks are in `batchjob.products.bench`.
"""

import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from batchjob.products.fill import Rows, Tables

_START: Final = datetime(2024, 1, 1, tzinfo=UTC)

_COLUMNS: Final = {
    "region": "id name currency_code tax_rate",
    "sales_channel": "id name description created_at",
    "product_collection": "id title handle created_at",
    "product_type": "id value created_at",
    "product_tag": "id value created_at",
    "image": "id url created_at",
    "product": "id title subtitle description handle thumbnail weight length height width hs_code "
    "origin_country mid_code material created_at updated_at collection_id type_id discountable "
    "status external_id",
    "product_variant": "id title product_id sku barcode inventory_quantity allow_backorder "
    "manage_inventory weight created_at updated_at variant_rank",
    "product_option": "id title product_id created_at",
    "product_option_value": "id value option_id variant_id created_at",
    "money_amount": "id currency_code amount region_id created_at",
    "product_variant_money_amount": "id money_amount_id variant_id created_at",
    "product_images": "product_id image_id",
    "product_tags": "product_id product_tag_id",
    "product_sales_channel": "product_id sales_channel_id",
}


@attrs.frozen
class _Kind:
    """A kind of goods: its noun, type, options with their values, materials, price in units."""

    noun: str
    type: str
    options: tuple[tuple[str, tuple[str, ...]], ...]
    materials: tuple[str, ...]
    price: int


_SIZE: Final = ("Size", ("S", "M", "L", "XL"))
_COLOR: Final = ("Color", ("Black", "Sand", "Forêt", "Navy Blue"))
_KINDS: Final = (
    _Kind("T-Shirt", "Apparel", (_SIZE, _COLOR), ("organic cotton", "hemp; cotton"), 29),
    _Kind("Sweater", "Apparel", (_SIZE, _COLOR), ("100% merino wool", "recycled wool"), 119),
    _Kind("Rain Jacket", "Apparel", (_SIZE,), ("recycled polyester",), 189),
    _Kind("Sneaker", "Footwear", (("Size", ("38", "40", "42", "44")),), ("leather", "canvas"), 99),
    _Kind("Mug", "Kitchen", (_COLOR,), ("stoneware", "enamel"), 18),
    _Kind("Teapot", "Kitchen", (), ("glass", "cast iron"), 64),
    _Kind("Desk Lamp", "Décor", (("Finish", ("Brass", "Matt White")),), ("steel", "oak"), 149),
    _Kind("Notebook", "Stationery", (("Ruling", ("Lined", "Dotted", "Plain")),), ("paper",), 14),
    _Kind("Backpack", "Bags", (_COLOR,), ("waxed canvas", "nylon"), 139),
)
_FIRST: Final = (
    *("Alpine", "Amber", "Atelier", "Café", "Classic", "Coastal", "Daily", "Ember", "Fjord"),
    *("Harbour", "Heritage", "Indigo", "Juniper", "Kyoto", "Linden", "Meadow", "Nordic"),
    *("Prairie", "Quiet", "Rosé", "Sierra", "Studio", "Tundra", "Verona", "Willow"),
)
_TEXTS: Final = (
    "Made to last, and easy to mend.",
    'Our "everyday" piece; light, quiet, hard-wearing.',
    "Line one: soft.\nLine two: strong.",
    "Ideal para el verano: fresco, cómodo y ligero 🌞",
    "手作りの品。",
    "Wash cold; dry flat.",
    "+ repairs for life",
)
_SUBTITLES: Final = (None, None, "New this season", "Last year's favourite", '12" tall', "- 20 %")
_TAGS: Final = (
    *("basic", "eco", "gift", "men", "new", "outlet", "sale", "summer", "travel", "women"),
    *("été", "slow, local"),
)
_COLLECTIONS: Final = ("Spring", "Summer", "Autumn", "Winter", "Essentials", "Café", "Night Shift")
_CHANNELS: Final = (
    ("Web Store", "The public storefront"),
    ("B2B, Wholesale", "Business customers; net 30"),
    ("Point of Sale", None),
)
_REGIONS: Final = (("EU", "eur"), ("North America", "usd"), ("Japan", "jpy"))
_RATES: Final = {"usd": 109, "eur": 100, "gbp": 86, "jpy": 160}
"""Minor units of each currency for one unit of a kind's price (yen have no minor unit)."""


def demo_catalog(products: int, *, seed: int = 1) -> Tables:
    """Return a catalogue of so many *products*, as `batchjob.products.fill.fill` takes it.

    Each has one to four variants, prices in up to four currencies and three regions, tags,
    channels and images; about one in eight is a draft. The same *seed* gives the same catalogue.
    """
    dice = random.Random(seed)  # noqa: S311  goods, not secrets
    shop = _Shop(dice=dice)
    shop.furnish()
    for number in range(products):
        shop.add_product(number)
    return {
        table: Rows(columns=columns.split(), rows=shop.rows[table])
        for table, columns in _COLUMNS.items()
    }


def _slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-")


def _id(prefix: str, number: int) -> str:
    return f"{prefix}_01HK153X{number:018d}"


def _time(seconds: float) -> str:
    return (_START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


@attrs.define
class _Shop:
    """A catalogue in the making: its rows so far, and the dice."""

    dice: random.Random
    rows: dict[str, list[Sequence[str | None]]] = attrs.field(
        factory=lambda: {table: [] for table in _COLUMNS}
    )

    def add(self, table: str, prefix: str, *cells: str | None) -> str:
        """Add a row to *table*, and return the id it got."""
        made = _id(prefix, len(self.rows[table]))
        self.rows[table].append((made, *cells))
        return made

    def furnish(self) -> None:
        """Add what products share."""
        for at, (name, currency) in enumerate(_REGIONS):
            self.rows["region"].append((_id("reg", at), name, currency, "0"))
        for at, (channel, text) in enumerate(_CHANNELS):
            self.add("sales_channel", "sc", channel, text, _time(at))
        for at, name in enumerate(_COLLECTIONS):
            self.add("product_collection", "pcol", name, _slug(name), _time(at))
        for at, name in enumerate(sorted({kind.type for kind in _KINDS})):
            self.add("product_type", "ptyp", name, _time(at))
        for at, name in enumerate(_TAGS):
            self.add("product_tag", "ptag", name, _time(at))

    def add_product(self, number: int) -> None:
        """Add product *number* (from 0) and all that hangs on it."""
        dice, kind = self.dice, self.dice.choice(_KINDS)
        material = dice.choice(kind.materials)
        title = f"{dice.choice(_FIRST)} {kind.noun}"
        handle = f"{_slug(title)}-{number + 1}"
        urls = [f"https://cdn.example.com/{handle}/{n + 1}.jpg" for n in range(dice.randrange(4))]
        numbers = self._numbers()
        texts = (title, dice.choice(_SUBTITLES), dice.choice((*_TEXTS, None)), handle)
        origin = (
            f"{dice.randrange(10**6):06d}",
            dice.choice(("de", "jp", "pl", "pt", "us", None)),
            dice.choice((None, f"MID{dice.randrange(100):02d}")),
            material,
        )
        now = _time(60 * number)
        links = (self._some("product_collection"), self._type(kind.type))
        status = dice.choices(("published", "draft", "proposed"), (16, 2, 1))[0]
        rest = (dice.choice("tttf"), status, dice.choice((None, f"ERP-{number + 1:05d}")))
        thumbnail = urls[0] if urls else None
        product = self.add(
            "product", "prod", *texts, thumbnail, *numbers, *origin, now, now, *links, *rest
        )
        self._hang(product, urls, now)
        self._add_variants(product, number, kind)

    def _numbers(self) -> list[str | None]:
        dice = self.dice
        return [dice.choice((None, str(dice.randrange(10, 900)))) for _ in range(4)]

    def _some(self, table: str) -> str | None:
        rows = self.rows[table]
        return self.dice.choice([*(row[0] for row in rows), None])

    def _type(self, value: str) -> str | None:
        return next(row[0] for row in self.rows["product_type"] if row[1] == value)

    def _hang(self, product: str, urls: Sequence[str], now: str) -> None:
        for url in urls:
            image = self.add("image", "img", url, now)
            self.rows["product_images"].append((product, image))
        for table, source, most in (
            ("product_tags", "product_tag", 3),
            ("product_sales_channel", "sales_channel", 2),
        ):
            for row in self.dice.sample(self.rows[source], self.dice.randint(0, most)):
                self.rows[table].append((product, row[0]))

    def _add_variants(self, product: str, number: int, kind: _Kind) -> None:
        dice, seconds = self.dice, 60 * number
        options = [
            self.add("product_option", "opt", title, product, _time(seconds + at))
            for at, (title, _) in enumerate(kind.options)
        ]
        for rank in range(dice.randint(1, 4) if options else 1):
            values = [texts[(rank + at) % len(texts)] for at, (_, texts) in enumerate(kind.options)]
            now = _time(seconds + rank)
            stock = (str(dice.randrange(250)), dice.choice("fft"), dice.choice("tttf"))
            variant = self.add(
                "product_variant",
                "variant",
                " / ".join(values) or "One size",
                product,
                f"{kind.noun[:3].upper()}-{number + 1:05d}-{rank}",
                dice.choice((None, f"40{number:09d}{rank:02d}")),
                *stock,
                dice.choice((None, str(dice.randrange(50, 2000)))),
                now,
                now,
                str(rank),
            )
            for option, value in zip(options, values, strict=True):
                self.add("product_option_value", "optval", value, option, variant, now)
            self._add_prices(variant, kind, now)

    def _add_prices(self, variant: str, kind: _Kind, now: str) -> None:
        dice, units = self.dice, self.dice.randint(kind.price * 8, kind.price * 12)
        prices: list[tuple[str, str | None]] = [("usd", None), ("eur", None)]
        prices += [(code, None) for code in ("gbp", "jpy") if dice.random() < 1 / 2]
        regions = [row for row in self.rows["region"] if dice.random() < 1 / 5]
        prices += [(str(row[2]), row[0]) for row in regions]
        for code, region in prices:
            amount = str(units * _RATES[code] // 10)
            money = self.add("money_amount", "ma", code, amount, region, now)
            self.add("product_variant_money_amount", "pvma", money, variant, now)
