"""Pages of features: out of memory where that holds what the database holds at this moment, else out of PostGIS."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from gisgrid.db.features import FeatureReader, Page
from gisgrid.db.features.keyset import Key, read_cursor, write_cursor
from gisgrid.db.standstill import Standstill
from gisgrid.features import FeatureQuery
from gisgrid.features.places import is_rectangle, is_small
from gisgrid.features.query import IN_DEGREES
from gisgrid.locator import FootprintIndex, PointIndex
from gisgrid.services.answers import POINT_LAYERS
from gisgrid.services.snapshot import Snapshot
from gisgrid.types import Bounds

# What the rows of these layers show hangs on no table whose changes the feed tells of under another name.
_KEPT = frozenset((*POINT_LAYERS, "buildings"))

Index = PointIndex | FootprintIndex
"""The features of a layer in memory, in the order of their ids."""


class FeaturePages:
    """Gives pages of features: what one statement over the database would give at a moment after the page was asked for.

    ``newest`` is what lookups are answered from now, ``whole`` the box of the city in degrees.
    """

    def __init__(self, reader: FeatureReader, newest: Callable[[], Snapshot], whole: Bounds) -> None:
        self._reader = reader
        self._standstill = Standstill(reader, newest)
        self._whole = whole

    async def close(self) -> None:
        """Close what was opened for it; the reader is its owner's."""
        await self._standstill.close()

    async def page(self, query: FeatureQuery, limit: int, cursor: str = "", offset: int = 0) -> Page:
        """Return a page of at most ``limit`` features, from ``cursor`` on, without the first ``offset``.

        Raises DatabaseError when PostGIS is away, UnavailableError when it takes too long, ParameterError "cursor" for one that is
        not of this query.
        """
        if query.layer.id in _KEPT and _is_for_memory(query):
            after = read_cursor(query, cursor) if cursor else None
            now = await self._standstill.state(query.layer.id)
            if now is not None:
                return _page(_index(now, query.layer.id), query, limit, after, offset)
        by_place = query.box is not None and is_small(query.box, self._whole)
        return await self._reader.page(query, limit, cursor, offset, by_place=by_place)


def _is_for_memory(query: FeatureQuery) -> bool:
    """Say whether a query asks for whole features by place and id alone, as they are stored."""
    is_stored = query.fields is None and query.srid in IN_DEGREES and not query.is_flipped
    return is_stored and query.is_plain and not query.sort and (query.box is None or is_rectangle(query.box))


def _index(now: Snapshot, layer_id: str) -> Index:
    return now.footprints if layer_id == "buildings" else now.points[layer_id]


def _page(index: Index, query: FeatureQuery, limit: int, after: Key | None, offset: int) -> Page:
    ids = index.table.ids
    start = 0 if after is None else bisect_right(ids, after.id)
    if query.box is None:
        rows = list(range(start + offset, min(start + offset + limit + 1, len(ids))))
    else:
        rows = index.in_box(query.box.bounds, start, offset + limit + 1)[offset:]
    given = rows[:limit]
    following = write_cursor(query, Key((), ids[given[-1]])) if len(rows) > limit else None
    return Page(index.features(given), len(given), following, len(ids) if query.box is None else None)
