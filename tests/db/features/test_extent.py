"""Extents of layers are read once for each version of the data, and told while the database is away."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any, cast

import pytest

from gisgrid.db.features.extent import Extent, Extents, read_extent
from gisgrid.db.pool import Pool
from gisgrid.errors import DatabaseError
from gisgrid.layers import layer
from gisgrid.types import Bounds

_CAMERAS, _COVERS = layer("cameras"), layer("manhole_covers")


class _Pool:
    """Gives one row; counts how often it is asked."""

    def __init__(self, row: tuple[Any, ...] | None) -> None:
        self.row = row
        self.asked = 0
        self.is_away = False

    async def fetch_row(self, _sql: str) -> tuple[Any, ...] | None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise DatabaseError("away")
        return self.row


class _Feed:
    version = 1


@pytest.fixture
def feed() -> _Feed:
    return _Feed()


def _extents(pool: _Pool, feed: _Feed, monkeypatch: pytest.MonkeyPatch) -> Extents:
    # Reading takes no time here, so that nothing is kept for the sake of it.
    monkeypatch.setattr("gisgrid.db.features.extent._SHARE", 1e9)
    return Extents(cast(Pool, pool), lambda: feed.version)


def test_a_row_is_bounds_and_days() -> None:
    pool = _Pool((120.0, 36.0, 121.0, 37.0, date(2019, 1, 1), date(2020, 1, 1)))
    extent = asyncio.run(read_extent(cast(Pool, pool), _COVERS))
    assert extent == Extent(Bounds(120.0, 36.0, 121.0, 37.0), date(2019, 1, 1), date(2020, 1, 1))
    assert asyncio.run(read_extent(cast(Pool, _Pool((None,) * 6)), _COVERS)) == Extent(None)


def test_many_who_ask_at_once_are_answered_by_one_read_for_each_version(feed: _Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = _Pool((1.0, 2.0, 3.0, 4.0, None, None))
    extents = _extents(pool, feed, monkeypatch)

    async def ask() -> None:
        await asyncio.gather(*(extents.of(_CAMERAS) for _ in range(20)))
        assert pool.asked == 1
        feed.version += 1
        pool.row = (1.0, 2.0, 5.0, 4.0, None, None)
        await asyncio.sleep(0.01)
        assert {(await extents.of(_CAMERAS)).bounds for _ in range(3)} == {Bounds(1.0, 2.0, 5.0, 4.0)}
        assert pool.asked == 2

    asyncio.run(ask())


def test_while_the_database_is_away_the_last_extent_is_told(feed: _Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = _Pool((1.0, 2.0, 3.0, 4.0, None, None))
    extents = _extents(pool, feed, monkeypatch)

    async def ask() -> None:
        before = await extents.of(_CAMERAS)
        feed.version, pool.is_away = 2, True
        await asyncio.sleep(0.01)
        assert await extents.of(_CAMERAS) == before
        assert await extents.of(_COVERS) == Extent(None)
        pool.is_away = False
        assert (await extents.of(_COVERS)).bounds is not None

    asyncio.run(ask())


def test_the_box_of_several_layers_holds_each(feed: _Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = _Pool((1.0, 2.0, 3.0, 4.0, None, None))
    extents = _extents(pool, feed, monkeypatch)

    async def ask() -> Bounds | None:
        await extents.of(_CAMERAS)
        pool.row = (0.0, 3.0, 2.0, 9.0, None, None)
        return await extents.bounds((_CAMERAS, _COVERS))

    assert asyncio.run(ask()) == Bounds(0.0, 2.0, 3.0, 9.0)
    assert asyncio.run(Extents(cast(Pool, _Pool((None,) * 6)), lambda: 1).bounds((_CAMERAS,))) is None
