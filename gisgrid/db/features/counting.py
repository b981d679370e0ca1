"""How many features there are: known for nothing, or kept from before, or counted when somebody asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import NamedTuple

from gisgrid.db.features.reader import FeatureReader, Page
from gisgrid.errors import UnavailableError
from gisgrid.features.query import FeatureQuery

# A count that took long is not made again at once after each edit: counting is to take this share of the time at most.
_SHARE = 0.1


class _Kept(NamedTuple):
    matched: int | None
    state: Hashable
    again_at: float


class Counts:
    """How many features queries have; ``state`` gives what changes whenever any feature has changed.

    The count of a whole collection is kept until then. While edits come faster than a large collection can be counted, there is none.
    """

    def __init__(self, reader: FeatureReader, state: Callable[[], Hashable]) -> None:
        self._reader = reader
        self._state = state
        self._kept: dict[str, _Kept] = {}

    async def matched(self, query: FeatureQuery, page: Page, skipped: int | None) -> int | None:
        """Return how many features ``query`` has in all, None where that would cost more than the page.

        ``skipped`` is how many features come before ``page``, None where it begins at a cursor. Errors as ``FeatureReader.page``.
        """
        if page.matched is not None:
            return page.matched
        if skipped is not None and page.next is None and (page.returned or not skipped):
            return skipped + page.returned
        return await self._whole(query) if _is_whole(query) else None

    async def exactly(self, query: FeatureQuery) -> int:
        """Return how many features ``query`` has in all, counted now. Errors as ``FeatureReader.page``."""
        return await self._reader.count(query)

    async def _whole(self, query: FeatureQuery) -> int | None:
        kept, state, start = self._kept.get(query.layer.id), self._state(), time.monotonic()
        if kept is not None and kept.state == state and kept.matched is not None:
            return kept.matched
        if kept is not None and start < kept.again_at:
            return None
        try:
            count = await self._reader.count(query)
        except UnavailableError:
            # The page is there: it need not wait for what takes longer than a statement may.
            count = None
        end = time.monotonic()
        self._kept[query.layer.id] = _Kept(count, state, end + (end - start) / _SHARE)
        return count


def _is_whole(query: FeatureQuery) -> bool:
    return query.box is None and query.is_plain
