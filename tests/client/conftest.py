"""A real server on the town, and both clients asked in one way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from inspect import isasyncgen, iscoroutine, isgenerator
from typing import Any

import pytest

from gisgrid import AsyncClient, Client
from gisgrid.db import Database
from gisgrid.services import ReadModel
from gisgrid.settings import Settings
from tests.serving import GISGRID, Server, served

MOST_POINTS = 300
"""How many points the server takes in one request: fewer than a client sends, so that it has to find out."""

MOST_BYTES = 16_000
"""How long a frame's request may be: 16 bytes a row, so that not quite a thousand rows are taken."""

Ask = Callable[..., Any]
"""Calls a method of a client by its name and waits for the answer; a batch comes as a list."""


def serving(database: Database, port: int | None = None) -> AbstractContextManager[Server]:
    """Run a server process for a block."""
    environment = {
        "GISGRID_DATABASE_URL": database.url,
        "GISGRID_API__MAX_BATCH_POINTS": str(MOST_POINTS),
        "GISGRID_API__MAX_STREAM_BYTES": str(MOST_BYTES),
    }
    return served([GISGRID, "serve", "--port"], environment, port)


@pytest.fixture(scope="module")
def server(town: Database) -> Iterator[Server]:
    with serving(town) as running:
        yield running


@pytest.fixture(scope="module")
def model(town: Database) -> ReadModel:
    return ReadModel.load(town, Settings(database_url=town.url))


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, server: Server) -> Iterator[Ask]:
    """Each of both clients, for WGS 84."""
    yield from (ask_sync if request.param == "sync" else ask_async)(server.url)


def ask_sync(url: str) -> Iterator[Ask]:
    with Client(url, crs="wgs84") as client:

        def call(name: str, *arguments: Any, **options: Any) -> Any:
            answer = getattr(client, name)(*arguments, **options)
            return list(answer) if isgenerator(answer) else answer

        yield call


def ask_async(url: str) -> Iterator[Ask]:
    async def waited(client: AsyncClient, name: str, arguments: Any, options: Any) -> Any:
        answer = getattr(client, name)(*arguments, **options)
        if isasyncgen(answer):
            return [one async for one in answer]
        assert iscoroutine(answer)
        return await answer

    with asyncio.Runner() as runner:
        client = AsyncClient(url, crs="wgs84")
        yield lambda name, *arguments, **options: runner.run(waited(client, name, arguments, options))
        runner.run(client.close())
