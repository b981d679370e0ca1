from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import LiteralString

import psycopg
import pytest

from gisgrid.db import Database, changes
from gisgrid.db.changes import EVERYTHING, Batch, ChangeFeed, Position, position
from gisgrid.db.migrate import reset
from gisgrid.errors import DatabaseError
from gisgrid.types import Bounds

CAMERA: LiteralString = "INSERT INTO gisgrid.cameras (code, geom) VALUES (%s, 'SRID=4326;POINT(120 36)')"
ORGANIZATION: LiteralString = "INSERT INTO gisgrid.organizations (code, name) VALUES (%s, 'x')"


def edit(database: Database, query: LiteralString, *values: object) -> None:
    with database.connect() as connection:
        connection.execute(query, values)


def test_a_feed_begins_now_and_gives_each_change_once(database: Database) -> None:
    edit(database, CAMERA, "before")
    feed = ChangeFeed(database.url)
    assert feed.poll() == []
    edit(database, CAMERA, "after")
    (change,) = feed.poll()
    assert (change.layer, change.bounds, change.rows) == ("cameras", Bounds(120, 36, 120, 36), 1)
    assert feed.poll() == []
    edit(database, ORGANIZATION, "1")
    (change,) = feed.poll()
    assert (change.layer, change.bounds) == ("organizations", None)
    assert feed.position is not None
    assert feed.position.version == change.id


def test_transactions_that_commit_in_the_other_order_are_both_heard(database: Database) -> None:
    feed = ChangeFeed(database.url)
    feed.poll()
    with psycopg.connect(database.url) as slow:
        slow.execute(CAMERA, ["slow"])  # takes the smaller number ...
        edit(database, ORGANIZATION, "quick")
        (quick,) = feed.poll()
        assert quick.layer == "organizations"
        assert feed.poll() == []
        slow.commit()  # ... and shows it later
    (late,) = feed.poll()
    assert late.layer == "cameras"
    assert late.id < quick.id
    assert feed.poll() == []


def test_a_transaction_rolled_back_is_not_heard(database: Database) -> None:
    feed = ChangeFeed(database.url)
    feed.poll()
    with psycopg.connect(database.url) as connection:
        connection.execute(CAMERA, ["1"])
        connection.rollback()
    assert feed.poll() == []


def test_a_feed_from_a_snapshot_gives_exactly_what_the_snapshot_did_not_see(database: Database) -> None:
    with psycopg.connect(database.url) as slow, psycopg.connect(database.url) as reader:
        slow.execute(CAMERA, ["slow"])
        edit(database, CAMERA, "seen")
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert reader.execute("SELECT count(*) FROM gisgrid.cameras").fetchone() == (1,)
        edit(database, CAMERA, "unseen")
        start = position(reader)
        slow.commit()
    feed = ChangeFeed(database.url, start)
    assert [change.rows for change in feed.poll()] == [1, 1], "slow and unseen, not seen"
    assert feed.poll() == []


def test_a_watermark_keeps_no_more_than_it_must(database: Database) -> None:
    feed = ChangeFeed(database.url)
    feed.poll()
    for number in range(50):
        edit(database, CAMERA, str(number))
    assert len(feed.poll()) == 50
    assert feed.position is not None
    assert feed.position.seen == frozenset()


def test_many_writers_at_once_lose_nothing(database: Database) -> None:
    feed = ChangeFeed(database.url)
    feed.poll()
    heard: list[int] = []
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(psycopg.connect(database.url)) for _ in range(6)]
        for turn in range(12):
            for number, writer in enumerate(writers):
                writer.execute(CAMERA, [f"{turn}-{number}"])
                if (turn + number) % 3 == 0:
                    writer.commit()
            heard += [change.id for change in feed.poll()]
        for writer in reversed(writers):
            writer.commit()
    heard += [change.id for change in feed.poll()]
    with database.connect() as connection:
        written = [id for (id,) in connection.execute("SELECT id FROM gisgrid.changes").fetchall()]
    assert sorted(heard) == sorted(written)
    assert len(written) == 72


def test_another_server_in_the_place_of_the_first_changes_everything(database: Database) -> None:
    feed = ChangeFeed(database.url, Position(watermark=10**12, seen=frozenset(), version=7))
    assert [(change.layer, change.bounds) for change in feed.poll()] == [(layer, None) for layer in EVERYTHING]
    edit(database, CAMERA, "1")
    assert [change.layer for change in feed.poll()] == ["cameras"]


def test_polling_without_a_database_says_where_it_was_looked_for() -> None:
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:1/x"):
        ChangeFeed("postgresql://u:secret@127.0.0.1:1/x").poll()


async def next_batch(batches: AsyncIterator[Batch]) -> Batch:
    return await asyncio.wait_for(anext(batches), 20)


def following(database: Database, scenario: Callable[[AsyncIterator[Batch]], Awaitable[None]]) -> None:
    """Run ``scenario`` with a followed feed."""

    async def run() -> None:
        async with aclosing(ChangeFeed(database.url).follow()) as batches:
            await scenario(batches)

    asyncio.run(run())


def test_a_follower_is_woken_by_a_commit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_POLL_S", 3600.0)  # so that the notification alone can wake it

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        assert await next_batch(batches) == Batch((), True, 0)
        waiting = asyncio.ensure_future(next_batch(batches))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(edit, database, CAMERA, "1")
        batch = await waiting
        assert [change.layer for change in batch.changes] == ["cameras"]
        assert batch.connected
        assert batch.version == batch.changes[0].id

    following(database, scenario)


def test_a_follower_survives_the_loss_of_its_connection_and_hears_what_it_missed(database: Database, database_url: str) -> None:
    cut: LiteralString = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s AND query LIKE '%%gisgrid.changes%%'
    """

    async def scenario(batches: AsyncIterator[Batch]) -> None:
        assert (await next_batch(batches)).connected
        name = database.address.split("/")[1]
        with psycopg.connect(database_url, autocommit=True) as server:
            server.execute(psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(psycopg.sql.Identifier(name)))
            assert server.execute(cut, [name]).fetchone() == (1,)
            assert await next_batch(batches) == Batch((), False, 0)
            server.execute(psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(psycopg.sql.Identifier(name)))
        edit(database, CAMERA, "missed")
        batch = await next_batch(batches)
        assert batch.connected
        layers = [change.layer for change in batch.changes]
        while not layers:
            layers = [change.layer for change in (await next_batch(batches)).changes]
        assert layers == ["cameras"]

    following(database, scenario)


def test_a_follower_that_begins_without_a_database_waits_for_it() -> None:
    async def scenario(batches: AsyncIterator[Batch]) -> None:
        assert await next_batch(batches) == Batch((), False, 0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(batches), 1)

    following(Database("postgresql://u:secret@127.0.0.1:1/x"), scenario)


def test_a_follower_outlives_a_reset_of_the_schema(database: Database) -> None:
    async def scenario(batches: AsyncIterator[Batch]) -> None:
        assert (await next_batch(batches)).connected
        await asyncio.to_thread(edit, database, CAMERA, "1")
        assert len((await next_batch(batches)).changes) == 1
        await asyncio.to_thread(reset, database)
        layers: set[str] = set()
        while layers != set(EVERYTHING):
            layers |= {change.layer for change in (await next_batch(batches)).changes}

    following(database, scenario)


def test_a_class_that_gets_another_name_changes_the_covers_that_show_it(own_town: Database) -> None:
    rename: LiteralString = "UPDATE gisgrid.component_classes SET name = %s, kind = kind WHERE scheme = 'CJ/T 214' AND code = %s"
    feed = ChangeFeed(own_town.url)
    feed.poll()
    edit(own_town, rename, "污水井", "0102")
    (change,) = feed.poll()
    assert (change.layer, change.bounds) == ("manhole_covers", None)
    edit(own_town, rename, "污水井", "0102")
    edit(own_town, rename, "路灯杆", "0118")  # no cover
    edit(own_town, rename, "电力井", "0105")  # a cover that the town does not have
    assert feed.poll() == []
