"""Reading features: pages of a query, and one feature by its id."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.db.features.statement import count_statement, one_statement, page_statement
from gisgrid.db.pool import Pool
from gisgrid.features.query import FeatureQuery


class Page(NamedTuple):
    """A page of features: ``text`` is their GeoJSON joined by commas, ``returned`` how many they are.

    ``next`` is the cursor of the next page, None when this is the last. ``matched`` is how many features the query has in all,
    None when that was not counted.
    """

    text: str
    returned: int
    next: str | None
    matched: int | None


class One(NamedTuple):
    """A feature as GeoJSON text, and the tag of its state: another one after every edit, the same in every representation."""

    text: str
    tag: str


class FeatureReader(Pool):
    """The connections that features are read over; nothing is opened before ``open``."""

    def __init__(self, url: str, pool_size: int, statement_timeout_ms: int) -> None:
        super().__init__(url, "features", pool_size, statement_timeout_ms, hint="Ask for fewer features, or a smaller box.")

    async def page(self, query: FeatureQuery, limit: int, cursor: str = "", offset: int = 0, *, count: bool = False) -> Page:
        """Return a page of at most ``limit`` features, from ``cursor`` on, without the first ``offset``.

        With ``count`` all features of the query are counted exactly; without it only where that is cheap. Raises DatabaseError
        when PostGIS is away, UnavailableError when it takes too long, ParameterError "cursor" for one that is not of this query.
        """
        statement = page_statement(query, limit, int(cursor) if cursor else None, offset)
        rows = await self.fetch(statement.sql, statement.args)
        following = str(rows[limit - 1][0]) if len(rows) > limit else None
        matched = await self.count(query) if count else None
        return Page(",".join([text for _, text in rows[:limit]]), len(rows[:limit]), following, matched)

    async def one(self, query: FeatureQuery, id: int) -> One | None:
        """Return the feature of ``query`` (its layer, fields and system; conditions are kept too) with that id, None when there is none.

        Errors as ``page``.
        """
        statement = one_statement(query, id)
        row = await self.fetch_row(statement.sql, statement.args)
        return None if row is None else One(*row)

    async def count(self, query: FeatureQuery, most: int | None = None) -> int:
        """Return how many features a query has in all; at most ``most`` are counted. Errors as ``page``."""
        statement = count_statement(query, most)
        row = await self.fetch_row(statement.sql, statement.args)
        return int(row[0]) if row else 0
