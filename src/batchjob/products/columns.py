"""Names that more than one module of this room goes by: columns, kinds, currencies.

Here belong constants of Medusa v1's layout and files, without any code that reads a database, so
that checking a context needs no SQLAlchemy.
"""

from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["text", "integer", "boolean", "time", "status"]

STATUSES: Final = ("draft", "proposed", "published", "rejected")
"""What a product's status can be."""

PRODUCT_COLUMNS: Final[Mapping[str, Kind]] = {
    "id": "text",
    "title": "text",
    "subtitle": "text",
    "description": "text",
    "handle": "text",
    "is_giftcard": "boolean",
    "thumbnail": "text",
    "weight": "integer",
    "length": "integer",
    "height": "integer",
    "width": "integer",
    "hs_code": "text",
    "origin_country": "text",
    "mid_code": "text",
    "material": "text",
    "created_at": "time",
    "updated_at": "time",
    "collection_id": "text",
    "type_id": "text",
    "discountable": "boolean",
    "status": "status",
    "external_id": "text",
}
"""Columns of table ``product`` that a user may filter and order by, with what they hold.

Not ``metadata`` (JSON has no order) and not ``deleted_at`` (what is deleted is never exported).
"""

ZERO_DECIMAL: Final = frozenset(
    {
        *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
        *("pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"),
    }
)
"""Currencies whose minor unit is the unit itself (Medusa v1's own list)."""
