"""What cameras see on the ground, as tiles: sectors of their optics, cut where a building stands in the way.

Worked out with ``gisgrid.sight`` from the cameras and buildings of one snapshot, camera by camera when a tile asks for it, and kept as
long as that snapshot's cameras and buildings are.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from gisgrid.errors import NotFoundError
from gisgrid.layers import layer
from gisgrid.sight import SightIndex
from tiles.encoding import EncodedTile, encode_now
from tiles.polygons import Feature, KeptTiles, Polygons, encoded, on_the_map
from tiles.request import Datum
from tiles.tile import TileId

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

VIEWS_LAYER = "camera_views"
"""The name of the layer in these tiles."""

MIN_ZOOM, MAX_ZOOM = 15, 18
FIELDS = ("code", "kind", "status", "range_m")
"""What a view tells of its camera, as far as tiles of cameras may."""

_STEP_DEG = 2.0
# How many places are looked at along a line: what is hidden behind a roof lower than the mount may be seen again beyond.
_STEPS = 8
# Within the range after rounding.
_SLACK_M = 1e-3
_MOST_TILES = 1024
_MOST_RANGE_M = 5_000.0
_METRES_PER_DEGREE = 110_000.0
_GEOD = Geod(ellps="WGS84")


class Rays(NamedTuple):
    """Lines of view, of one camera after the other, n of them.

    ``camera`` is the row, ``reach_m`` how far nothing is in the way, ``ends`` (n, 2) where that is in degrees. ``places``
    (n, steps + 1, 2) are places along the line, from the camera to the end of its range, ``seen`` (n, steps + 1) whether nothing
    hides them.
    """

    camera: Longs
    bearing: Floats
    reach_m: Floats
    ends: Floats
    places: Floats
    seen: NDArray[np.bool_]


class ViewTiles:
    """Makes tiles of views and keeps them; ``sight`` gives the cameras and buildings as they are now, and may take a moment."""

    def __init__(self, sight: Callable[[], SightIndex]) -> None:
        self._sight = sight
        self._views: Views | None = None
        self._lock = threading.Lock()

    async def tile(self, tile: TileId, datum: Datum = "wgs84") -> EncodedTile:
        """Return a tile; it is made in a thread. Raises NotFoundError for a zoom without views, and where cameras are not public."""
        check_views(tile)
        return await asyncio.to_thread(self._tile, tile, datum)

    def _tile(self, tile: TileId, datum: Datum) -> EncodedTile:
        index = self._sight()
        with self._lock:
            if self._views is None or self._views.index is not index:
                self._views = Views(index)
            views = self._views
        kept = views.kept.get((tile, datum))
        return kept if kept is not None else views.make(tile, datum)


def check_views(tile: TileId) -> None:
    """Raise NotFoundError for a zoom without views, and where cameras are not public."""
    if not layer("cameras").public:
        raise NotFoundError("There are no views of cameras.", "Cameras are not public here.")
    if not MIN_ZOOM <= tile.z <= MAX_ZOOM:
        raise NotFoundError(f"There are no views of cameras at zoom {tile.z}.", f"Zooms go from {MIN_ZOOM} to {MAX_ZOOM}.")


class Views:
    """The views of one state of cameras and buildings, each made when it is asked for first."""

    def __init__(self, index: SightIndex) -> None:
        self.index, self.kept = index, KeptTiles(_MOST_TILES)
        table = index.cameras
        self._lon, self._lat = np.asarray(table.lon), np.asarray(table.lat)
        self._azimuth, self._field, self._range = (self._numbers(name) for name in ("azimuth_deg", "field_of_view_deg", "range_m"))
        kinds = self._column("kind")
        self._round = np.array([kind == "ptz" for kind in kinds], dtype=bool) | (self._field >= 360.0)
        known = (self._range > 0.0) & (self._range <= _MOST_RANGE_M)
        self._drawable = known & (self._round | (~np.isnan(self._azimuth) & (self._field > 0.0)))
        self._views: dict[int, shapely.Geometry] = {}
        self._lock = threading.Lock()

    def make(self, tile: TileId, datum: Datum) -> EncodedTile:
        """Return a tile of views, and keep it."""
        rows = self._near(tile, datum)
        with self._lock:
            missing = [row for row in rows.tolist() if row not in self._views]
            self._views |= self._made(np.array(missing, dtype=np.int64))
            views = np.array([self._views[row] for row in rows.tolist()], dtype=object)
        seen = np.flatnonzero(shapely.area(views) > 0.0)
        polygons = Polygons(_on_the_map(views[seen], datum))
        meeting = polygons.meeting(tile)
        features = [self._feature(int(row)) for row in rows[seen[meeting]].tolist()]
        made = encode_now(encoded(VIEWS_LAYER, features, polygons.drawn(meeting, tile)))
        self.kept.put((tile, datum), made)
        return made

    def view(self, row: int) -> shapely.Geometry:
        """Return what the camera in a row sees on the ground, degrees WGS 84; an empty polygon where it is not known."""
        return self._made(np.array([row])[self._drawable[[row]]]).get(row, shapely.Polygon())

    def _near(self, tile: TileId, datum: Datum) -> Longs:
        """Return the cameras whose range reaches a tile, and some around."""
        x, y = on_the_map(self._lon, self._lat, datum)
        count = 1 << tile.z
        reach = self._range / _METRES_PER_DEGREE / 360.0 / np.cos(np.radians(np.minimum(np.abs(self._lat), 85.0))) * count * 1.1 + 0.1
        near = (np.abs(x * count - tile.x - 0.5) <= 0.5 + reach) & (np.abs(y * count - tile.y - 0.5) <= 0.5 + reach)
        return np.flatnonzero(near & self._drawable)

    def _made(self, rows: Longs) -> dict[int, shapely.Geometry]:
        """Return by row what cameras see."""
        if not rows.size:
            return {}
        rays = self.rays(rows)
        begins = np.flatnonzero(np.diff(rays.camera, prepend=-1))
        parts = zip(begins.tolist(), [*begins[1:].tolist(), len(rays.camera)], strict=True)
        return {int(rays.camera[begin]): self._seen_of(rays, slice(begin, end)) for begin, end in parts}

    def _seen_of(self, rays: Rays, part: slice) -> shapely.Geometry:
        """Return what one camera sees: as far as nothing is in the way, and beyond what lower roofs hide."""
        row = int(rays.camera[part.start])
        ring = rays.ends[part] if self._round[row] else np.vstack([[self._lon[row], self._lat[row]], rays.ends[part]])
        beyond = _beyond(rays.places[part], rays.seen[part], closed=bool(self._round[row]))
        shape = shapely.Polygon(ring)
        return shapely.union_all([shapely.make_valid(shape), *beyond]) if beyond else shape

    def rays(self, rows: Longs) -> Rays:
        """Return the lines of view of cameras (rows in order, each drawable), from one side of what they see to the other."""
        camera, bearing = self._bearings(rows)
        span, shape = self._range[camera] - _SLACK_M, (len(camera), _STEPS)
        far = span[:, None] * (np.arange(1, _STEPS + 1) / _STEPS)
        lon, lat = (np.broadcast_to(values[camera][:, None], shape) for values in (self._lon, self._lat))
        to_lon, to_lat, _ = _GEOD.fwd(lon.ravel(), lat.ravel(), np.repeat(bearing, _STEPS), far.ravel())
        found = self.index.look_many(np.asarray(to_lon), np.asarray(to_lat), np.repeat(camera, _STEPS)[:, None])
        hidden = (found.building >= 0).reshape(shape)
        first = np.where(hidden.any(axis=1), hidden.argmax(axis=1), -1)
        met = found.met_m.reshape(shape)[np.arange(len(camera)), first]
        reach = np.where(first >= 0, np.minimum(met, far[:, -1]), far[:, -1])
        end_lon, end_lat, _ = _GEOD.fwd(lon[:, 0], lat[:, 0], bearing, reach)
        places = np.dstack([np.column_stack([start[:, :1], np.reshape(to, shape)]) for start, to in ((lon, to_lon), (lat, to_lat))])
        seen = np.column_stack([~hidden[:, :1], ~hidden])
        return Rays(camera, bearing, reach, np.column_stack([end_lon, end_lat]), places, seen)

    def _bearings(self, rows: Longs) -> tuple[Longs, Floats]:
        wide = np.where(self._round[rows], 360.0, self._field[rows])
        steps = np.maximum(np.ceil(wide / _STEP_DEG), 2).astype(np.int64)
        count = np.where(self._round[rows], steps, steps + 1)  # a circle closes itself
        camera = np.repeat(np.arange(len(rows)), count)
        number = np.arange(len(camera)) - np.repeat(np.cumsum(count) - count, count)
        first = np.where(self._round[rows], 0.0, self._azimuth[rows] - wide / 2.0)
        return rows[camera], first[camera] + (wide / steps)[camera] * number

    def _feature(self, row: int) -> Feature:
        table, cameras = self.index.cameras, layer("cameras")
        shown = [name for name in FIELDS if name in table.fields and cameras.field(name).in_tiles]
        values = {name: table.rows[row][table.fields.index(name)] for name in shown}
        return Feature(int(table.ids[row]), {name: value for name, value in values.items() if value is not None})

    def _column(self, name: str) -> list[object]:
        table = self.index.cameras
        if name not in table.fields:
            return [None] * len(table.ids)
        at = table.fields.index(name)
        return [row[at] for row in table.rows]

    def _numbers(self, name: str) -> Floats:
        return np.array(self._column(name), dtype=np.float64)


def _beyond(places: Floats, seen: NDArray[np.bool_], *, closed: bool) -> list[shapely.Polygon]:
    """Return the pieces between neighbouring lines and steps, all of whose corners are seen, that lie behind something hidden."""
    if seen.all():
        return []
    one, other = np.arange(len(seen) if closed else len(seen) - 1), np.arange(1, len(seen) + 1) % len(seen)
    other = other[: len(one)]
    whole = seen[one, :-1] & seen[one, 1:] & seen[other, :-1] & seen[other, 1:]
    behind = np.logical_or.accumulate(~seen[one] | ~seen[other], axis=1)[:, :-1]
    line, step = np.nonzero(whole & behind)
    corners = [places[one[line], step], places[one[line], step + 1], places[other[line], step + 1], places[other[line], step]]
    pieces = shapely.polygons(np.stack(corners, axis=1))
    return [piece for piece in np.atleast_1d(pieces).tolist() if piece.is_valid] if line.size else []


def _on_the_map(views: NDArray[np.object_], datum: Datum) -> NDArray[np.object_]:
    return np.asarray(shapely.transform(views, lambda corners: np.column_stack(on_the_map(corners[:, 0], corners[:, 1], datum))))
