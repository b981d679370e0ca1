"""Reading features: pages of a query, and one feature by its id."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.db.features.statement import page_statement
from gisgrid.db.pool import Pool
from gisgrid.features.query import FeatureQuery


class Page(NamedTuple):
    """A page of features: each as GeoJSON text, and the cursor of the next page, None when this is the last.

    ``matched`` is how many features the query has in all, None when that was not counted.
    """

    features: list[str]
    next: str | None
    matched: int | None


class FeatureReader(Pool):
    """The connections that features are read over; nothing is opened before ``open``."""

    def __init__(self, url: str, pool_size: int, statement_timeout_ms: int) -> None:
        super().__init__(url, "features", pool_size, statement_timeout_ms, hint="Ask for fewer features, or a smaller box.")

    async def page(self, query: FeatureQuery, limit: int, cursor: str = "", offset: int = 0) -> Page:
        """Return a page of at most ``limit`` features, from ``cursor`` on.

        Raises DatabaseError when PostGIS is away, UnavailableError when it takes too long, ParameterError for a bad cursor.
        """
        statement = page_statement(query, limit, int(cursor) if cursor else None, offset)
        rows = await self.fetch(statement.sql, statement.args)
        following = str(rows[limit - 1][0]) if len(rows) > limit else None
        return Page([text for _, text in rows[:limit]], following, None)
