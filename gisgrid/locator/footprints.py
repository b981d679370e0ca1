"""Building footprints in memory: the building at a point, and the nearest ones."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable
from functools import cached_property, partial
from itertools import islice
from typing import Any, NamedTuple, cast

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from gisgrid.features.texts import area_text, feature_text, ring_text
from gisgrid.locator.boxes import BoxCells
from gisgrid.locator.filters import FieldValues, KeptParts, Where, filter_key
from gisgrid.locator.ground import LOCAL_M, earth_centred, metres_per_degree, straight_slack_m
from gisgrid.locator.kept import Kept
from gisgrid.locator.nearby import axes_at
from gisgrid.locator.outlines import Cells, Outlines, Rows, covers, feet, near_feet, outlines_of
from gisgrid.locator.patterns import gap, pattern
from gisgrid.locator.replacing import Boxes, each_box, splice
from gisgrid.locator.straight import Vantage, ground_few, ground_many, place_of, vantage
from gisgrid.types import Bounds

_DEG = math.pi / 180.0
# Rings of cells looked at around the cell of a place, and how many footprints are measured before their balls are asked.
_REACHES = (1, 2, 4, 8)
_AT_MOST = 800
_ONE_BY_ONE = 100
# A footprint is at least as far as its box on a plane of the scale at the place, less this for the meridians that draw together.
_AT_LEAST = 0.99
_PLAIN_LON, _PLAIN_LAT = 179.0, 80.0
# Footprints looked at beyond those that are wanted in a box, since the boxes of some meet it and they do not.
_SPARE = 8
# What rounding may come to; only a footprint that covers a place is nearer than that.
_ROUNDING_M = 1e-6


class FootprintTable(NamedTuple):
    """Buildings: ids, codes, footprints (shapely, WGS 84), and the values of ``fields`` for each."""

    ids: list[int]
    codes: list[str]
    geometries: NDArray[Any]
    fields: tuple[str, ...]
    rows: list[tuple[object, ...]]


class Building(NamedTuple):
    """A building near a point; ``distance_m`` is 0 where its footprint covers the point."""

    id: int
    code: str
    distance_m: float
    properties: dict[str, object]


class FootprintIndex:
    """The footprints of a layer of buildings. It never changes: ``replaced`` gives another one. Any thread may ask.

    Distances are geodesics on WGS 84 to the nearest point of a footprint, whose edges are straight in longitude and
    latitude; 0 inside, but not in a hole. For edges of up to 100 m and places within 10 km they are exact to a micrometre.
    PostGIS geography draws edges as great circles, 0.2 mm beside these where they are 100 m long and 2 mm where 300 m, and
    looks for the nearest point of an edge on a sphere, which makes its distances longer by up to twenty millionths; of a
    footprint in several parts it sometimes takes the nearest but one. What is as far away but for that may come in another order there.
    """

    def __init__(self, table: FootprintTable) -> None:
        boxes = shapely.bounds(table.geometries).reshape(-1, 4)
        middle = np.median(boxes, axis=0) if len(boxes) else np.zeros(4)
        axes = axes_at(earth_centred((middle[0] + middle[2]) / 2, (middle[1] + middle[3]) / 2))
        self._set(table, axes, outlines_of(table.geometries, axes))

    def _set(self, table: FootprintTable, axes: NDArray[np.float64], outlines: Outlines) -> None:
        size = len(table.ids)
        self.table, self._axes, self._outlines = table, axes, outlines
        self._right, self._up = axes.tolist()
        # Read one by one these are numbers of Python at once, which those of an array are not.
        self._first, self._boxes = outlines.first.data, np.ascontiguousarray(outlines.boxes).reshape(-1).data
        self._slack = (2.0 * outlines.slack_m + _ROUNDING_M).data
        self._all = Cells(outlines.flat, np.arange(size))
        self._parts = KeptParts(FieldValues(table.fields, table.rows), size, partial(_part, outlines))
        self._properties, self._patterns = Kept(table, size, _properties), Kept(table, size, _pattern)
        self._features = Kept((table, outlines), size, _feature)

    def __len__(self) -> int:
        return len(self.table.ids)

    def at(self, lon: float, lat: float, within_m: float) -> Building | None:
        """Return the building that covers a point (degrees, WGS 84), else the nearest at most ``within_m`` metres away.

        Of several that are equally near the one with the smallest code.
        """
        found = self.at_row(lon, lat, within_m)
        return None if found is None else self._building(*found)

    def nearest(self, lon: float, lat: float, k: int, radius_m: float | None = None, where: Where | None = None) -> list[Building]:
        """Return the ``k`` buildings nearest to a point (degrees, WGS 84), none farther than ``radius_m`` if given.

        With ``where`` only those that have, in each field named, one of the values given for it; the empty text stands for
        no value. Equally far ones come in the order of their codes. Raises ParameterError for a field that there is not.
        """
        return [self._building(row, far) for row, far in self.nearest_rows(lon, lat, k, radius_m, where)]

    def at_row(self, lon: float, lat: float, within_m: float) -> tuple[int, float] | None:
        """Return what ``at`` does as a row of the table with its distance in metres."""
        return next(iter(self.nearest_rows(lon, lat, 1, within_m)), None)

    def nearest_rows(
        self, lon: float, lat: float, k: int, radius_m: float | None = None, where: Where | None = None
    ) -> list[tuple[int, float]]:
        """Return what ``nearest`` does as rows of the table with their distances in metres."""
        part = self._all if not where else self._parts.part(filter_key(where, self.table.fields))
        if not len(part) or k < 1:
            return []
        here, limit = vantage(lon, lat), math.inf if radius_m is None else radius_m
        is_plain = abs(lon) < _PLAIN_LON and abs(lat) < _PLAIN_LAT
        for reach in _REACHES if is_plain else ():
            listed, sure = self._around(part, here, min(reach, limit * part.per_m))
            is_all = sure >= limit * part.per_m
            rows = set(listed)
            if len(rows) > _AT_MOST:
                break
            if len(rows) < k and not is_all:
                continue
            by_one = len(rows) <= _ONE_BY_ONE
            ranked = self._ranked_few(here, rows, k, limit) if by_one else self._ranked(here, np.array(sorted(rows)), k, limit)
            if ranked is None:
                break
            if is_all or (len(ranked) == k and ranked[-1][1] + _ROUNDING_M < sure / part.per_m):
                return ranked
        return self._ranked(here, self._by_balls(part.rows, here, k, limit), k, limit)

    def _around(self, part: Cells, here: Vantage, reach: float) -> tuple[list[int], float]:
        (right_x, right_y, right_z), (up_x, up_y, up_z) = self._right, self._up
        u = (right_x * here.x + right_y * here.y + right_z * here.z - part.u0) * part.per_m
        v = (up_x * here.x + up_y * here.y + up_z * here.z - part.v0) * part.per_m
        return part.within(u, v, reach)

    def _by_balls(self, rows: Rows, here: Vantage, k: int, limit: float) -> Rows:
        """Return the footprints that can be among the answers, by looking at the balls around all of them."""
        away = np.linalg.norm(self._outlines.middle[rows] - np.array(here[2:5]), axis=1)
        radius = self._outlines.radius_m[rows]
        if k < len(rows):
            farthest = float(np.partition(away + radius, k - 1)[k - 1])
            limit = min(limit, farthest + straight_slack_m(farthest))
        return np.asarray(rows[away - radius <= limit + straight_slack_m(0.0)])

    def _ranked_few(self, here: Vantage, rows: Iterable[int], k: int, limit: float) -> list[tuple[int, float]] | None:
        """Return the ``k`` nearest of some footprints with their distances, none beyond ``limit`` metres.

        None when they are so far away that a plane will not do.
        """
        lon, lat = here.lon, here.lat
        per_lon, per_lat = metres_per_degree(lat)
        scale = (lon, lat, per_lon, per_lat, per_lon * math.tan(lat * _DEG) * _DEG / 2.0)
        boxes, codes, rough = self._boxes, self.table.codes, []
        for row in rows:
            west, south, east, north = boxes[4 * row : 4 * row + 4]
            x = west - lon if west > lon else lon - east if lon > east else 0.0
            y = south - lat if south > lat else lat - north if lat > north else 0.0
            rough.append((_AT_LEAST * math.hypot(x * per_lon, y * per_lat), row))
        rough.sort()
        best: list[tuple[float, str, int]] = []
        for least, row in rough:
            if least > limit or (len(best) >= k and least > best[k - 1][0]):
                break
            insort(best, (self._distance(row, here, scale, may_cover=least == 0.0), codes[row], row))
        if best and best[min(k, len(best)) - 1][0] > LOCAL_M:
            return None
        return [(row, distance) for distance, _, row in best[:k] if distance <= limit]

    def _distance(self, row: int, here: Vantage, scale: tuple[float, ...], *, may_cover: bool) -> float:
        start, end = self._first[row], self._first[row + 1]
        corners, ends_ring = self._outlines.corners[start:end].tolist(), self._outlines.ends_ring[start:end].tolist()
        if may_cover:
            inside = covers(corners, ends_ring, here.lon, here.lat)
            if inside or (inside is None and shapely.intersects_xy(self.table.geometries[row], here.lon, here.lat)):
                return 0.0
        places = [place_of(*foot) for foot in near_feet(corners, ends_ring, scale, self._slack[row])]
        return max(min(ground_few(here, places))[0], _ROUNDING_M)

    def _ranked(self, here: Vantage, rows: Rows, k: int, limit: float) -> list[tuple[int, float]]:
        """Return the ``k`` nearest of some footprints (rows, ascending) with their distances, none beyond ``limit`` metres."""
        if not rows.size:
            return []
        whose, lon, lat = feet(self._outlines, rows, np.array(here[2:5]))
        far, _ = ground_many(here, earth_centred(lon, lat), lon, lat)
        distances = np.maximum(np.minimum.reduceat(far, np.searchsorted(whose, np.arange(len(rows)))), _ROUNDING_M)
        boxes = self._outlines.boxes[rows]
        around = (boxes[:, 0] <= here.lon) & (here.lon <= boxes[:, 2]) & (boxes[:, 1] <= here.lat) & (here.lat <= boxes[:, 3])
        for place in np.flatnonzero(around).tolist():
            if self._covers(int(rows[place]), here.lon, here.lat):
                distances[place] = 0.0
        codes, listed = self.table.codes, rows.tolist()
        ranked = sorted(zip(distances.tolist(), [codes[row] for row in listed], listed, strict=True))
        return [(row, distance) for distance, _, row in ranked[:k] if distance <= limit]

    def _covers(self, row: int, lon: float, lat: float) -> bool:
        start, end = self._first[row], self._first[row + 1]
        inside = covers(self._outlines.corners[start:end].tolist(), self._outlines.ends_ring[start:end].tolist(), lon, lat)
        return bool(shapely.intersects_xy(self.table.geometries[row], lon, lat)) if inside is None else inside

    def _building(self, row: int, distance_m: float) -> Building:
        return Building(self.table.ids[row], self.table.codes[row], distance_m, self._properties[row].copy())

    def document(self, row: int, distance_m: float) -> orjson.Fragment:
        """Return the document of a building as JSON, its fields written once; the same as that of ``building_document``."""
        return orjson.Fragment(self.written(row, distance_m))

    def written(self, row: int, distance_m: float) -> bytes:
        """Return what ``document`` does as it is written."""
        return self._patterns[row] % distance_m

    @cached_property
    def _cells(self) -> BoxCells:
        return BoxCells(np.ascontiguousarray(self._outlines.boxes.T))

    def in_box(self, bounds: Bounds, start: int, most: int) -> list[int]:
        """Return the rows from ``start`` on that meet a box (degrees, borders included), ascending, the first ``most`` of them."""
        found: list[int] = []
        while len(found) < most:
            wanted = most - len(found) + _SPARE
            rows = self._cells.meeting(bounds, start, wanted)
            found += self._first_in(rows, bounds, most - len(found))
            if len(rows) < wanted:
                break
            start = int(rows[-1]) + 1
        return found[:most]

    def _first_in(self, rows: Rows, bounds: Bounds, most: int) -> list[int]:
        """Return those of the footprints whose own boxes meet a box that meet it themselves, at least the first ``most`` of them."""
        if len(rows) > _ONE_BY_ONE:
            return cast(list[int], rows[self._meet(rows, bounds)].tolist())
        return list(islice((row for row in rows.tolist() if self._meets(row, bounds)), most))

    def _meets(self, row: int, bounds: Bounds) -> bool:
        west, south, east, north = self._boxes[4 * row : 4 * row + 4]
        from_west, to_east, from_south, to_north = west >= bounds[0], east <= bounds[2], south >= bounds[1], north <= bounds[3]
        if (from_west and to_east and (from_south or to_north)) or (from_south and to_north and (from_west or to_east)):
            return True
        return self._has_corner_in(row, bounds) or bool(shapely.intersects(shapely.box(*bounds), self.table.geometries[row]))

    def _meet(self, rows: Rows, bounds: Bounds) -> NDArray[np.bool_]:
        """Say which of the footprints whose own boxes meet a box meet it themselves."""
        west, south, east, north = self._outlines.boxes[rows].T
        from_west, to_east, from_south, to_north = west >= bounds.west, east <= bounds.east, south >= bounds.south, north <= bounds.north
        # One across a single side has its outermost corner of the other side inside.
        meets: NDArray[np.bool_] = (from_west & to_east & (from_south | to_north)) | (from_south & to_north & (from_west | to_east))
        # Most of the others have a corner inside too; what is left is looked at more closely.
        doubtful = [place for place in np.flatnonzero(~meets).tolist() if not self._has_corner_in(int(rows[place]), bounds)]
        meets[:] = True
        if doubtful:
            meets[doubtful] = shapely.intersects(shapely.box(*bounds), self.table.geometries[rows[doubtful]])
        return meets

    def _has_corner_in(self, row: int, bounds: Bounds) -> bool:
        west, south, east, north = bounds
        corners = self._outlines.corners[self._first[row] : self._first[row + 1]].tolist()
        return any(west <= x <= east and south <= y <= north for x, y in corners)

    def features(self, rows: Iterable[int]) -> bytes:
        """Return features as GeoJSON, joined by commas: to the letter what a page that is read from PostGIS has."""
        return b",".join(map(self._features.__getitem__, rows))

    def prepare(self) -> None:
        """Make what whoever asks for a box first would have to wait for."""
        _ = self._cells

    def replaced(self, bounds: Boxes, table: FootprintTable) -> FootprintIndex:
        """Return an index in which those of ``table`` have taken the place of the footprints that touch ``bounds`` (degrees).

        A footprint touches where its own box does. ``table`` holds every feature that touches now; it may hold others as
        they are. The answers are those of an index built anew.
        """
        if not len(self):
            return FootprintIndex(table)
        old, boxes = self.table, self._outlines.boxes.T
        touched = np.zeros(len(old.ids), bool)
        for west, south, east, north in each_box(bounds):
            touched |= (west <= boxes[2]) & (boxes[0] <= east) & (south <= boxes[3]) & (boxes[1] <= north)
        change = splice(old.ids, touched, table.ids)
        merged = FootprintTable(
            change.of(old.ids, table.ids),
            change.of(old.codes, table.codes),
            change.of_arrays(old.geometries, table.geometries),
            old.fields,
            change.of(old.rows, table.rows),
        )
        new = FootprintIndex.__new__(FootprintIndex)
        new._set(merged, self._axes, self._outlines.spliced(outlines_of(table.geometries, self._axes), change))
        new._properties.take_over(self._properties, change)
        new._patterns.take_over(self._patterns, change)
        new._features.take_over(self._features, change)
        return new


def _part(outlines: Outlines, rows: Rows) -> Cells:
    return Cells(outlines.flat[rows], rows)


def _properties(table: FootprintTable, row: int) -> dict[str, object]:
    return dict(zip(table.fields, table.rows[row], strict=True))


def _pattern(table: FootprintTable, row: int) -> bytes:
    """Return the document of a building as JSON with a ``%`` form for the distance."""
    return pattern({"id": table.ids[row], **_properties(table, row), "distance_m": gap("%.3f")})


def _feature(of: tuple[FootprintTable, Outlines], row: int) -> bytes:
    table, outlines = of
    shape, start, end = table.geometries[row], outlines.first[row], outlines.first[row + 1]
    # Most footprints are one ring, whose corners are at hand.
    is_ring = shape.geom_type == "MultiPolygon" and int(outlines.ends_ring[start:end].argmax()) == end - start - 1
    return feature_text(table.ids[row], ring_text(outlines.corners[start:end]) if is_ring else area_text(shape), _properties(table, row))
