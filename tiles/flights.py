"""One computation for all who want the same at the same time, ended when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from gisgrid.db.changes import Change
from tiles.encoding import EncodedTile
from tiles.invalidation import PlaceIndex
from tiles.request import TileRequest

_JOINED_WITHIN_S = 0.5


class Flight:
    """A tile on its way. ``touched`` is set when a change is heard that may not be in it: then it may not be kept, nor joined."""

    __slots__ = ("began", "request", "task", "touched", "waiting")

    def __init__(self, request: TileRequest) -> None:
        self.request = request
        self.began = time.monotonic()
        self.task: asyncio.Task[EncodedTile]
        self.touched = False
        self.waiting = 0


class Flights:
    """The tiles that are being made; ``make`` makes the one of a flight. For one event loop."""

    def __init__(self, make: Callable[[Flight], Coroutine[Any, Any, EncodedTile]]) -> None:
        self._make = make
        self._joinable: dict[TileRequest, Flight] = {}
        self._places: PlaceIndex[Flight] = PlaceIndex()
        self.joined = 0
        """How many requests found their tile on its way."""

    async def tile(self, request: TileRequest, *, is_heard: bool) -> EncodedTile:
        """Return a tile that was begun now, or by somebody else and touched by nothing since.

        Without ``is_heard`` nobody would tell of a change: then only what was begun a moment ago is shared. Raises what making raises.
        """
        flight = self._joinable.get(request)
        if flight is not None and (is_heard or time.monotonic() - flight.began < _JOINED_WITHIN_S):
            self.joined += 1
        else:
            flight = self._start(request)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._leave(flight)
                flight.task.cancel()

    def touch(self, change: Change) -> None:
        """Note that ``change`` has been heard: who asks for a tile that it touches from now on must get one that was begun after it."""
        for flight in self._places.touched(change):
            self._touch(flight)

    def touch_all(self) -> None:
        """Note that anything may have changed."""
        for flight in self._places.all():
            self._touch(flight)

    def _start(self, request: TileRequest) -> Flight:
        flight = self._joinable[request] = Flight(request)
        self._places.add(flight)
        flight.task = asyncio.create_task(self._make(flight), name="making a tile")
        # Not in the task itself: one that is cancelled before it began would leave its flight behind.
        flight.task.add_done_callback(lambda task: self._land(flight, task))
        return flight

    def _land(self, flight: Flight, task: asyncio.Task[EncodedTile]) -> None:
        self._leave(flight)
        self._places.remove(flight)
        if not task.cancelled():
            # Looked at here, in case that nobody is left who waits for it.
            task.exception()

    def _touch(self, flight: Flight) -> None:
        flight.touched = True
        self._leave(flight)

    def _leave(self, flight: Flight) -> None:
        if self._joinable.get(flight.request) is flight:
            del self._joinable[flight.request]
