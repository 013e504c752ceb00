"""What batchjob finds by the entry point."""

from typing import Any

from batchjob import Settings, Strategy, hookimpl


@hookimpl
def batchjob_strategies(settings: Settings) -> list[Strategy[Any]]:
    """Offer the import, where the jobs are in a SQL database."""
    if settings.sql_url is None:
        return []
    from sqlalchemy import create_engine

    from stock_levels import StockImport

    return [StockImport(create_engine(settings.sql_url))]
