"""Random edits and random requests at the same time, through services that keep tiles: the small form of the bench's race."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.types import Bounds
from tests.bench.tiling.edits import Outcome, Race
from tiles import TileReader, TileRequest, TileService

TOWN = Bounds(120.369, 36.079, 120.386, 36.089)


def test_no_tile_is_older_than_its_last_edits(own_town: Database) -> None:
    async def run() -> Outcome:
        # The second one has room for few tiles only.
        services = [TileService(TileReader(own_town.url, 2, 20_000), load_deployment("shibei"), size) for size in (10_000_000, 60_000)]
        for service in services:
            await service.open()
        following = [asyncio.create_task(service.follow()) for service in services]
        turn = iter(range(10**9))

        async def get(request: TileRequest) -> bytes:
            tile = await services[next(turn) % 2].tile(request)
            assert not tile.stale
            return tile.body("identity")

        while not all(service.is_current for service in services):
            await asyncio.sleep(0.01)
        # A busy machine may take its time; what is not dropped at all is found out however long it is given.
        race = Race(own_town.url, get, services[0].plain, area=TOWN, zooms=(11, 17), within_s=3.0)
        outcome = await race.run(edits=12, requests=150)
        for task in following:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        counts = [service.counts for service in services]
        for service in services:
            await service.close()
        assert outcome.stale == []
        assert counts[0].hits > 0
        assert counts[0].touched > 0
        assert counts[1].evicted > 0
        return outcome

    outcome = asyncio.run(run())
    assert outcome.edits == 12
    assert outcome.requests > 150
    assert outcome.unsure < outcome.requests / 2
