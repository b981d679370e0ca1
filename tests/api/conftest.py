"""The application on a small real database, asked from ordinary (not async) tests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import httpx
import pytest

from api.app import create_app
from api.asgi import App, Message
from gisgrid.db import Database
from gisgrid.settings import Settings

T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own, so that background work goes on between requests too, as in a real server."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="application", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._loop.shutdown_asyncgens())
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Server:
    """An application between its start and its stop."""

    def __init__(self, runner: Loop, app: App) -> None:
        self.runner = runner
        self.app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._life: asyncio.Task[None] | None = None

    def start(self) -> Message:
        """Start the application and return what it says of it."""
        return self.runner.run(self._start())

    def stop(self) -> Message:
        """Stop the application and return what it says of it."""
        return self.runner.run(self._say("lifespan.shutdown"))

    async def _start(self) -> Message:
        async def live() -> None:
            await self.app({"type": "lifespan", "state": {}}, self._to_app.get, self._from_app.put)

        self._life = asyncio.create_task(live())
        return await self._say("lifespan.startup")

    async def _say(self, message: str) -> Message:
        await self._to_app.put({"type": message})
        return await asyncio.wait_for(self._from_app.get(), 30)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://town.test") as client:
                return await client.request(method, path, **options)

        return self.runner.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET."""
        return self.request("GET", path, **options)

    def locate(self, lon: float, lat: float, **more: object) -> dict[str, Any]:
        """Return the answer to ``/locate`` for a WGS 84 point."""
        answer = self.get("/locate", params={"lon": str(lon), "lat": str(lat), "crs": "wgs84", **{k: str(v) for k, v in more.items()}})
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def batch(self, body: object) -> httpx.Response:
        """Send a batch: bytes as they are, anything else as JSON."""
        return self.request("POST", "/locate/batch", **({"content": body} if isinstance(body, bytes) else {"json": body}))

    def wait(self, until: Callable[[], bool], seconds: float = 5.0) -> float:
        """Let the application work until something holds; return the seconds that it took, or fail after ``seconds``."""
        start = time.monotonic()
        while not until():
            assert time.monotonic() - start < seconds, f"did not come about within {seconds} s"
            time.sleep(0.02)
        return time.monotonic() - start


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """Run an application with ``settings`` for a block."""
    with Loop() as runner:
        server = Server(runner, create_app(settings))
        assert server.start() == {"type": "lifespan.startup.complete"}
        try:
            yield server
        finally:
            assert server.stop() == {"type": "lifespan.shutdown.complete"}


@pytest.fixture(scope="session")
def server(town: Database) -> Iterator[Server]:
    """The application on the town, only to be asked."""
    with serving(Settings(database_url=town.url)) as running:
        yield running


@pytest.fixture
def own_server(own_town: Database) -> Iterator[Server]:
    """The application on a town of the test's own."""
    with serving(Settings(database_url=own_town.url)) as running:
        yield running
