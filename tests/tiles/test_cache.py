"""The memory for tiles by itself, and one computation for many who wait."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

import pytest

from gisgrid.db.changes import Change
from gisgrid.types import Bounds
from tiles import EncodedTile, TileId, TileRequest, Variant
from tiles.cache import TileCache
from tiles.flights import Flight, Flights

ANYWHERE = Change(1, "grids", None, datetime.now(UTC), 1)


def _request(x: int, layer_id: str = "grids") -> TileRequest:
    return TileRequest(Variant((layer_id,)), TileId(14, x, 6000))


def _tile(size: int = 100) -> EncodedTile:
    return EncodedTile("e", {"gzip": b"x" * size})


def test_what_is_kept_never_weighs_more_than_it_may() -> None:
    cache = TileCache(1_000_000)
    for x in range(2000):
        cache.put(_request(x), _tile(random.randrange(20_000)))
        assert cache.bytes <= 1_000_000
    assert cache.bytes > 900_000
    assert cache.evicted > 1000
    assert cache.bytes == sum(kept.weight for x in range(2000) if (kept := cache.get(_request(x))))
    cache.drop(ANYWHERE)
    assert (len(cache), cache.bytes) == (0, 0)


def test_tiles_that_are_used_stay_and_those_that_nobody_asks_for_go_first() -> None:
    cache = TileCache(_tile().weight * 10)
    for x in range(200):
        cache.put(_request(x), _tile())
        used = cache.get(_request(0))
        assert used is not None
        used.used = True
    assert cache.get(_request(1)) is None
    assert cache.get(_request(199)) is not None


def test_a_tile_that_is_larger_than_the_memory_is_not_kept_and_drives_nothing_out() -> None:
    cache = TileCache(50_000)
    cache.put(_request(1), _tile())
    cache.put(_request(2), _tile(60_000))
    assert cache.get(_request(1)) is not None
    assert cache.get(_request(2)) is None
    none = TileCache(0)
    none.put(_request(1), _tile())
    assert len(none) == 0


def test_a_tile_takes_the_place_of_the_one_before() -> None:
    cache = TileCache(50_000)
    cache.put(_request(1), _tile(100))
    cache.put(_request(1), _tile(200))
    assert len(cache) == 1
    assert cache.bytes == _tile(200).weight
    assert cache.drop(ANYWHERE) == 1


def test_only_what_a_change_touches_goes() -> None:
    cache = TileCache(1_000_000)
    for x in range(100):
        cache.put(_request(x), _tile())
        cache.put(_request(x, "cameras"), _tile())
    box = _request(50).tile.bounds
    lon, lat = (box.west + box.east) / 2, (box.south + box.north) / 2
    assert cache.drop(Change(1, "cameras", Bounds(lon, lat, lon, lat), datetime.now(UTC), 1)) == 1
    assert cache.get(_request(50, "cameras")) is None
    assert len(cache) == 199
    assert cache.touched == 1


class Making:
    """Something that makes tiles when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.go = asyncio.Event()

    async def __call__(self, _: Flight) -> EncodedTile:
        self.begun += 1
        number = self.begun
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ended += 1
            raise
        return EncodedTile(str(number), {"identity": b""})


async def _ask(flights: Flights, x: int = 1, *, is_heard: bool = True) -> asyncio.Task[EncodedTile]:
    task = asyncio.create_task(flights.tile(_request(x), is_heard=is_heard))
    await asyncio.sleep(0.01)
    return task


def test_all_who_want_the_same_get_one_computation() -> None:
    async def run() -> None:
        making = Making()
        flights = Flights(making)
        tasks = [await _ask(flights, x) for x in (1, 2, 1, 1)]
        making.go.set()
        assert [tile.etag for tile in await asyncio.gather(*tasks)] == ["1", "2", "1", "1"]
        assert (making.begun, flights.joined) == (2, 2)
        assert (await flights.tile(_request(1), is_heard=True)).etag == "3"

    asyncio.run(run())


def test_one_who_goes_away_ends_nothing_for_the_others_and_the_last_one_ends_it() -> None:
    async def run() -> None:
        making = Making()
        flights = Flights(making)
        first, second = await _ask(flights), await _ask(flights)
        first.cancel()
        await asyncio.sleep(0.01)
        assert making.ended == 0
        second.cancel()
        await asyncio.sleep(0.01)
        assert (making.begun, making.ended) == (1, 1)
        third = await _ask(flights)
        making.go.set()
        assert (await third).etag == "2"

    asyncio.run(run())


def test_nobody_joins_what_a_change_has_touched_and_who_waits_for_it_gets_it_still() -> None:
    async def run() -> None:
        making = Making()
        flights = Flights(making)
        before = await _ask(flights)
        flights.touch(Change(1, "cameras", None, datetime.now(UTC), 1))
        same = await _ask(flights)
        flights.touch(ANYWHERE)
        after = await _ask(flights)
        making.go.set()
        assert [tile.etag for tile in await asyncio.gather(before, same, after)] == ["1", "1", "2"]

    asyncio.run(run())


def test_while_changes_are_not_heard_only_what_was_begun_just_now_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        making = Making()
        flights = Flights(making)
        first, second = await _ask(flights, is_heard=False), await _ask(flights, is_heard=False)
        monkeypatch.setattr("tiles.flights._JOINED_WITHIN_S", 0.0)
        third = await _ask(flights, is_heard=False)
        making.go.set()
        assert [tile.etag for tile in await asyncio.gather(first, second, third)] == ["1", "1", "2"]

    asyncio.run(run())


def test_an_error_reaches_all_who_wait_and_is_not_kept() -> None:
    async def fail(flight: Flight) -> EncodedTile:
        await asyncio.sleep(0.01)
        raise ValueError(flight.request.tile.x)

    async def run() -> None:
        flights = Flights(fail)
        answers = await asyncio.gather(*(flights.tile(_request(1), is_heard=True) for _ in range(3)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [ValueError] * 3
        assert len({id(answer) for answer in answers}) == 1
        with pytest.raises(ValueError, match="1"):
            await flights.tile(_request(1), is_heard=True)

    asyncio.run(run())
