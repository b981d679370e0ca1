"""What is made of a feature when it is asked for first, and kept for the next time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from gisgrid.locator.replacing import Splice

# Beyond this many all are let go, so that what is kept of a very large layer stays within some tens of megabytes.
_MOST = 50_000

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """Something for each row of a table, made by ``make`` from the table and the row; any thread may ask."""

    def __init__(self, table: Any, size: int, make: Callable[[Any, int], Made]) -> None:
        self._table, self._make = table, make
        self._known: list[Made | None] = [None] * size
        self._count = 0

    def __getitem__(self, row: int) -> Made:
        known = self._known[row]
        if known is None:
            if self._count >= _MOST:
                self._known, self._count = [None] * len(self._known), 0
            known = self._known[row] = self._make(self._table, row)
            self._count += 1
        return known

    def take_over(self, old: Kept[Made], change: Splice) -> None:
        """Take over from the table before what was made of the rows that stayed."""
        known = old._known
        self._known = change.of(known, [None] * (len(self._known) - int(change.kept.sum())))
        self._count = old._count
