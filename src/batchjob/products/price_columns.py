"""The columns of prices in files: how they are called, and what may stand in them.

``Price EUR`` is a currency's price, ``Price EU [EUR]`` a region's. Which currencies and regions
there are is the catalogue's to say. A price is kept in minor units under a key: ``eur``, or
``eur reg_1`` for a region.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from batchjob.products.columns import ZERO_DECIMAL
from batchjob.products.rows import price_text
from batchjob.products.states import Known
from batchjob.tabular import CellFault, Column, decimal
from batchjob.tabular.records import show

INT4: Final = 2**31 - 1
"""The largest number that Medusa's integer columns hold."""

_REGION_PRICE: Final = re.compile(r"price (.+) \[([a-z]{3})\]", re.IGNORECASE | re.DOTALL)
_PRICE: Final = re.compile(r"price ([a-z]{3})", re.IGNORECASE)


def price_column(name: str, known: Known) -> Column | None:
    """Return the column of prices that is called *name*; None if it is none.

    `CellFault` for a currency or region that the catalogue has not, or that do not fit together.
    """
    if (found := _REGION_PRICE.fullmatch(name)) is not None:
        return _region_price(found[1], found[2].lower(), known)
    if (found := _PRICE.fullmatch(name)) is None:
        return None
    code = found[1].lower()
    if code not in known.currencies:
        message = f"the catalogue has no currency {code.upper()}"
        raise CellFault("unknown_currency", message, found=code)
    return Column(name=f"Price {code.upper()}", convert=_price(code), is_text=False)


def price_names(known: Known) -> Sequence[str]:
    """Return the names of all columns of prices that there can be."""
    regions = [f"Price {name} [{code.upper()}]" for name, (_, code) in known.regions.items()]
    return [*(f"Price {code.upper()}" for code in sorted(known.currencies)), *regions]


def price_key(name: str, known: Known) -> str | None:
    """Return the key in ``prices`` of a column that `price_column` found; None for others."""
    if (found := _REGION_PRICE.fullmatch(name)) is not None:
        return f"{found[2].lower()} {known.regions[found[1]][0]}"
    found = _PRICE.fullmatch(name)
    return None if found is None else found[1].lower()


def price_label(key: str) -> str:
    """Return what people are shown for the key of a price."""
    code, _, region = key.partition(" ")
    return f"Price {code.upper()}" + (f" ({region})" if region else "")


def price_cell(key: str, amount: int | None) -> str | None:
    """Return an amount as it stands in a file."""
    return None if amount is None else price_text(amount, key[:3])


def _region_price(region: str, code: str, known: Known) -> Column:
    found = known.regions.get(region)
    if found is None:
        message = f"the catalogue has no region {show(region)}"
        raise CellFault("unknown_region", message, found=region[:100])
    if found[1] != code:
        message = f"the region {show(region)} has the currency {found[1].upper()}"
        raise CellFault("currency_mismatch", message, found=code, expected=found[1])
    name = f"Price {region} [{code.upper()}]"
    return Column(name=name, convert=_price(code), is_text=False)


def _price(code: str) -> Callable[[str], Any]:
    decimals = 0 if code in ZERO_DECIMAL else 2
    read, unit = decimal(digits=12, decimals=decimals), 10**decimals
    is_usual = re.compile(rf"([0-9]{{1,6}})\.([0-9]{{{decimals}}})" if decimals else "([0-9]{1,6})")

    def convert(cell: str) -> int:
        if (usual := is_usual.fullmatch(cell)) is not None:
            return int("".join(usual.groups()))
        value: Decimal = read(cell)
        minor = int(value * unit)
        if minor > INT4:
            most = f"{Decimal(INT4) / unit:f}"
            raise CellFault("out_of_range", f"{show(cell)} is too large; {most} is the most")
        return minor

    return convert
