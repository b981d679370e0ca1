"""Work that is asked for one by one and done in a thread together: to go there and back costs a part of what a decision does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from gisgrid.db.cases.writer import settle

T = TypeVar("T")

# The first of them waits for the last.
_MOST = 4
# As far apart as cases are written: those that were decided together are then written together, without waiting again.
_APART_S = 0.025


class _Asked(NamedTuple, Generic[T]):
    work: Callable[[], T]
    done: asyncio.Future[T]


class Together(Generic[T]):
    """Does what is asked for in one thread at a time, a few in one go; what comes meanwhile waits for the next.

    What comes after a pause goes at once; what comes upon it waits for a moment, unless there is enough for one go. ``aside`` does
    work in a thread.
    """

    def __init__(self, aside: Callable[[Callable[[], list[T | Exception]]], Awaitable[list[T | Exception]]]) -> None:
        self._aside = aside
        self._asked: list[_Asked[T]] = []
        self._running: asyncio.Task[None] | None = None
        self._began = -_APART_S

    async def of(self, work: Callable[[], T]) -> T:
        """Return what ``work`` comes to; raises what it raises."""
        asked = _Asked(work, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="work together")
        found: T = await asked.done
        return found

    async def _run(self) -> None:
        try:
            while self._asked:
                if len(self._asked) < _MOST:
                    await asyncio.sleep(self._began + _APART_S - time.monotonic())
                self._began = time.monotonic()
                piece, self._asked = self._asked[:_MOST], self._asked[_MOST:]
                await self._do([asked for asked in piece if not asked.done.done()])
        finally:
            self._running = None

    async def _do(self, piece: list[_Asked[T]]) -> None:
        try:
            found = await self._aside(lambda: [_attempt(asked.work) for asked in piece])
        except Exception as error:  # noqa: BLE001 - the thread takes nothing any more: those who wait are told
            found = [error] * len(piece)
        settle([asked.done for asked in piece], found)


def _attempt(work: Callable[[], T]) -> T | Exception:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
        return error
