"""Which tiles a change touches: an index of tiles by their place, asked with the boxes of the change feed.

A tile shows features of its layers that meet it with its buffer, and where it is thinned it depends on whole cells around it. So
a change of a layer touches, at each zoom, the tiles that one of its boxes comes so near to. An edit costs a few looks into
dictionaries for each box and zoom, however many tiles there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from gisgrid.crs import GCJ02, from_wgs84, is_shifted
from gisgrid.db.changes import Change
from gisgrid.layers import LAYERS
from gisgrid.types import Bounds
from tiles.matrix import MATRIX_SETS, MatrixSet
from tiles.request import Datum, TileRequest, Variant
from tiles.sql import AROUND, BUFFER, EXTENT, is_thinned

_LAYERS = {layer.id: layer for layer in LAYERS}
_OF_AREAS = frozenset(layer.id for layer in LAYERS if layer.level is not None)

_ROUNDING = 1
# A shape for small scales may lie beside the area that it stands for, by half a pixel.
_SIMPLIFIED = 16

_STEPS = 9
# Between two positions of the lattice the shift bends by less than this many metres for a step of one degree squared; twice
# the sum of its waves is the most that it bends at all. No shift is larger than the last of these.
_BEND_M = 900.0
_WIDEST_DEG = 2.0
_LEAST_M = 0.05
_M_PER_DEG = 90_000.0
_LARGEST_SHIFT_DEG = 0.02


class Placed(Protocol):
    """Something that stands for a tile."""

    @property
    def request(self) -> TileRequest:
        """Which tile it stands for."""


class _Box(NamedTuple):
    """A box in parts of the tile of zoom 0: columns from the west, rows from the north."""

    left: float
    top: float
    right: float
    bottom: float


T = TypeVar("T", bound=Placed)


class PlaceIndex(Generic[T]):
    """Tiles by matrix set, datum, zoom, column and row; ``touched`` says which of them a change concerns."""

    def __init__(self) -> None:
        self._sets: dict[tuple[str, Datum], dict[int, _Columns[T]]] = {}

    def add(self, item: T) -> None:
        """Take in a tile; of one place there may be any number."""
        variant, tile = item.request
        zooms = self._sets.setdefault((variant.matrix_set, variant.datum), {})
        rows = zooms.setdefault(tile.z, {}).setdefault(tile.x, {})
        rows[tile.y] = (*rows.get(tile.y, ()), item)

    def remove(self, item: T) -> None:
        """Take out a tile that is in."""
        variant, tile = item.request
        columns = self._sets[variant.matrix_set, variant.datum][tile.z]
        rows = columns[tile.x]
        rest = tuple(one for one in rows[tile.y] if one is not item)
        if rest:
            rows[tile.y] = rest
            return
        del rows[tile.y]
        if not rows:
            del columns[tile.x]

    def touched(self, change: Change) -> set[T]:
        """Return the tiles that may show something else after ``change`` than before."""
        if not change.boxes:
            return {item for item in self.all() if depends(item.request.variant, change.layer)}
        layer = _LAYERS.get(change.layer)
        if layer is None:
            return set()
        found: set[T] = set()
        for (set_id, datum), zooms in self._sets.items():
            boxes = boxes_in(MATRIX_SETS[set_id], datum, change.boxes)
            for zoom, columns in zooms.items():
                if columns and zoom >= layer.min_zoom:
                    reach = reach_of(change.layer, zoom)
                    for box in boxes:
                        found.update(one for one in _near(columns, box, zoom, reach) if change.layer in one.request.variant.layer_ids)
        return found

    def all(self) -> Iterator[T]:
        """Yield every tile that is in; none may be added or removed meanwhile."""
        for zooms in self._sets.values():
            for columns in zooms.values():
                for rows in columns.values():
                    for items in rows.values():
                        yield from items


_Columns = dict[int, dict[int, tuple[T, ...]]]


def depends(variant: Variant, layer_id: str) -> bool:
    """Say whether tiles of a variant show anything of what the change feed calls ``layer_id``.

    Which generation of areas was served when is told as ``generations``.
    """
    if layer_id == "generations":
        return not _OF_AREAS.isdisjoint(variant.layer_ids)
    return layer_id in variant.layer_ids


def reach_of(layer_id: str, zoom: int) -> int:
    """Return how far beyond a tile's edge features of a layer count for it at a zoom, in units of the tile."""
    if is_thinned(_LAYERS[layer_id], zoom):
        return AROUND + _ROUNDING
    return BUFFER + (_SIMPLIFIED if layer_id in _OF_AREAS else _ROUNDING)


def _near(columns: _Columns[T], box: _Box, zoom: int, reach: int) -> Iterator[T]:
    """Yield the tiles of a zoom that have a box within ``reach`` of them."""
    count, around = 1 << zoom, reach / EXTENT
    first, last = _floor(box.left * count - around), _floor(box.right * count + around)
    top, bottom = _floor(box.top * count - around), _floor(box.bottom * count + around)
    for rows in _between(columns, first, last):
        for items in _between(rows, top, bottom):
            yield from items


_V = TypeVar("_V")


def _between(values: dict[int, _V], first: int, last: int) -> list[_V]:
    """Return the values whose keys are in a range, by the shorter way: through the range, or through what is there."""
    if last - first < len(values):
        return [values[key] for key in range(first, last + 1) if key in values]
    return [value for key, value in values.items() if first <= key <= last]


def _floor(value: float) -> int:
    return int(value // 1)


@lru_cache(maxsize=512)
def boxes_in(matrix_set: MatrixSet, datum: Datum, boxes: tuple[Bounds, ...]) -> tuple[_Box, ...]:
    """Return boxes in WGS 84 degrees as a tile matrix set and a datum show them."""
    if datum == "gcj02":
        boxes = shifted(boxes)
    return tuple(_box_in(matrix_set, box) for box in boxes)


def _box_in(matrix_set: MatrixSet, box: Bounds) -> _Box:
    west, south = matrix_set.from_degrees(box.west, box.south)
    east, north = matrix_set.from_degrees(box.east, box.north)
    left, right = (west - matrix_set.west) / matrix_set.side, (east - matrix_set.west) / matrix_set.side
    return _Box(left, (matrix_set.north - north) / matrix_set.side, right, (matrix_set.north - south) / matrix_set.side)


def shifted(boxes: Sequence[Bounds]) -> tuple[Bounds, ...]:
    """Return for each box one that holds all that GCJ-02 makes of the positions in it; degrees both.

    The positions of a lattice are shifted, and a margin covers what bends in between; what is very large, or near the edge of
    the part of the world that is shifted, gets the largest shift there is all around.
    """
    west, south, east, north = np.array(boxes).T
    steps = np.linspace(0.0, 1.0, _STEPS)
    lon = (west[:, None] + (east - west)[:, None] * steps)[:, None, :]
    lat = (south[:, None] + (north - south)[:, None] * steps)[:, :, None]
    x, y = from_wgs84(GCJ02, *np.broadcast_arrays(lon, lat))
    step = np.maximum(east - west, north - south) / (_STEPS - 1)
    margin = (_LEAST_M + _BEND_M * step * step) / _M_PER_DEG
    ends = np.column_stack([x.min((1, 2)) - margin, y.min((1, 2)) - margin, x.max((1, 2)) + margin, y.max((1, 2)) + margin]).tolist()
    return tuple(Bounds(*end) if _is_plain(box) else _widened(box) for box, end in zip(boxes, ends, strict=True))


def _widened(box: Bounds) -> Bounds:
    west, south, east, north = box
    return Bounds(west - _LARGEST_SHIFT_DEG, south - _LARGEST_SHIFT_DEG, east + _LARGEST_SHIFT_DEG, north + _LARGEST_SHIFT_DEG)


def _is_plain(box: Bounds) -> bool:
    around = _widened(box)
    is_small = max(box.east - box.west, box.north - box.south) <= _WIDEST_DEG
    return is_small and is_shifted(around.west, around.south) and is_shifted(around.east, around.north)
