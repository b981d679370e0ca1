"""Counts of point features by H3 hexagon: of which kind, and from which time, worked out from the points in memory.

The points are those of one snapshot of the data. All that is kept hangs on them: an edit gives other points, and nothing that was made
of the old ones is served again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import shapely
from h3.api import basic_int as h3
from numpy.typing import NDArray

from gisgrid.errors import NotFoundError, ParameterError
from gisgrid.layers import layer
from gisgrid.locator import PointIndex
from tiles.encoding import EncodedTile, encode_now
from tiles.polygons import Feature, KeptTiles, Polygons, encoded, on_the_map
from tiles.request import Datum
from tiles.tile import TileId

Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

H3_LAYER = "h3"
"""The name of the layer in these tiles."""

H3_LAYERS = ("manhole_covers", "cameras")
"""The layers that are counted."""

MIN_ZOOM, MAX_ZOOM = 4, 18
H3_TIMES = {"manhole_covers": "installed_on"}
"""The field that says since when a feature is there, of the layers that have one."""
_KINDS = "kind"
_MOST_TILES = 2048
_MOST_COUNTS = 64

# A level is 2.65 times as fine as the one above it, a zoom twice: hexagons are always about a twelfth of a tile wide.
_RESOLUTIONS = (0, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 8, 9, 10, 10, 11, 12, 12)


class H3Request(NamedTuple):
    """A tile of counts: of features of ``layer_id`` whose kind is among ``kinds`` (empty: any), from ``since`` to ``until``, both included.

    With one of the two, features whose date is not known are not counted.
    """

    layer_id: str
    tile: TileId
    kinds: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    datum: Datum = "wgs84"


def check_h3(request: H3Request) -> None:
    """Raise NotFoundError for a layer or zoom that is not counted, ParameterError for a time of what has none."""
    id = request.layer_id
    if id not in H3_LAYERS or not layer(id).public:
        raise NotFoundError(f"There are no counts of layer {id[:60]!r}.", f"Layers: {', '.join(H3_LAYERS)}.")
    if request.tile.z > MAX_ZOOM:
        raise NotFoundError(f"There are no counts at zoom {request.tile.z}.", f"Zooms go from 0 to {MAX_ZOOM}.")
    if (request.since or request.until) and id not in H3_TIMES:
        raise ParameterError("from", f"{id} have no time to count by.", f"from and to with {', '.join(H3_TIMES)} only")
    if request.since and request.until and request.since > request.until:
        raise ParameterError("to", f"{request.until} is before {request.since}.", "a date that is not before that of from")
    known = layer(id).field(_KINDS).choices
    for kind in request.kinds:
        if known and kind not in known:
            raise ParameterError("kind", f"{kind[:40]!r} is no kind of {id}.", f"some of {', '.join(known)}")


def resolution(zoom: int) -> int:
    """Return the H3 resolution of the hexagons at a zoom."""
    return _RESOLUTIONS[zoom]


def short_id(cell: int) -> int:
    """Return the number of a cell in 47 bits (to resolution 12), unique among all: a client's numbers hold 53, not H3's 64."""
    level = (cell >> 52) & 0xF
    return (cell >> 3 * (15 - level)) & ((1 << (11 + 3 * level)) - 1)


class H3Tiles:
    """Makes tiles of counts and keeps them; ``points`` gives the points of a layer as they are now."""

    def __init__(self, points: Callable[[str], PointIndex]) -> None:
        self._points = points
        self._counted: dict[str, Counted] = {}

    async def tile(self, request: H3Request) -> EncodedTile:
        """Return a tile; what is not kept is made in a thread. Raises NotFoundError and ParameterError as ``check_h3``."""
        check_h3(request)
        counted = self._now(request.layer_id)
        kept = counted.kept.get(request)
        return kept if kept is not None else await asyncio.to_thread(counted.make, request)

    def _now(self, layer_id: str) -> Counted:
        points, counted = self._points(layer_id), self._counted.get(layer_id)
        if counted is None or counted.points is not points:
            counted = self._counted[layer_id] = Counted(points, counted)
        return counted


class Counted:
    """The cells of one state of a layer's points; those of points that have not moved are taken over from ``before``."""

    def __init__(self, points: PointIndex, before: Counted | None = None) -> None:
        self.points, self.kept = points, KeptTiles(_MOST_TILES)
        self._cells: dict[int, Longs] = {}
        self._before = {} if before is None else before._cells, None if before is None else before.points
        self._lock = threading.RLock()
        self._level = lru_cache(maxsize=None)(self._make_level)
        self._count = lru_cache(maxsize=_MOST_COUNTS)(self._make_count)

    def make(self, request: H3Request) -> EncodedTile:
        """Return a tile of counts, and keep it."""
        tile, level = request.tile, resolution(request.tile.z)
        with self._lock:  # the same work is not done twice at once
            cells, _, polygons = self._level(level, request.datum)
            counts = self._count(level, request.kinds, request.since, request.until)
        rows = polygons.meeting(tile)
        rows = rows[counts[rows] > 0]
        features = [
            Feature(short_id(cell), {"cell": h3.int_to_str(cell), "count": count})
            for cell, count in zip(cells[rows].tolist(), counts[rows].tolist(), strict=True)
        ]
        made = encode_now(encoded(H3_LAYER, features, polygons.drawn(rows, tile)))
        self.kept.put(request, made)
        return made

    def cells(self, level: int) -> Longs:
        """Return the cell of each point at a resolution."""
        with self._lock:
            if level not in self._cells:
                self._cells[level] = self._found(level)
            return self._cells[level]

    def _found(self, level: int) -> Longs:
        table = self.points.table
        cells = np.zeros(len(table.ids), dtype=np.int64)
        earlier, points = self._before[0].get(level), self._before[1]
        if earlier is not None and points is not None and len(points.table.ids):
            old, ids = points.table, np.asarray(table.ids)
            at = np.minimum(np.searchsorted(old.ids, ids), len(old.ids) - 1)
            same = (np.asarray(old.ids)[at] == ids) & (old.lon[at] == table.lon) & (old.lat[at] == table.lat)
            cells[same] = earlier[at[same]]
        new = np.flatnonzero(cells == 0)
        for row, lat, lon in zip(new.tolist(), table.lat[new].tolist(), table.lon[new].tolist(), strict=True):
            cells[row] = h3.latlng_to_cell(lat, lon, level)
        return cells

    def _make_level(self, level: int, datum: Datum) -> tuple[Longs, Longs, Polygons]:
        """Return the cells that there are, for each point the place of its cell among them, and their hexagons."""
        cells, place = np.unique(self.cells(level), return_inverse=True)
        return cells, place, hexagons(cells, datum)

    def _make_count(self, level: int, kinds: tuple[str, ...], since: date | None, until: date | None) -> Longs:
        cells, place, _ = self._level(level, "wgs84")
        return np.bincount(place[self._chosen(kinds, since, until)], minlength=len(cells))

    def _chosen(self, kinds: tuple[str, ...], since: date | None, until: date | None) -> Bools:
        chosen = np.ones(len(self.points.table.ids), dtype=bool)
        if kinds:
            chosen &= np.isin(self._values(_KINDS), kinds)
        if since or until:
            # Dates are text here, YYYY-MM-DD: their order is that of time; the empty text is no date.
            days = next(self._values(name) for name in H3_TIMES.values() if name in self.points.table.fields)
            chosen &= (days >= (since.isoformat() if since else "0")) & (days <= (until.isoformat() if until else "9999-12-31"))
        return chosen

    def _values(self, name: str) -> NDArray[Any]:
        table = self.points.table
        at = table.fields.index(name)
        return np.array([row[at] or "" for row in table.rows], dtype=str)


def hexagons(cells: Longs, datum: Datum) -> Polygons:
    """Return the shapes of H3 cells on the map."""
    rings = [h3.cell_to_boundary(cell) for cell in cells.tolist()]
    sizes = np.array([len(ring) for ring in rings], dtype=np.int64)
    lat, lon = np.array([corner for ring in rings for corner in ring]).reshape(-1, 2).T
    corners = np.column_stack(on_the_map(lon, lat, datum))
    lines = shapely.linearrings(corners, indices=np.repeat(np.arange(len(sizes)), sizes))
    return Polygons(np.asarray(shapely.polygons(lines), dtype=object))
