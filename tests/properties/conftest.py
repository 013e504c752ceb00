"""Catalogues on each database, for laws of imports."""

from products.conftest import make_shared_catalog, templates

__all__ = ["make_shared_catalog", "templates"]
