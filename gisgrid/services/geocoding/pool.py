"""Many addresses at once, on all processors: what reads them is Python, so that threads would wait for each other."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType

import pyarrow as pa

from gisgrid.geocoding.gazetteer import Gazetteer

Texts = Sequence[str | None]

# Pieces that wait beside those that are being worked on.
_AHEAD = 2

_gazetteer: Gazetteer | None = None


class GeocoderPool:
    """Answers pieces of a list of addresses in processes of their own; ``processes`` is how many, by default one for each processor.

    To begin takes a few seconds, in which each of them makes its gazetteer: below some ten thousand rows ``geocode_many`` of a
    gazetteer is quicker. Use it as a context manager.
    """

    def __init__(self, gazetteer: Gazetteer, processes: int | None = None) -> None:
        self._count = processes or os.cpu_count() or 1
        # Not forked: this process may have threads.
        context = multiprocessing.get_context("forkserver")
        self._pool = ProcessPoolExecutor(self._count, context, initializer=_begin, initargs=(gazetteer,))

    def __enter__(self) -> GeocoderPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def map(self, pieces: Iterable[Texts]) -> Iterator[dict[str, pa.Array]]:
        """Yield what ``Gazetteer.geocode_many`` answers to each piece, in order; only a few pieces are taken ahead."""
        waiting: deque[Future[dict[str, pa.Array]]] = deque()
        for piece in pieces:
            waiting.append(self._pool.submit(_answer, piece))
            if len(waiting) >= self._count + _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _begin(gazetteer: Gazetteer) -> None:
    global _gazetteer  # noqa: PLW0603 (a process of the pool has nothing else to keep it in)
    gazetteer.prepare()
    _gazetteer = gazetteer


def _answer(texts: Texts) -> dict[str, pa.Array]:
    assert _gazetteer is not None  # made when the process began
    return _gazetteer.geocode_many(texts)
