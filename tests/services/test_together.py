"""Work done in a thread together: each gets its own, errors too, and what comes meanwhile goes together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gisgrid.services.cases.together import Together


def test_each_gets_its_own_outcome_and_what_comes_meanwhile_goes_together() -> None:
    pieces: list[int] = []

    async def aside(work: Callable[[], list[int | Exception]]) -> list[int | Exception]:
        found = await asyncio.to_thread(work)
        pieces.append(len(found))
        return found

    def broken() -> int:
        raise ValueError("nothing can be decided of this")

    async def ask() -> list[int | BaseException]:
        together = Together[int](aside)
        works: list[Callable[[], int]] = [lambda number=number: number for number in range(40)]  # type: ignore[misc]
        works[7] = broken
        return await asyncio.gather(*map(together.of, works), return_exceptions=True)

    found = asyncio.run(ask())
    assert isinstance(found[7], ValueError)
    assert [one for one in found if not isinstance(one, BaseException)] == [number for number in range(40) if number != 7]
    assert sum(pieces) == 40
    assert 10 <= len(pieces) <= 12


def test_nobody_waits_for_ever_when_the_thread_takes_nothing_any_more() -> None:
    async def aside(_: Callable[[], list[int | Exception]]) -> list[int | Exception]:
        raise RuntimeError("the threads have ended")

    async def ask() -> None:
        together = Together[int](aside)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="have ended"):
                await together.of(lambda: 1)

    asyncio.run(ask())


def test_one_who_has_gone_away_keeps_nobody_else_waiting() -> None:
    async def ask() -> int:
        together = Together[int](asyncio.to_thread)
        gone = asyncio.create_task(together.of(lambda: 1))
        here = asyncio.create_task(together.of(lambda: 2))
        await asyncio.sleep(0)
        gone.cancel()
        return await asyncio.wait_for(here, 10)

    assert asyncio.run(ask()) == 2
