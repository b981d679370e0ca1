"""Pages out of memory are those of one statement over PostGIS at that moment, to the letter."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from gisgrid.db import Database
from gisgrid.db.features import FeatureReader, Page
from gisgrid.db.question import Question
from gisgrid.features import Box, FeatureQuery
from gisgrid.layers import layer
from gisgrid.services import ReadModel
from gisgrid.services.pages import FeaturePages
from gisgrid.settings import Settings
from gisgrid.types import Bounds
from tests.conftest import new_database

# On a raster of whole numbers of 1/1024 of a degree, which have no more digits in them than are written: borders of boxes touch.
_MORE = """
INSERT INTO gisgrid.cameras_all (code, name, azimuth_deg, geom)
SELECT 'R' || n, CASE WHEN n % 3 = 0 THEN '摄像头 "' || n || '"' END, n / 7.0,
    ST_SetSRID(ST_MakePoint(120.25 + (n * 7919 % 64) / 1024.0, 36 + (n * 104729 % 64) / 1024.0), 4326)
FROM generate_series(1, 1500) AS n;
INSERT INTO gisgrid.buildings_all (code, name, floors, height_m, geom)
SELECT 'X' || n, '楼' || n, n % 30, n * 1.1,
    ST_SetSRID(ST_Multi(ST_Translate(shape, 120.25 + (n * 7919 % 64) / 1024.0, 36 + (n * 104729 % 64) / 1024.0)), 4326)
FROM generate_series(1, 700) AS n
JOIN (VALUES
    (0, 'POLYGON((0 0, 0.003 0, 0 0.003, 0 0))'::geometry),
    (1, 'POLYGON((0 0, 0.004 0, 0.004 0.001, 0.001 0.001, 0.001 0.004, 0 0.004, 0 0))'),
    (2, 'POLYGON((0 0, 0.005 0, 0.005 0.005, 0 0.005, 0 0), (0.001 0.001, 0.001 0.004, 0.004 0.004, 0.004 0.001, 0.001 0.001))'),
    (3, 'MULTIPOLYGON(((0 0, 0.001 0, 0.001 0.001, 0 0)), ((0.004 0.004, 0.005 0.004, 0.005 0.005, 0.004 0.004)))')
) AS shapes (kind, shape) ON kind = n % 4
"""


@pytest.fixture(scope="module")
def many(database_url: str, town_template: str) -> Iterator[Database]:
    """The town with cameras and buildings of many shapes, only to be read."""
    with new_database(database_url, town_template) as database:
        _edit(database, _MORE)
        yield database


def _edit(database: Database, sql: str) -> None:
    with database.connect() as connection:
        connection.execute(sql.encode())


class Counting(FeatureReader):
    """A reader that counts the pages it is asked for."""

    read = 0

    async def page(self, *asked: Any, **more: Any) -> Page:
        self.read += 1
        return await super().page(*asked, **more)


@asynccontextmanager
async def _reading(database: Database) -> AsyncIterator[tuple[FeaturePages, Counting, ReadModel]]:
    """Give pages whose memory is as old as the block; nothing keeps it current."""
    model = await asyncio.to_thread(ReadModel.load, database, Settings(database_url=database.url))
    reader = Counting(database.url, 4, 10_000)
    await reader.open()
    pages = FeaturePages(reader, lambda: model.snapshot, Bounds(120.0, 36.0, 120.6, 36.4))
    try:
        yield pages, reader, model
    finally:
        await pages.close()
        await reader.close()


def _boxes(count: int) -> Iterator[Box]:
    chance = random.Random(7)
    for number in range(count):
        west, south = 120.25 + chance.randrange(-3, 66) / 1024, 36 + chance.randrange(-3, 66) / 1024
        width, height = (chance.choice([1 / 4096, 1 / 1024, 5 / 1024, 40 / 1024]) for _ in range(2))
        yield Box(Bounds(west, south, west + width, south + height), (4326, 4490)[number % 2])


@pytest.mark.parametrize("name", ["cameras", "buildings"])
def test_a_page_of_a_box_is_the_one_that_postgis_gives(many: Database, name: str) -> None:
    async def scenario() -> None:
        async with _reading(many) as (pages, reader, _):
            for box in _boxes(120):
                query = FeatureQuery(layer(name), box)
                page = await pages.page(query, 5)
                assert reader.read == 0
                assert page == await FeatureReader.page(reader, query, 5, by_place=True)
                deeper = await pages.page(query, 3, page.next or "", 0 if page.next else 2)
                assert deeper == await FeatureReader.page(reader, query, 3, page.next or "", 0 if page.next else 2)
                assert await pages.page(query, 3, page.next or "", 1) == await FeatureReader.page(reader, query, 3, page.next or "", 1)

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["cameras", "buildings", "manhole_covers"])
def test_pages_of_a_whole_layer_are_those_that_postgis_gives(many: Database, name: str) -> None:
    async def scenario() -> None:
        async with _reading(many) as (pages, reader, _):
            cursor, ids = "", []
            for number in itertools.count():
                page = await pages.page(FeatureQuery(layer(name)), 97, cursor)
                assert page[:3] == (await FeatureReader.page(reader, FeatureQuery(layer(name)), 97, offset=97 * number))[:3]
                assert page.matched == await reader.count(FeatureQuery(layer(name)))
                ids += [feature["id"] for feature in orjson.loads(b"[%b]" % page.text)]
                if page.next is None:
                    break
                cursor = page.next
            assert ids == sorted(set(ids))
            assert await pages.page(FeatureQuery(layer(name)), 10, offset=len(ids)) == Page(b"", 0, None, len(ids))
            assert reader.read == 0

    asyncio.run(scenario())


def test_what_memory_does_not_hold_as_it_is_asked_for_is_read(many: Database) -> None:
    cameras = FeatureQuery(layer("cameras"))
    asked = (
        cameras._replace(fields=("name",)),
        cameras._replace(srid=3857),
        cameras._replace(register_order=True),
        cameras._replace(equal=(("code", "R7"),)),
        cameras._replace(box=Box(Bounds(179.0, 0.0, -179.0, 1.0))),
        cameras._replace(box=Box(Bounds(120.25, 36.0, 120.25, 36.1))),
        cameras._replace(box=Box(Bounds(13_386_000.0, 4_300_000.0, 13_390_000.0, 4_310_000.0), 3857)),
        FeatureQuery(layer("grids")),
    )

    async def scenario() -> None:
        async with _reading(many) as (pages, reader, _):
            for number, query in enumerate(asked, 1):
                assert await pages.page(query, 4) == await FeatureReader.page(reader, query, 4)
                assert reader.read == number

    asyncio.run(scenario())


_FIRST = "WHERE id = (SELECT min(id) FROM gisgrid.manhole_covers)"
EDITS = {
    "a feature that is new": "INSERT INTO gisgrid.components (code, scheme, edition, class_code, name, geom) "
    "SELECT 'new', scheme, edition, class_code, 'new', geom FROM gisgrid.components ORDER BY id LIMIT 1",
    "a feature that moves": f"UPDATE gisgrid.manhole_covers SET geom = ST_Translate(geom, 1e-6, 0) {_FIRST}",
    "another name": f"UPDATE gisgrid.manhole_covers SET name = '别的' {_FIRST}",
    "a feature that goes": f"DELETE FROM gisgrid.manhole_covers {_FIRST}",
    "another name of a class": "UPDATE gisgrid.component_classes SET name = name || '!'",
    "classes that are no covers any more": "UPDATE gisgrid.component_classes SET is_cover = false WHERE code IN "
    "(SELECT class_code FROM gisgrid.manhole_covers ORDER BY id LIMIT 1)",
    "all of them gone": "TRUNCATE gisgrid.components CASCADE",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_is_on_the_next_page_though_memory_has_not_heard_of_it(own_town: Database, edit: str) -> None:
    covers, cameras = FeatureQuery(layer("manhole_covers")), FeatureQuery(layer("cameras"))

    async def scenario() -> None:
        async with _reading(own_town) as (pages, reader, model):
            before = await pages.page(covers, 1000)
            others = await pages.page(cameras, 10)
            assert reader.read == 0
            await asyncio.to_thread(_edit, own_town, edit)
            after = await pages.page(covers, 1000)
            assert after[:3] == (await FeatureReader.page(reader, covers, 1000))[:3]
            assert after != before
            # Once is enough to know that memory is behind; the other layers are as they were.
            assert await pages.page(covers, 1000) == after
            assert await pages.page(cameras, 10) == others
            assert reader.read == 2
            await asyncio.to_thread(model.refresh)
            assert (await pages.page(covers, 1000))[:3] == after[:3]
            assert reader.read == 2

    asyncio.run(scenario())


def test_a_transaction_shows_from_its_commit_on_however_long_ago_it_wrote(own_town: Database) -> None:
    covers = FeatureQuery(layer("manhole_covers"))
    last = covers._replace(box=Box(Bounds(120.0, 36.0, 121.0, 37.0)))

    async def scenario() -> None:
        async with _reading(own_town) as (pages, reader, model):
            with own_town.connect() as open_one:
                open_one.execute(b"UPDATE gisgrid.manhole_covers SET note = 'late'")
                # Others go on, and are read: the open transaction is older than what memory holds.
                await asyncio.to_thread(_edit, own_town, "UPDATE gisgrid.cameras SET name = 'quick'")
                await asyncio.to_thread(model.refresh)
                assert model.snapshot.position.seen
                early = await pages.page(last, 3)
                assert (b'"late"' in early.text, reader.read) == (False, 0)
                open_one.commit()
                assert b'"late"' in (await pages.page(last, 3)).text
                assert reader.read == 1
                await asyncio.to_thread(model.refresh)
                assert b'"late"' in (await pages.page(last, 3)).text
                assert reader.read == 1

    asyncio.run(scenario())


def test_whoever_has_committed_sees_it_in_the_page_asked_for_next_while_others_read_and_memory_follows(own_town: Database) -> None:
    cameras = FeatureQuery(layer("cameras"))

    async def scenario() -> None:
        async with _reading(own_town) as (pages, reader, model):
            following = asyncio.create_task(model.follow())
            done = asyncio.Event()

            async def keep_reading() -> None:
                while not done.is_set():
                    await pages.page(cameras, 5)

            others = [asyncio.create_task(keep_reading()) for _ in range(3)]
            try:
                for number in range(60):
                    await asyncio.to_thread(_edit, own_town, f"UPDATE gisgrid.cameras SET name = 'n{number}'")
                    names = {one["properties"]["name"] for one in orjson.loads(b"[%b]" % (await pages.page(cameras, 5)).text)}
                    assert names == {f"n{number}"}
                    await asyncio.sleep(0.002 * (number % 10))
                # Some of it was answered by either way.
                assert reader.read
            finally:
                done.set()
                await asyncio.gather(*others)
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

    asyncio.run(scenario())


def test_those_who_ask_at_once_share_a_question(many: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    ask = Question.ask

    async def counted(question: Question, values: Any) -> list[bytes]:
        asked.append(values)
        return await ask(question, values)

    monkeypatch.setattr(Question, "ask", counted)

    async def scenario() -> None:
        async with _reading(many) as (pages, reader, _):
            found = await asyncio.gather(*(pages.page(FeatureQuery(layer("cameras")), 5) for _ in range(50)))
            assert len(set(found)) == 1
            assert reader.read == 0
            assert len(asked) <= 2

    asyncio.run(scenario())


def test_a_lost_connection_is_replaced(own_town: Database) -> None:
    cameras = FeatureQuery(layer("cameras"))
    end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    async def scenario() -> None:
        async with _reading(own_town) as (pages, reader, model):
            first = await pages.page(cameras, 5)
            await asyncio.to_thread(_edit, own_town, end_all)
            assert await pages.page(cameras, 5) == first
            await asyncio.to_thread(_edit, own_town, end_all)
            # Also when the loop has heard of it before anybody asks.
            await asyncio.sleep(0.1)
            assert await pages.page(cameras, 5) == first
            assert reader.read == 0
            # Nor does it matter that memory has gone on meanwhile.
            await asyncio.to_thread(_edit, own_town, "UPDATE gisgrid.buildings SET name = name || '!'")
            await asyncio.to_thread(_edit, own_town, end_all)
            await asyncio.to_thread(model.refresh)
            assert await pages.page(cameras, 5) == first
            assert reader.read == 0

    asyncio.run(scenario())


def test_what_was_read_of_another_server_is_not_shown(own_town: Database) -> None:
    cameras = FeatureQuery(layer("cameras"))

    async def scenario() -> None:
        async with _reading(own_town) as (pages, reader, model):
            now = model.snapshot
            for watermark, version in ((10**9, 0), (0, 10**9)):
                model.snapshot = now._replace(position=now.position._replace(watermark=watermark, version=version))
                read = reader.read
                assert await pages.page(cameras, 5) == await FeatureReader.page(reader, cameras, 5)
                assert reader.read == read + 1

    asyncio.run(scenario())


def test_a_client_that_goes_away_takes_no_answer_from_the_others(many: Database) -> None:
    cameras = FeatureQuery(layer("cameras"))

    async def scenario() -> None:
        async with _reading(many) as (pages, _, _):
            tasks = [asyncio.create_task(pages.page(cameras, 5)) for _ in range(10)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            found = await asyncio.gather(*tasks, return_exceptions=True)
            assert [isinstance(one, Page) for one in found] == [False, True] * 5

    asyncio.run(scenario())
