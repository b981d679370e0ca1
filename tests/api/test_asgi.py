"""What is done for a client ends when the client goes away, and at no other time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from api.asgi import Message, unless_gone

AWAY = "http.disconnect"


def _client(gone: asyncio.Event) -> Callable[[], Coroutine[Any, Any, Message]]:
    async def receive() -> Message:
        await gone.wait()
        return {"type": AWAY}

    return receive


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.1])
def test_work_comes_to_its_end_while_the_client_is_there(seconds: float) -> None:
    async def scenario() -> None:
        assert await unless_gone(asyncio.sleep(seconds, "done"), _client(asyncio.Event())) == "done"
        current = asyncio.current_task()
        assert current is not None
        assert current.cancelling() == 0
        # Nobody goes on looking.
        assert asyncio.all_tasks() == {current}

    asyncio.run(scenario())


def test_work_is_cancelled_when_the_client_goes_away_and_what_comes_after_it_is_not() -> None:
    async def scenario() -> None:
        gone, ended = asyncio.Event(), []

        async def work() -> str:
            try:
                await asyncio.sleep(60.0)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise
            return "done"

        asyncio.get_running_loop().call_later(0.06, gone.set)
        assert await unless_gone(work(), _client(gone)) is None
        assert ended == ["cancelled"]
        await asyncio.sleep(0.01)
        assert await unless_gone(asyncio.sleep(0.0, "more"), _client(asyncio.Event())) == "more"

    asyncio.run(scenario())


def test_work_that_will_not_be_cancelled_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        gone = asyncio.Event()
        gone.set()

        async def stubborn() -> str:
            try:
                await asyncio.sleep(60.0)
            except asyncio.CancelledError:
                return "done all the same"
            return "done"

        assert await unless_gone(stubborn(), _client(gone)) == "done all the same"
        current = asyncio.current_task()
        assert current is not None
        assert current.cancelling() == 0
        await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_work_that_ends_in_the_moment_in_which_the_client_goes_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        gone, ready = loop.create_future(), loop.create_future()

        async def receive() -> Message:
            await gone
            return {"type": AWAY}

        def both() -> None:
            # Whoever looks is woken first and has told it only once the work has come to its end.
            gone.set_result(None)
            ready.set_result("done")

        loop.call_later(0.06, both)
        assert await unless_gone(ready, receive) == "done"
        await asyncio.sleep(0.01)
        current = asyncio.current_task()
        assert current is not None
        assert current.cancelling() == 0

    asyncio.run(scenario())


def test_an_error_is_raised_as_it_is() -> None:
    async def fails() -> None:
        await asyncio.sleep(0.05)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(unless_gone(fails(), _client(asyncio.Event())))


def test_who_is_cancelled_from_outside_is_cancelled() -> None:
    async def scenario() -> None:
        for pause in (0.0, 0.05):
            task = asyncio.create_task(unless_gone(asyncio.sleep(60.0), _client(asyncio.Event())))
            await asyncio.sleep(pause)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())


def test_a_time_limit_around_it_is_told_as_one() -> None:
    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await unless_gone(asyncio.sleep(60.0), _client(asyncio.Event()))

    asyncio.run(scenario())
