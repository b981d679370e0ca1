"""One reader of the change feed for all in a process: one connection, each follower told of its own, from where it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import LiteralString

import psycopg
import pytest

from gisgrid.db import Database
from gisgrid.db.changes import EVERYTHING, Batch, ChangeFeed, ChangeReader, Position, position
from tests.db.test_change_feed import CAMERA, edit

READERS: LiteralString = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%%gisgrid.changes%%'"
BUILDING: LiteralString = """
INSERT INTO gisgrid.buildings (code, geom) VALUES (%s, ST_Multi(ST_MakeEnvelope(120.37, 36.08, 120.371, 36.081, 4326)))
"""


async def next_batch(batches: AsyncIterator[Batch]) -> Batch:
    return await asyncio.wait_for(anext(batches), 20)


async def layers_told(batches: AsyncIterator[Batch]) -> list[str]:
    """Return the layers of the next batch that has any."""
    while not (found := (await next_batch(batches)).changes):
        pass
    return [change.layer for change in found]


def connections(database: Database) -> int:
    """Return how many others read the change feed at this moment."""
    with database.connect() as connection:
        row = connection.execute(READERS + " AND pid <> pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


Scenario = Callable[[ChangeReader, AsyncExitStack], Awaitable[None]]


def reading(database: Database, scenario: Scenario) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            await scenario(ChangeReader(database.url), stack)

    asyncio.run(run())


async def follow(stack: AsyncExitStack, feed: ChangeFeed) -> AsyncIterator[Batch]:
    return await stack.enter_async_context(aclosing(feed.follow()))


def test_all_who_follow_share_one_connection_and_leave_none_behind(database: Database) -> None:
    async def scenario(reader: ChangeReader, stack: AsyncExitStack) -> None:
        async with AsyncExitStack() as inner:
            followers = [await follow(inner, ChangeFeed(database.url, reader=reader)) for _ in range(4)]
            firsts = await asyncio.gather(*(next_batch(one) for one in followers))
            assert firsts == [Batch((), True, 0)] * 4
            assert await asyncio.to_thread(connections, database) == 1
            told = asyncio.gather(*(layers_told(one) for one in followers))
            await asyncio.to_thread(edit, database, CAMERA, "1")
            assert await told == [["cameras"]] * 4
        assert await asyncio.to_thread(connections, database) == 0
        again = await follow(stack, ChangeFeed(database.url, reader=reader))
        assert (await next_batch(again)).connected

    reading(database, scenario)


def test_who_comes_later_with_a_position_of_before_is_told_what_was_since_then_and_nobody_else_is(database: Database) -> None:
    with database.connect() as connection:
        start = position(connection)
    edit(database, CAMERA, "1")
    with database.connect() as connection:
        between = position(connection)
    edit(database, CAMERA, "2")

    async def scenario(reader: ChangeReader, stack: AsyncExitStack) -> None:
        first = await follow(stack, ChangeFeed(database.url, reader=reader))
        assert (await next_batch(first)).changes == ()
        early = await follow(stack, ChangeFeed(database.url, start, reader=reader))
        later = await follow(stack, ChangeFeed(database.url, between, reader=reader))
        batches = await asyncio.gather(next_batch(early), next_batch(later))
        assert [[change.id for change in batch.changes] for batch in batches] == [[1, 2], [2]]
        told = asyncio.gather(*(next_batch(one) for one in (first, early, later)))
        await asyncio.to_thread(edit, database, CAMERA, "3")
        assert [[change.id for change in batch.changes] for batch in await told] == [[3]] * 3

    reading(database, scenario)


def test_who_follows_some_layers_is_told_of_those_alone_and_is_as_current(database: Database) -> None:
    async def scenario(reader: ChangeReader, stack: AsyncExitStack) -> None:
        feed = ChangeFeed(database.url, layers=("buildings",), reader=reader)
        batches = await follow(stack, feed)
        await next_batch(batches)
        waiting = asyncio.ensure_future(next_batch(batches))
        before = feed.looked_at
        assert before is not None
        await asyncio.to_thread(edit, database, CAMERA, "1")
        while feed.position is None or feed.position.version < 1 or feed.looked_at == before:
            await asyncio.sleep(0.01)
        assert not waiting.done()
        await asyncio.to_thread(edit, database, BUILDING, "1")
        assert [change.layer for change in (await waiting).changes] == ["buildings"]

    reading(database, scenario)


def test_what_comes_while_a_follower_is_at_work_waits_for_it_in_one_batch(database: Database) -> None:
    async def scenario(reader: ChangeReader, stack: AsyncExitStack) -> None:
        quick, feed = await follow(stack, ChangeFeed(database.url, reader=reader)), ChangeFeed(database.url, reader=reader)
        slow = await follow(stack, feed)
        await asyncio.gather(next_batch(quick), next_batch(slow))
        looked_at = feed.looked_at
        for code in ("1", "2", "3"):
            await asyncio.to_thread(edit, database, CAMERA, code)
            assert await layers_told(quick) == ["cameras"]
        assert feed.looked_at == looked_at, "what it has not taken it cannot know"
        assert [change.id for change in (await next_batch(slow)).changes] == [1, 2, 3]
        assert feed.looked_before == looked_at

    reading(database, scenario)


def test_a_loss_is_told_to_all_also_to_who_comes_meanwhile() -> None:
    database = Database("postgresql://u:secret@127.0.0.1:1/x")

    async def scenario(reader: ChangeReader, stack: AsyncExitStack) -> None:
        first = await follow(stack, ChangeFeed(database.url, reader=reader))
        assert await next_batch(first) == Batch((), False, 0)
        second = await follow(stack, ChangeFeed(database.url, reader=reader))
        assert await asyncio.wait_for(anext(second), 0.2) == Batch((), False, 0)

    reading(database, scenario)


def test_another_server_changes_everything_for_who_had_the_data_of_the_first_alone(database: Database) -> None:
    async def scenario(reader: ChangeReader, stack: AsyncExitStack) -> None:
        elsewhere = await follow(stack, ChangeFeed(database.url, Position(10**12, frozenset(), 7), reader=reader))
        new = await follow(stack, ChangeFeed(database.url, reader=reader))
        batches = await asyncio.gather(next_batch(elsewhere), next_batch(new))
        assert [change.layer for change in batches[0].changes] == list(EVERYTHING)
        assert batches[1].changes == ()

    reading(database, scenario)


def test_a_fault_of_the_reader_is_raised_to_all_who_follow_and_it_can_be_taken_up_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FaultError(Exception):
        """Something that nobody has thought of."""

    async def broken(*_args: object, **_named: object) -> psycopg.AsyncConnection[object]:
        raise FaultError

    async def scenario(reader: ChangeReader, stack: AsyncExitStack) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(psycopg.AsyncConnection, "connect", broken)
            followers = [await follow(stack, ChangeFeed(database.url, reader=reader)) for _ in range(2)]
            failures = await asyncio.gather(*(next_batch(one) for one in followers), return_exceptions=True)
        assert [type(one) for one in failures] == [FaultError] * 2
        again = await follow(stack, ChangeFeed(database.url, reader=reader))
        assert (await next_batch(again)).connected

    reading(database, scenario)
