"""Reading features: pages of a query, and one feature by its id."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from gisgrid.db.features.keyset import Key, read_cursor, write_cursor
from gisgrid.db.features.statement import count_statement, given_fields, one_statement, page_statement
from gisgrid.db.pool import Pool, Row
from gisgrid.features.query import FeatureQuery


class Page(NamedTuple):
    """A page of features: ``text`` is their GeoJSON joined by commas, ``returned`` how many they are.

    ``next`` is the cursor of the next page, None when this is the last. ``matched`` is how many features the query has in all,
    where that is known for nothing.
    """

    text: bytes
    returned: int
    next: str | None
    matched: int | None = None


class One(NamedTuple):
    """A feature as GeoJSON text, and the tag of its state: another one after every edit, the same in every representation."""

    text: bytes
    tag: str


class FeatureReader(Pool):
    """The connections that features are read over; nothing is opened before ``open``."""

    def __init__(self, url: str, pool_size: int, statement_timeout_ms: int) -> None:
        super().__init__(url, "features", pool_size, statement_timeout_ms, hint="Ask for fewer features, or a smaller box.")

    async def page(self, query: FeatureQuery, limit: int, cursor: str = "", offset: int = 0, *, by_place: bool = False) -> Page:
        """Return a page of at most ``limit`` features, from ``cursor`` on, without the first ``offset``.

        ``by_place`` says that the box of the query is small: there are few features in it. Raises DatabaseError when PostGIS is
        away, UnavailableError when it takes too long, ParameterError "cursor" for one that is not of this query.
        """
        after = read_cursor(query, cursor) if cursor else None
        statement = page_statement(query, limit, after, offset, by_place=by_place)
        # Which way is best hangs on the values; but the one along the ids, and the one through a small box, are known to be.
        is_simple = query.is_plain and not query.sort and (query.box is None or by_place)
        rows = await self.fetch(statement.sql, statement.args, prepare=None if is_simple else False)
        given = rows[:limit]
        following = write_cursor(query, _key(query, given[-1])) if len(rows) > limit else None
        return Page(_text(query, given), len(given), following)

    async def one(self, query: FeatureQuery, id: int) -> One | None:
        """Return the feature of ``query`` with an id, in its fields and system; None when there is none. Errors as ``page``."""
        statement = one_statement(query, id)
        row = await self.fetch_row(statement.sql, statement.args)
        return None if row is None else One(_text(query, [row]), row[-1])

    async def count(self, query: FeatureQuery, most: int | None = None) -> int:
        """Return how many features a query has in all; at most ``most`` are counted. Errors as ``page``."""
        statement = count_statement(query, most)
        row = await self.fetch_row(statement.sql, statement.args)
        return int(row[0]) if row else 0


def _text(query: FeatureQuery, rows: list[Row]) -> bytes:
    """Return rows of id, GeoJSON geometry and fields (and more, which is left out) as GeoJSON features, joined by commas.

    Written here: PostgreSQL takes three times as long over the same JSON.
    """
    names = [field.name for field in given_fields(query)]
    features = [
        {
            "type": "Feature",
            "id": row[0],
            "geometry": None if row[1] is None else orjson.Fragment(row[1]),
            "properties": dict(zip(names, row[2:], strict=False)),
        }
        for row in rows
    ]
    return orjson.dumps(features)[1:-1]


def _key(query: FeatureQuery, row: Row) -> Key:
    return Key(row[len(row) - len(query.sort) :], row[0])
