"""Long arrays piece by piece: what is computed of one piece stays in the processor's cache, and pieces go to several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

PIECE = 1 << 17
"""Points of one piece; the pieces are the same however many threads there are, and so are the answers, to the last bit."""

FEWEST_PARALLEL = 200_000
"""Fewer points than this are answered by the thread that asks: another one would cost more than it saves."""

_MOST_THREADS = 4

One = TypeVar("One")
Other = TypeVar("Other")


def in_pieces(work: Callable[[slice], None], count: int, *, parallel: bool = True) -> None:
    """Call ``work`` for every piece of ``count`` points; it must write what it finds into arrays of its own caller.

    NumPy computes outside the interpreter's lock, so that threads help. ``parallel`` says whether others than this one may be used,
    which callers with workers of their own do not want. What ``work`` raises is raised here.
    """
    pieces = pieces_of(count, PIECE)
    threads = min(_processors(), _MOST_THREADS, len(pieces))
    if not parallel or count < FEWEST_PARALLEL or threads < 2:
        for piece in pieces:
            work(piece)
        return
    for _ in _pool(os.getpid()).map(work, pieces):
        pass


def gathered(work: Callable[[slice], One], pieces: Sequence[slice]) -> list[One]:
    """Return what ``work`` returns for each of some pieces, in their order, by several threads if there are several pieces.

    ``work`` must not call this or ``in_pieces`` itself: its threads would wait for each other.
    """
    if len(pieces) < 2 or _processors() < 2:
        return [work(piece) for piece in pieces]
    return list(_pool(os.getpid()).map(work, pieces))


def pieces_of(count: int, size: int) -> list[slice]:
    """Return slices of ``size`` members, the last one perhaps of fewer, that go over ``count`` of them."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def side_by_side(one: Callable[[], One], other: Callable[[], Other]) -> tuple[One, Other]:
    """Return what two pieces of work return, the second done by another thread where there is a processor for it.

    What they raise is raised here, when both have ended.
    """
    if _processors() < 2:
        return one(), other()
    with ThreadPoolExecutor(1, thread_name_prefix="gisgrid-beside") as pool:
        later = pool.submit(other)
        return one(), later.result()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the threads of this process: after a fork those of the parent are not there, and its number is another."""
    return ThreadPoolExecutor(min(_processors(), _MOST_THREADS), thread_name_prefix=f"gisgrid-locator-{process}")
