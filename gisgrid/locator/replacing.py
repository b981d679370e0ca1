"""Taking over most of an index: which rows of a table stay when the features in some boxes are read again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gisgrid.types import Bounds

Boxes = Bounds | Sequence[Bounds]
"""One box or several, degrees, WGS 84; their borders belong to them."""

Member = TypeVar("Member")

# So many rows are put in and taken out one by one, which is quicker than to write the whole list anew.
_FEW = 50


def each_box(boxes: Boxes) -> tuple[Bounds, ...]:
    """Return the boxes one by one, however many there are."""
    return (boxes,) if isinstance(boxes, Bounds) else tuple(boxes)


class Splice(NamedTuple):
    """Old and new rows in the order of their ids: of those one after the other, ``kept`` says which stay, ``order`` where they come."""

    kept: NDArray[np.bool_]
    order: NDArray[np.int64]

    def of(self, old: Sequence[Member], new: Sequence[Member]) -> list[Member]:
        """Return a column of the table that comes out, from that of the old table and that of the new one."""
        stay = len(self.order) - len(new)
        if len(new) > _FEW or (np.diff(self.order[self.order < stay]) < 0).any():
            both = [*compress(old, self.kept.tolist()), *new]
            return [both[place] for place in self.order.tolist()]
        # Few are new and the rest is in order: each goes in at its place, from the first to the last.
        column = list(compress(old, self.kept.tolist())) if stay < len(old) - _FEW else _without(old, np.flatnonzero(~self.kept).tolist())
        for place, number in zip(*(part.tolist() for part in self.places), strict=True):
            column.insert(place, new[number])
        return column

    @property
    def source(self) -> NDArray[np.int64]:
        """The old row that each row was; 0 for those that are new."""
        stay = np.flatnonzero(self.kept)
        return np.concatenate([stay, np.zeros(len(self.order) - len(stay), np.int64)])[self.order]

    @property
    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows that are new, and which of the new ones they are."""
        stay = int(self.kept.sum())
        places = np.flatnonzero(self.order >= stay)
        return places, self.order[places] - stay

    def of_arrays(self, old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        """Return what ``of`` does, for arrays along their first axis."""
        if not len(old):
            return new[self.order]
        merged = old.take(self.source, axis=0)
        places, which = self.places
        merged[places] = new[which]
        return merged


def _without(old: Sequence[Member], places: list[int]) -> list[Member]:
    column = list(old)
    for place in reversed(places):
        del column[place]
    return column


def splice(old_ids: Sequence[int], touched: NDArray[np.bool_], new_ids: Sequence[int]) -> Splice:
    """Return how the rows ``touched`` of an old table give way to those of a new one.

    An old row whose id comes again gives way too: the new table may hold a little more than what was touched.
    """
    old, new = np.array(old_ids, np.int64), np.array(new_ids, np.int64)
    kept = ~touched & ~np.isin(old, new)
    return Splice(kept, np.argsort(np.concatenate([old[kept], new]), kind="stable"))
