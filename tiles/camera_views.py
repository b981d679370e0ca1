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

MIN_ZOOM, MAX_ZOOM = 14, 18
FIELDS = ("code", "kind", "status", "range_m")
"""What a view tells of its camera, as far as tiles of cameras may."""

_STEP_DEG = 2.0
# A place nearer than another may be in the shadow of a roof that the line to the farther one passes above.
_PARTS_OF_RANGE = np.array([0.25, 0.5, 0.75, 1.0])
# Within the range after rounding.
_SLACK_M = 1e-3
_MOST_TILES = 1024
_MOST_RANGE_M = 5_000.0
_METRES_PER_DEGREE = 110_000.0
_GEOD = Geod(ellps="WGS84")


class Rays(NamedTuple):
    """Lines of view, of one camera after the other: the camera (row), the bearing, how far it sees and where that is, in degrees."""

    camera: Longs
    bearing: Floats
    reach_m: Floats
    lon: Floats
    lat: Floats


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
        self._rings: dict[int, Floats] = {}
        self._lock = threading.Lock()

    def make(self, tile: TileId, datum: Datum) -> EncodedTile:
        """Return a tile of views, and keep it."""
        rows = self._near(tile, datum)
        with self._lock:
            missing = [row for row in rows.tolist() if row not in self._rings]
            self._rings |= self._made(np.array(missing, dtype=np.int64))
            rings = [self._rings[row] for row in rows.tolist()]
        seen = [number for number, ring in enumerate(rings) if len(ring) > 2]
        polygons = Polygons(np.array([_polygon(rings[number], datum) for number in seen], dtype=object))
        meeting = polygons.meeting(tile) if seen else np.zeros(0, dtype=np.int64)
        features = [self._feature(int(rows[seen[number]])) for number in meeting.tolist()]
        made = encode_now(encoded(VIEWS_LAYER, features, polygons.drawn(meeting, tile)) if features else b"")
        self.kept.put((tile, datum), made)
        return made

    def ring(self, row: int) -> Floats:
        """Return the corners of what the camera in a row sees, degrees WGS 84, shape (n, 2); none where it is not known."""
        return self._made(np.array([row])[self._drawable[[row]]]).get(row, np.zeros((0, 2)))

    def _near(self, tile: TileId, datum: Datum) -> Longs:
        """Return the cameras whose range reaches a tile, and some around."""
        x, y = on_the_map(self._lon, self._lat, datum)
        count = 1 << tile.z
        reach = self._range / _METRES_PER_DEGREE / 360.0 / np.cos(np.radians(np.minimum(np.abs(self._lat), 85.0))) * count * 1.1 + 0.1
        near = (np.abs(x * count - tile.x - 0.5) <= 0.5 + reach) & (np.abs(y * count - tile.y - 0.5) <= 0.5 + reach)
        return np.flatnonzero(near & self._drawable)

    def _made(self, rows: Longs) -> dict[int, Floats]:
        """Return by row the corners of what cameras see."""
        if not rows.size:
            return {}
        rays = self.rays(rows)
        begins = np.flatnonzero(np.diff(rays.camera, prepend=-1))
        found = np.split(np.column_stack([rays.lon, rays.lat]), begins[1:])
        return {row: self._closed(row, ends) for row, ends in zip(rays.camera[begins].tolist(), found, strict=True)}

    def _closed(self, row: int, ends: Floats) -> Floats:
        return ends if self._round[row] else np.vstack([[self._lon[row], self._lat[row]], ends])

    def rays(self, rows: Longs) -> Rays:
        """Return the lines of view of cameras (rows in order, each drawable), from one side of what they see to the other."""
        camera, bearing = self._bearings(rows)
        reach = self._range[camera] - _SLACK_M
        lon, lat = self._lon[camera], self._lat[camera]
        far = reach[:, None] * _PARTS_OF_RANGE
        many = np.broadcast_to(np.arange(len(camera))[:, None], far.shape).ravel()
        to_lon, to_lat, _ = _GEOD.fwd(lon[many], lat[many], bearing[many], far.ravel())
        found = self.index.look_many(np.asarray(to_lon), np.asarray(to_lat), camera[many][:, None])
        met = np.where(found.building >= 0, found.met_m, np.inf).reshape(far.shape).min(axis=1)
        reach = np.minimum(reach, met)
        end_lon, end_lat, _ = _GEOD.fwd(lon, lat, bearing, reach)
        return Rays(camera, bearing, reach, np.asarray(end_lon), np.asarray(end_lat))

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


def _polygon(ring: Floats, datum: Datum) -> shapely.Polygon:
    return shapely.Polygon(np.column_stack(on_the_map(ring[:, 0], ring[:, 1], datum)))
