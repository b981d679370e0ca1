"""A few things that are costly to make, kept for the next who asks: made once however many ask at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """At most ``size`` values by key, those asked for last; any thread may ask."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock, self._making = threading.Lock(), threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """Return the value of a key if it is there."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        """Keep a value, in the place of the one that was asked for longest ago if there are too many."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)

    def made(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of a key, from ``make`` when it is not there; one is made at a time, and nothing kept when that fails."""
        found = self.get(key)
        if found is not None:
            return found
        with self._making:
            found = self.get(key)
            if found is None:
                found = make()
                self.put(key, found)
            return found

    def listed(self) -> list[K]:
        """Return the keys of all that is kept."""
        with self._lock:
            return list(self._values)

    def items(self) -> list[tuple[K, V]]:
        """Return all that is kept, what was asked for longest ago first."""
        with self._lock:
            return list(self._values.items())
