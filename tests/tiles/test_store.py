"""Kept tiles and edits made by others: what is served is what PostGIS holds, and only what an edit touched is made again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import LiteralString

import mapbox_vector_tile
import psycopg
import pytest
from psycopg import sql

from gisgrid.cql2 import parse
from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.errors import DatabaseError
from tiles import EncodedTile, TileId, TileReader, TileRequest, TileService, Variant, tile_at
from tiles.limits import Limits
from tiles.sql import TileQuery

CENTRE = (120.3775, 36.0841)
MOVE: LiteralString = "UPDATE gisgrid.cameras SET geom = ST_Translate(geom, 0.0002, 0)"
NAME: LiteralString = "UPDATE gisgrid.grids SET name = name || '改' WHERE code = (SELECT min(code) FROM gisgrid.grids)"


@asynccontextmanager
async def following(database: Database, cache_bytes: int = 10_000_000, limits: Limits | None = None) -> AsyncIterator[TileService]:
    """Give a service that keeps tiles."""
    service = TileService(TileReader(database.url, 2, 20_000), load_deployment("shibei"), cache_bytes, limits)
    await service.open()
    task = asyncio.create_task(service.follow())
    try:
        await until(lambda: service.is_current)
        yield service
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await service.close()


async def until(condition: Callable[[], bool], within_s: float = 30.0) -> float:
    """Wait until a condition holds, and return how long that took, seconds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, "it never came to that"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


def request(zoom: int, *ids: str, place: tuple[float, float] = CENTRE, **variant: object) -> TileRequest:
    """Return the request for the tile of a place."""
    return TileRequest(Variant(ids or ("grids", "cameras"), **variant), tile_at(*place, zoom))  # type: ignore[arg-type]


async def edit(database: Database, query: LiteralString, *args: object) -> None:
    """Carry out an edit as somebody else would."""

    def run() -> None:
        with database.connect() as connection:
            assert connection.execute(query, args).rowcount

    await asyncio.to_thread(run)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario, and end it when it hangs."""

    async def limited() -> None:
        async with asyncio.timeout(120):
            await scenario()

    asyncio.run(limited())


def test_a_tile_is_made_once_and_then_served_from_memory(town: Database) -> None:
    async def scenario() -> None:
        async with following(town) as service:
            assert service.kept(request(14)) is None
            first = await service.tile(request(14))
            assert not first.is_empty
            assert service.kept(request(14)) is first
            assert await service.tile(request(14)) is first
            empty = await service.tile(request(16, place=(0.0, 0.0)))
            assert empty.is_empty
            assert service.kept(request(16, place=(0.0, 0.0))) is not None
            counts = service.counts
            assert (counts.made, counts.hits, counts.tiles) == (2, 3, 2)

    run(scenario)


def test_an_edit_shows_at_every_zoom_and_in_every_variant_and_nothing_else_is_made_again(own_town: Database) -> None:
    cameras = parse("kind IN ('dome', 'ptz', 'fixed')", "cql2-text")
    touched = [request(zoom, "grids") for zoom in range(11, 19)]
    touched += [request(zoom, "grids", datum="gcj02") for zoom in (12, 16)]
    # GCJ-02 moves the grid by a tile and more at this zoom.
    touched += [request(16, "grids", datum="gcj02", place=(CENTRE[0] + 0.005, CENTRE[1]))]
    touched += [TileRequest(Variant(("cameras", "grids"), "CGCS2000Quad"), TileId(14, 13670, 2453))]
    untouched = [request(zoom, "grids", place=(120.9, 36.5)) for zoom in range(11, 19)]
    untouched += [request(zoom, "cameras") for zoom in (14, 15)] + [request(14, "cameras", filter=cameras)]

    async def scenario() -> None:
        async with following(own_town) as service:
            before = {one: await service.tile(one) for one in touched + untouched}
            await edit(own_town, "UPDATE gisgrid.grids SET geom = ST_Translate(geom, 0.0003, 0.0002)")
            await until(lambda: service.counts.changes > 0)
            for one in touched:
                tile = await service.tile(one)
                assert tile.body("identity") == await service.plain(one)
                assert tile != before[one] or tile.is_empty, one
            assert any(not before[one].is_empty for one in touched if one.variant.datum == "gcj02")
            for one in untouched:
                assert service.kept(one) is before[one], one
            await edit(own_town, MOVE)
            await until(lambda: all(service.kept(one) is None for one in untouched[-3:]))
            for one in untouched[-3:]:
                tile = await service.tile(one)
                assert tile != before[one]
                assert tile.body("identity") == await service.plain(one)

    run(scenario)


def test_every_server_process_hears_of_an_edit_within_a_second(own_town: Database) -> None:
    async def scenario() -> None:
        async with following(own_town) as first, following(own_town) as second:
            services = (first, second)
            before = [await service.tile(request(14)) for service in services]
            assert before[0] == before[1]
            await edit(own_town, NAME)
            took = await until(lambda: all(service.kept(request(14)) is None for service in services))
            after = [await service.tile(request(14)) for service in services]
            assert after[0] == after[1] != before[0]
            assert took < 1.0

    run(scenario)


def test_a_tile_that_an_edit_overtakes_while_it_is_made_is_not_kept(own_town: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made, go = asyncio.Event(), asyncio.Event()
    fetch = TileReader.tile

    async def slow(reader: TileReader, query: TileQuery) -> bytes:
        data = await fetch(reader, query)
        made.set()
        await go.wait()
        return data

    async def scenario() -> None:
        async with following(own_town) as service:
            monkeypatch.setattr(TileReader, "tile", slow)
            early = asyncio.create_task(service.tile(request(14)))
            await made.wait()
            await edit(own_town, NAME)
            await until(lambda: service.counts.changes > 0)
            late = asyncio.create_task(service.tile(request(14)))
            await asyncio.sleep(0.05)
            go.set()
            assert (await early) != (await late)
            assert (await late).body("identity") == await service.plain(request(14))
            assert service.kept(request(14)) is await late
            assert service.counts.joined == 0

    run(scenario)


def test_an_edit_that_is_not_committed_changes_nothing_and_one_that_is_rolled_back_never_does(own_town: Database) -> None:
    async def scenario() -> None:
        async with following(own_town) as service:
            async with await psycopg.AsyncConnection.connect(own_town.url) as slow:
                await slow.execute(NAME)
                before = await service.tile(request(14))
                await edit(own_town, MOVE)
                await until(lambda: service.kept(request(14)) is None)
                between = await service.tile(request(14))
                assert between != before
                await slow.commit()
                await until(lambda: service.kept(request(14)) is None)
                after = await service.tile(request(14))
                assert after not in (before, between)
                await slow.execute(NAME)
                await slow.rollback()
            await edit(own_town, "INSERT INTO gisgrid.organizations (code, name) VALUES ('zz', 'x')")
            await until(lambda: service.counts.changes > 2)
            assert service.kept(request(14)) is after

    run(scenario)


def _allow(server_url: str, database: Database, allowed: bool) -> None:
    """Let a database be reached or not, and cut all connections to it."""
    name = database.address.split("/")[1]
    with psycopg.connect(server_url, autocommit=True) as server:
        verb = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(sql.Identifier(name), sql.Literal(allowed))
        server.execute(verb)
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def test_while_postgis_is_away_kept_tiles_say_that_they_are_stale_and_what_was_missed_is_made_good(
    own_town: Database, database_url: str
) -> None:
    async def scenario() -> None:
        async with following(own_town) as service:
            near, far = request(14), request(14, place=(120.9, 36.5))
            before = [await service.tile(near), await service.tile(far)]
            await asyncio.to_thread(_allow, database_url, own_town, False)
            await until(lambda: not service.is_current)
            assert service.kept(near) is None
            stale = await service.tile(near)
            assert stale.stale
            assert stale == before[0]._replace(stale=True)
            with pytest.raises(DatabaseError):
                await service.tile(request(15))
            heard = service.counts.changes
            await asyncio.to_thread(_allow, database_url, own_town, True)
            await edit(own_town, NAME)
            # The feed may be back before the edit is committed, and tells of it a moment later.
            await until(lambda: service.is_current and service.counts.changes > heard)
            after = await service.tile(near)
            assert after.body("identity") == await service.plain(near) != before[0].body("identity")
            assert not after.stale
            assert service.kept(far) is before[1]

    run(scenario)


def test_a_feed_that_is_heard_no_more_is_not_trusted(own_town: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with following(own_town) as service:
            tile = await service.tile(request(14))
            assert service.kept(request(14)) is tile
            monkeypatch.setattr("tiles.store.LATE_S", -1.0)
            assert service.kept(request(14)) is None
            await service.tile(request(14))
            assert service.counts.made == 2

    run(scenario)


def test_who_follows_anew_begins_with_nothing(town: Database) -> None:
    async def scenario() -> None:
        async with following(town) as service:
            await service.tile(request(14))
            again = asyncio.create_task(service.follow())
            await until(lambda: service.counts.tiles == 0)
            again.cancel()

    run(scenario)


def test_without_the_feed_nothing_is_kept(town: Database) -> None:
    async def scenario() -> None:
        service = TileService(TileReader(town.url, 2, 20_000), load_deployment("shibei"))
        await service.open()
        await service.tile(request(14))
        assert (service.counts.made, service.counts.tiles) == (1, 0)
        await service.close()

    run(scenario)


def test_a_request_that_nobody_waits_for_is_ended_in_postgis(own_town: Database) -> None:
    working: LiteralString = """
        SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'gisgrid tiles' AND datname = current_database() AND state = 'active'
    """

    async def scenario() -> None:
        async with following(own_town) as service:
            async with await psycopg.AsyncConnection.connect(own_town.url) as blocker:
                await blocker.execute("LOCK TABLE gisgrid.areas IN ACCESS EXCLUSIVE MODE")

                async def at_work() -> int:
                    # Anew each time: within a transaction it would always be the same.
                    with own_town.connect() as connection:
                        row = connection.execute(working).fetchone()
                    return int(row[0]) if row else 0

                first, second = (asyncio.create_task(service.tile(request(14))) for _ in range(2))
                while not await at_work():
                    await asyncio.sleep(0.02)
                first.cancel()
                await asyncio.sleep(0.2)
                assert await at_work() == 1
                second.cancel()
                deadline = time.monotonic() + 20
                while await at_work():
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.02)
            # The connection is good for the next.
            assert not (await service.tile(request(14))).is_empty

    run(scenario)


def test_of_a_tile_that_is_too_long_the_least_important_features_are_left_out(own_town: Database) -> None:
    fill: LiteralString = """
        INSERT INTO gisgrid.quality_issues (layer, feature_code, code, severity, message, geom)
        SELECT 'grids', 'f' || i, 'gap', CASE WHEN mod(i, 10) = 0 THEN 'error' ELSE 'info' END, repeat('说', 50),
               ST_SetSRID(ST_Point(120.3775 + i * 1e-6, 36.0841), 4326)
        FROM generate_series(1, 1000) AS i
    """

    def shown(tile: EncodedTile) -> list[str]:
        features = mapbox_vector_tile.decode(tile.body("identity"))["quality_issues"]["features"]
        return [feature["properties"]["severity"] for feature in features]

    async def scenario() -> None:
        one = request(16, "quality_issues")
        async with following(own_town, limits=Limits(max_bytes=15_000)) as service:
            await edit(own_town, fill)
            tile = await service.tile(one)
            assert 5_000 < len(tile.body("identity")) <= 15_000
            severities = shown(tile)
            assert severities.count("error") == 102  # the town has two of its own
            assert 150 < len(severities) < 1000
        async with following(own_town, limits=Limits(max_features=50)) as service:
            assert shown(await service.tile(one)) == ["error"] * 50
        async with following(own_town, limits=Limits(max_bytes=30)) as service:
            assert (await service.tile(one)).is_empty

    run(scenario)


def test_areas_of_the_past_follow_what_is_changed_or_removed_of_it(own_town: Database) -> None:
    turn: LiteralString = "UPDATE gisgrid.generations SET status = 'retired', retired_at = now() WHERE status = 'active'"

    async def scenario() -> None:
        async with following(own_town) as service:
            with own_town.connect() as connection:
                (instant,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
            then = request(14, "grids", as_of=instant)
            first = await service.tile(then)
            assert not first.is_empty
            await edit(own_town, turn)
            await until(lambda: service.kept(then) is None)
            second = await service.tile(then)
            assert second == first
            await edit(own_town, "UPDATE gisgrid.areas SET name = name || '旧' WHERE level = 'grid'")
            await until(lambda: service.kept(then) is None)
            third = await service.tile(then)
            assert third != second
            await edit(own_town, "DELETE FROM gisgrid.generations WHERE status = 'retired'")
            await until(lambda: service.kept(then) is None)
            assert (await service.tile(then)).is_empty

    run(scenario)
