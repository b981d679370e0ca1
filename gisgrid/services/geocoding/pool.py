"""Many addresses at once, on all processors: what reads them is Python, so that threads would wait for each other."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType

import pyarrow as pa

from gisgrid.geocoding.gazetteer import Gazetteer

Texts = Sequence[str | None]

# Pieces that wait beside those that are being worked on.
_AHEAD = 2
_PART = 2_000
# From so many on what processes save is more than the time that they take to begin.
_WORTH_PROCESSES = 10_000

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

    def answer(self, texts: Texts) -> dict[str, pa.Array]:
        """Return what ``Gazetteer.geocode_many`` answers, with all processes at work on parts of the texts; any thread may ask."""
        # The first part may be empty: it gives the columns.
        starts = range(0, max(1, len(texts)), _PART)
        parts = list(self.map(texts[start : start + _PART] for start in starts))
        return {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}

    def map(self, pieces: Iterable[Texts]) -> Iterator[dict[str, pa.Array]]:
        """Yield what ``Gazetteer.geocode_many`` answers to each piece, in order; only a few pieces are taken ahead."""
        waiting: deque[Future[dict[str, pa.Array]]] = deque()
        for piece in pieces:
            waiting.append(self._pool.submit(_answer, piece))
            if len(waiting) >= self._count + _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class Addresses:
    """Finds few addresses in this process, and many in processes of their own, which begin when so many are asked for.

    Any thread may ask. Use it as a context manager.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._pool: GeocoderPool | None = None
        self._asked, self._lock = 0, threading.Lock()

    def __enter__(self) -> Addresses:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.__exit__(kind, error, trace)

    def answer(self, texts: Texts) -> dict[str, pa.Array]:
        """Return what ``Gazetteer.geocode_many`` answers to some addresses."""
        with self._lock:
            self._asked += len(texts)
            if self._pool is None and self._asked >= _WORTH_PROCESSES:
                self._pool = GeocoderPool(self._gazetteer)
        return self._gazetteer.geocode_many(texts) if self._pool is None else self._pool.answer(texts)


def _begin(gazetteer: Gazetteer) -> None:
    global _gazetteer  # noqa: PLW0603 (a process of the pool has nothing else to keep it in)
    gazetteer.prepare()
    _gazetteer = gazetteer


def _answer(texts: Texts) -> dict[str, pa.Array]:
    assert _gazetteer is not None  # made when the process began
    return _gazetteer.geocode_many(texts)
