"""The connections of tiles: replaced when cut, told when away or busy, statements prepared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.errors import DatabaseError, UnavailableError
from tiles import EncodedTile, TileId, TileReader, TileRequest, TileService, Variant, tile_at


@asynccontextmanager
async def _service(url: str, pool_size: int = 1, timeout_ms: int = 5000, max_waiting: int = 256) -> AsyncIterator[TileService]:
    service = TileService(TileReader(url, pool_size, timeout_ms, max_waiting), load_deployment("shibei"))
    await service.open()
    try:
        yield service
    finally:
        await service.close()


async def _grids(service: TileService, zoom: int = 14) -> EncodedTile:
    return await service.tile(TileRequest(Variant(("grids",)), tile_at(120.3775, 36.0841, zoom)))


def test_connections_cut_by_the_server_are_replaced_without_an_error(town: Database) -> None:
    async def ask() -> None:
        async with _service(town.url, pool_size=3) as service:
            before = await asyncio.gather(*(_grids(service, zoom) for zoom in range(4, 22)))
            with town.connect() as connection:
                cut = connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'gisgrid tiles' AND datname = current_database()"
                ).fetchall()
            assert cut
            assert await asyncio.gather(*(_grids(service, zoom) for zoom in range(4, 22))) == before

    asyncio.run(ask())


def test_a_database_that_is_not_there_is_told_soon_and_without_its_password() -> None:
    async def ask() -> float:
        async with _service("postgresql://u:geheim@127.0.0.1:1/none") as service:
            start = asyncio.get_running_loop().time()
            for _ in range(3):
                with pytest.raises(DatabaseError) as caught:
                    await _grids(service)
                assert "geheim" not in str(caught.value)
            return asyncio.get_running_loop().time() - start

    assert asyncio.run(ask()) < 3.0


def test_a_queue_that_is_too_long_is_no_dead_database(town: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisgrid.db.pool._PATIENCE_WHILE_BUSY_S", 0.2)

    async def ask() -> list[EncodedTile | BaseException]:
        async with _service(town.url, max_waiting=2) as service:
            await _grids(service)
            blocker = await psycopg.AsyncConnection.connect(town.url)
            await blocker.execute("LOCK TABLE gisgrid.areas IN ACCESS EXCLUSIVE MODE")
            requests = []
            for zoom in (14, 15, 16, 17):
                requests.append(asyncio.create_task(_grids(service, zoom)))
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)
            await blocker.close()
            answers = await asyncio.gather(*requests, return_exceptions=True)
            # The next one is answered at once: nothing was taken for dead.
            return [*answers, await _grids(service)]

    first, *refused, last = asyncio.run(ask())
    assert isinstance(first, EncodedTile)
    assert first == last
    assert len(refused) == 3
    for error in refused:
        assert isinstance(error, UnavailableError)
        assert not isinstance(error, DatabaseError)


def test_a_statement_without_an_end_is_ended(town: Database) -> None:
    async def ask() -> None:
        async with _service(town.url, timeout_ms=1000) as service:
            blocker = await psycopg.AsyncConnection.connect(town.url)
            await blocker.execute("LOCK TABLE gisgrid.areas IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(UnavailableError, match=r"ended after 1 s"):
                await _grids(service)
            await blocker.close()
            assert not (await _grids(service)).is_empty

    asyncio.run(ask())


def test_a_database_without_the_tables_is_told_with_what_to_do(empty_database: Database) -> None:
    async def ask() -> None:
        async with _service(empty_database.url) as service:
            with pytest.raises(DatabaseError, match="gisgrid db migrate"):
                await _grids(service)

    asyncio.run(ask())


def test_statements_are_prepared_on_the_server(town: Database) -> None:
    async def prepared() -> int:
        reader = TileReader(town.url, 1, 5000)
        service = TileService(reader, load_deployment("shibei"))
        await service.open()
        for x in (54656, 3, 54657, 54658, 200):
            await service.tile(TileRequest(Variant(("grids", "buildings")), TileId(16, x, 25665)))
        async with reader.connection() as connection:
            cursor = await connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%ST_AsMVT%'")
            row = await cursor.fetchone()
        await service.close()
        return int(row[0]) if row else 0

    assert asyncio.run(prepared()) == 1
