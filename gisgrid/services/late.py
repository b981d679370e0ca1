"""A value that takes a moment to make, made once by whoever asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Late(Generic[T]):
    """The value of ``make``, made when it is asked for first; any thread may ask, and those that come meanwhile wait.

    What ``make`` raises is raised, and it is tried again the next time.

    >>> late = Late(lambda: "made")
    >>> late.is_ready, late.get(), late.is_ready
    (False, 'made', True)
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make
        self._value: T
        self._making = threading.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether it has been made."""
        return self._make is None

    def get(self) -> T:
        """Return the value."""
        if self._make is not None:
            with self._making:
                if self._make is not None:
                    self._value = self._make()
                    # With it goes what it was made of.
                    self._make = None
        return self._value
