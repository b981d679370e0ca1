"""How many features there are is told where it costs nothing, and never at the price of the page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gisgrid.db.features import FeatureReader, Page
from gisgrid.db.features.counting import Counts
from gisgrid.errors import UnavailableError
from gisgrid.features import Box, FeatureQuery
from gisgrid.layers import layer
from gisgrid.types import Bounds

GRIDS = FeatureQuery(layer("grids"))
FIRST = Page(b"{}", 1, "more")


class _Reader(FeatureReader):
    """Counts what it is told to, or takes too long."""

    def __init__(self, *counts: int | None) -> None:
        super().__init__("postgresql://nobody@127.0.0.1:9/nothing", 1, 1000)
        self.counts = list(counts)

    async def count(self, query: FeatureQuery, most: int | None = None) -> int:  # noqa: ARG002
        count = self.counts.pop(0)
        if count is None:
            raise UnavailableError("The statement was ended after 1 s.")
        return count


def _matched(counts: Counts, *asked: tuple[FeatureQuery, Page, int | None]) -> Sequence[int | None]:
    async def all_of_them() -> list[int | None]:
        return [await counts.matched(*one) for one in asked]

    return asyncio.run(all_of_them())


def test_a_count_that_takes_too_long_is_left_out() -> None:
    assert _matched(Counts(_Reader(None), lambda: 1), (GRIDS, FIRST, 0)) == [None]


def test_a_count_is_kept_until_something_changes() -> None:
    state, reader = [1], _Reader(7, 8)
    counts = Counts(reader, lambda: state[0])
    assert _matched(counts, (GRIDS, FIRST, 0), (GRIDS, FIRST, None)) == [7, 7]
    state[0] = 2
    assert _matched(counts, (GRIDS, FIRST, 0))[0] in (8, None)


def test_what_a_page_knows_is_not_counted() -> None:
    some = GRIDS._replace(box=Box(Bounds(120.0, 36.0, 121.0, 37.0)))
    asked = (
        (GRIDS, FIRST._replace(matched=12), None),
        (some, Page(b"{}", 1, None), 4),
        (some, FIRST, 0),
        (some, Page(b"{}", 1, None), None),
    )
    assert _matched(Counts(_Reader(), lambda: 1), *asked) == [12, 5, None, None]
