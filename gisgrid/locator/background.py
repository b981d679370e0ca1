"""A value that takes a moment to make and that can be done without: made in the background from when it is missed first."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar, cast

T = TypeVar("T")

# One value is made at a time, so that edits in quick succession do not take the processors from those who ask.
_TURN = threading.Lock()


class Background(Generic[T]):
    """The value of ``make``; any thread may ask. Nobody waits for another one: ``get`` makes it itself where it is not there.

    >>> value = Background(lambda: "made")
    >>> value.is_ready, value.get(), value.at_hand()
    (False, 'made', 'made')
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make
        self._value: T | None = None
        self._asked_in = 0

    @classmethod
    def ready(cls, value: T) -> Background[T]:
        """Return one that is there already."""
        made = cls(lambda: value)
        made.get()
        return made

    @property
    def is_ready(self) -> bool:
        """Whether it has been made."""
        return self._value is not None

    def get(self) -> T:
        """Return the value, made now if it is not there; two threads that come at once both make it, which does no harm."""
        # Read in this order, and written in the other: one of the two is there at any moment.
        make, value = self._make, self._value
        if value is None and make is not None:
            value = self._value = make()
            # With it goes what it was made of.
            self._make = None
        return cast(T, value)

    def at_hand(self) -> T | None:
        """Return the value if it is there; else have it made, and return None."""
        if self._value is None and self._asked_in != os.getpid():
            # A process that was forked off has none of its parent's threads.
            self._asked_in = os.getpid()
            # Held weakly: what an edit has replaced meanwhile need not be made.
            threading.Thread(target=_make_in_turn, args=(weakref.ref(self),), name="gisgrid-locator-background", daemon=True).start()
        return self._value


def _make_in_turn(held: weakref.ReferenceType[Background[T]]) -> None:
    with _TURN:
        value = held()
        if value is not None:
            value.get()
