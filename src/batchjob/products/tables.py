"""The tables of Medusa v1's layout that our jobs read and write.

Here belong columns, keys, defaults and indexes, as Medusa 1.20's own migrations make them, so
that a live Medusa database is read as it is. Its text-search indexes are left out: they need an
extension of PostgreSQL and no job of ours asks for them. Queries do not belong here.
"""

from typing import Any, Final

from sqlalchemy import (
    JSON,
    REAL,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Engine,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from batchjob.products.columns import STATUSES
from batchjob.products.times import Now, UtcTime

METADATA: Final = MetaData()
"""All tables below."""

_JSON: Final = JSON().with_variant(JSONB(), "postgresql")
_ALIVE: Final = text("deleted_at IS NULL")
_NO: Final = false()


def create_tables(bind: Engine | Connection) -> None:
    """Create on *bind* those tables, types and indexes of the layout that it does not have yet.

    Works on SQLite and PostgreSQL; a table that is there is left as it is.
    """
    METADATA.create_all(bind)


def _key(name: str = "id") -> Column[Any]:
    return Column(name, String, primary_key=True)


def _need(name: str, kind: TypeEngine[Any] | None = None, default: Any = None) -> Column[Any]:
    return Column(name, kind or String(), nullable=False, server_default=default)


def _link(name: str, to: str, *, null: bool = True, cascade: bool = False) -> Column[Any]:
    key = ForeignKey(to, ondelete="CASCADE" if cascade else None)
    return Column(name, String, key, nullable=null)


def _pair(name: str, to: str) -> Column[Any]:
    return Column(name, String, ForeignKey(to, ondelete="CASCADE"), primary_key=True)


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, String) for name in names]


def _numbers(*names: str) -> list[Column[Any]]:
    return [Column(name, Integer) for name in names]


def _enum(name: str, *values: str) -> Enum:
    return Enum(*values, name=name, create_constraint=True, metadata=METADATA)


def _stamps(*, soft: bool = True) -> list[Column[Any]]:
    made = [Column(n, UtcTime, nullable=False, server_default=Now()) for n in _MADE]
    return [*made, Column("deleted_at", UtcTime)] if soft else made


def _metadata() -> Column[Any]:
    return Column("metadata", _JSON)


def _unique(table: str, column: str) -> Index:
    """An index that keeps *column* unique among the rows that are not soft-deleted."""
    name = f"unique_{table}_{column}"
    return Index(name, column, unique=True, postgresql_where=_ALIVE, sqlite_where=_ALIVE)


_MADE: Final = ("created_at", "updated_at")
_STATUS: Final = _enum("product_status_enum", *STATUSES)
_PROFILE_TYPE: Final = _enum("shipping_profile_type_enum", "default", "gift_card", "custom")
_LIST_TYPE: Final = _enum("price_list_type_enum", "sale", "override")
_LIST_STATUS: Final = _enum("price_list_status_enum", "active", "draft")

CURRENCY: Final = Table(
    "currency",
    METADATA,
    _key("code"),
    _need("symbol"),
    _need("symbol_native"),
    _need("name"),
)
REGION: Final = Table(
    "region",
    METADATA,
    _key(),
    _need("name"),
    _link("currency_code", "currency.code", null=False),
    _need("tax_rate", REAL()),
    *_texts("tax_code"),
    *_stamps(),
    _metadata(),
    _need("gift_cards_taxable", Boolean(), true()),
    _need("automatic_taxes", Boolean(), true()),
    *_texts("tax_provider_id"),
    Index("ix_region_currency_code", "currency_code"),
)
SALES_CHANNEL: Final = Table(
    "sales_channel",
    METADATA,
    _key(),
    *_stamps(),
    _need("name"),
    *_texts("description"),
    _need("is_disabled", Boolean(), _NO),
    _metadata(),
)
SHIPPING_PROFILE: Final = Table(
    "shipping_profile",
    METADATA,
    _key(),
    _need("name"),
    _need("type", _PROFILE_TYPE),
    *_stamps(),
    _metadata(),
)
COLLECTION: Final = Table(
    "product_collection",
    METADATA,
    _key(),
    _need("title"),
    *_texts("handle"),
    *_stamps(),
    _metadata(),
    _unique("product_collection", "handle"),
)
TYPE: Final = Table("product_type", METADATA, _key(), _need("value"), *_stamps(), _metadata())
TAG: Final = Table("product_tag", METADATA, _key(), _need("value"), *_stamps(), _metadata())
IMAGE: Final = Table("image", METADATA, _key(), _need("url"), *_stamps(), _metadata())
CATEGORY: Final = Table(
    "product_category",
    METADATA,
    _key(),
    _need("name", Text()),
    _need("handle", Text()),
    *_texts("parent_category_id"),
    Column("mpath", Text),
    Column("is_active", Boolean, server_default=_NO),
    Column("is_internal", Boolean, server_default=_NO),
    *_stamps(soft=False),
    _need("rank", Integer(), "0"),
    _need("description", Text(), ""),
    _metadata(),
    CheckConstraint("rank >= 0", name="product_category_rank_check"),
    Index("unique_product_category_handle", "handle", unique=True),
    Index("ix_product_category_mpath", "mpath"),
    Index("unique_product_category_rank", "parent_category_id", "rank", unique=True),
)
PRODUCT: Final = Table(
    "product",
    METADATA,
    _key(),
    _need("title"),
    *_texts("subtitle", "description", "handle"),
    _need("is_giftcard", Boolean(), _NO),
    *_texts("thumbnail"),
    *_numbers("weight", "length", "height", "width"),
    *_texts("hs_code", "origin_country", "mid_code", "material"),
    *_stamps(),
    _metadata(),
    _link("collection_id", "product_collection.id"),
    _link("type_id", "product_type.id"),
    _need("discountable", Boolean(), true()),
    _need("status", _STATUS, "draft"),
    *_texts("external_id"),
    _unique("product", "handle"),
)
VARIANT: Final = Table(
    "product_variant",
    METADATA,
    _key(),
    _need("title"),
    _link("product_id", "product.id", null=False),
    *_texts("sku", "barcode", "ean", "upc"),
    _need("inventory_quantity", Integer()),
    _need("allow_backorder", Boolean(), _NO),
    _need("manage_inventory", Boolean(), true()),
    *_texts("hs_code", "origin_country", "mid_code", "material"),
    *_numbers("weight", "length", "height", "width"),
    *_stamps(),
    _metadata(),
    Column("variant_rank", Integer, server_default="0"),
    *(_unique("product_variant", name) for name in ("sku", "barcode", "ean", "upc")),
    Index("ix_product_variant_product_id", "product_id"),
)
OPTION: Final = Table(
    "product_option",
    METADATA,
    _key(),
    _need("title"),
    *_stamps(),
    _metadata(),
    _link("product_id", "product.id"),
    Index("ix_product_option_product_id", "product_id"),
)
OPTION_VALUE: Final = Table(
    "product_option_value",
    METADATA,
    _key(),
    _need("value"),
    _link("option_id", "product_option.id", null=False),
    _link("variant_id", "product_variant.id", null=False, cascade=True),
    *_stamps(),
    _metadata(),
    Index("ix_product_option_value_option_id", "option_id"),
    Index("ix_product_option_value_variant_id", "variant_id"),
)
PRICE_LIST: Final = Table(
    "price_list",
    METADATA,
    _key(),
    _need("name"),
    _need("description"),
    _need("type", _LIST_TYPE, "sale"),
    _need("status", _LIST_STATUS, "draft"),
    Column("starts_at", UtcTime),
    Column("ends_at", UtcTime),
    *_stamps(),
)
MONEY_AMOUNT: Final = Table(
    "money_amount",
    METADATA,
    _key(),
    _link("currency_code", "currency.code", null=False),
    _need("amount", Integer()),
    _link("region_id", "region.id"),
    *_stamps(),
    *_numbers("min_quantity", "max_quantity"),
    _link("price_list_id", "price_list.id", cascade=True),
    Index("ix_money_amount_currency_code", "currency_code"),
    Index("ix_money_amount_region_id", "region_id"),
    Index("ix_money_amount_price_list_id", "price_list_id"),
)
VARIANT_PRICE: Final = Table(
    "product_variant_money_amount",
    METADATA,
    _key(),
    _need("money_amount_id", Text()),
    _need("variant_id", Text()),
    Column("deleted_at", UtcTime),
    *_stamps(soft=False),
    Index("unique_product_variant_money_amount_money_amount_id", "money_amount_id", unique=True),
    Index("ix_product_variant_money_amount_variant_id", "variant_id"),
)
PRODUCT_IMAGES: Final = Table(
    "product_images",
    METADATA,
    _pair("product_id", "product.id"),
    _pair("image_id", "image.id"),
    Index("ix_product_images_image_id", "image_id"),
)
PRODUCT_TAGS: Final = Table(
    "product_tags",
    METADATA,
    _pair("product_id", "product.id"),
    _pair("product_tag_id", "product_tag.id"),
    Index("ix_product_tags_product_tag_id", "product_tag_id"),
)
PRODUCT_CHANNEL: Final = Table(
    "product_sales_channel",
    METADATA,
    _pair("product_id", "product.id"),
    _pair("sales_channel_id", "sales_channel.id"),
    Index("ix_product_sales_channel_sales_channel_id", "sales_channel_id"),
)
PRODUCT_PROFILE: Final = Table(
    "product_shipping_profile",
    METADATA,
    _need("profile_id", Text()),
    _need("product_id", Text()),
    Index("unique_product_shipping_profile", "profile_id", "product_id", unique=True),
    Index("ix_product_shipping_profile_product_id", "product_id"),
)
PRODUCT_CATEGORY: Final = Table(
    "product_category_product",
    METADATA,
    _link("product_category_id", "product_category.id", null=False, cascade=True),
    _link("product_id", "product.id", null=False, cascade=True),
    Index("unique_product_category_product", "product_category_id", "product_id", unique=True),
    Index("ix_product_category_product_product_id", "product_id"),
)
STAGED_JOB: Final = Table(
    "staged_job",
    METADATA,
    _key(),
    _need("event_name"),
    _need("data", _JSON),
    _need("options", _JSON, "{}"),
)
