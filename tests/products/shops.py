"""Small catalogues, put together thing by thing; what is not said has a plain default."""

from collections import defaultdict
from typing import Any

from batchjob.products.fill import Rows, Tables


def at(second: float) -> str:
    """A time, so many seconds into 2024."""
    return f"2024-01-01 00:{int(second) // 60:02d}:{second % 60:06.3f}+00"


DELETED = at(59)


class Shop:
    """A catalogue in the making; each method adds one row and returns its id."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)

    @property
    def tables(self) -> Tables:
        """The catalogue, as `fill` takes it."""
        tables = {}
        for name, rows in self.rows.items():
            columns = list(dict.fromkeys(key for row in rows for key in row))
            cells = [[_text(row.get(key)) for key in columns] for row in rows]
            tables[name] = Rows(columns=columns, rows=cells)
        return tables

    def add(self, table: str, **row: Any) -> str:
        """Add a row to any table."""
        self.rows[table].append(row)
        return str(row.get("id", ""))

    def product(self, key: str = "a", **row: Any) -> str:
        """Add a product whose id is ``prod_KEY``."""
        number = len(self.rows["product"])
        base = {"id": f"prod_{key}", "title": f"Title {key}", "handle": f"h-{key}"}
        fixed = {"discountable": True, "status": "published", "is_giftcard": False}
        return self.add("product", **{**base, **fixed, "created_at": at(number), **row})

    def variant(self, product: str = "prod_a", key: str | None = None, **row: Any) -> str:
        """Add a variant, by default the next one by rank."""
        number = len(self.rows["product_variant"])
        base = {"id": f"variant_{key or number}", "title": "V", "product_id": product}
        stock = {"inventory_quantity": 0, "allow_backorder": False, "manage_inventory": True}
        more = {"variant_rank": number, "created_at": at(number)}
        return self.add("product_variant", **{**base, **stock, **more, **row})

    def price(self, variant: str, code: str, amount: int, **row: Any) -> str:
        """Add a price of a variant."""
        number = len(self.rows["money_amount"])
        link = {"id": f"pvma_{number}", "variant_id": variant, "deleted_at": row.pop("cut", None)}
        self.add("product_variant_money_amount", money_amount_id=f"ma_{number}", **link)
        base = {"id": f"ma_{number}", "currency_code": code, "amount": amount}
        return self.add("money_amount", **{**base, "created_at": at(number), **row})

    def region(self, key: str, name: str, code: str, **row: Any) -> str:
        """Add a region whose id is ``reg_KEY``."""
        base = {"id": f"reg_{key}", "name": name, "currency_code": code, "tax_rate": 0}
        return self.add("region", **base, **row)

    def option(self, product: str, title: str, **row: Any) -> str:
        """Add an option of a product."""
        number = len(self.rows["product_option"])
        base = {"id": f"opt_{number}", "title": title, "product_id": product}
        return self.add("product_option", **{**base, "created_at": at(number), **row})

    def value(self, option: str, variant: str, value: str, **row: Any) -> str:
        """Add a variant's value for an option."""
        number = len(self.rows["product_option_value"])
        base = {"id": f"optval_{number}", "option_id": option, "variant_id": variant}
        more = {"value": value, "created_at": at(number)}
        return self.add("product_option_value", **{**base, **more, **row})

    def linked(self, kind: str, product: str, **row: Any) -> str:
        """Add an image, a tag or a sales channel (``kind``) and link it to a product."""
        table, link, column = {
            "image": ("image", "product_images", "image_id"),
            "tag": ("product_tag", "product_tags", "product_tag_id"),
            "channel": ("sales_channel", "product_sales_channel", "sales_channel_id"),
        }[kind]
        number = len(self.rows[table])
        made = {"id": f"{kind}_{number}", "created_at": at(number), **row}
        self.add(table, **made)
        self.add(link, product_id=product, **{column: made["id"]})
        return str(made["id"])


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)
