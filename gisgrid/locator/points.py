"""Point features in memory: the nearest k, or those within a radius, by distance on the ground."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from gisgrid.features.texts import feature_text, point_text
from gisgrid.locator.boxes import BoxCells
from gisgrid.locator.filters import FieldValues, KeptParts, Where, filter_key
from gisgrid.locator.ground import earth_centred, straight_slack_m
from gisgrid.locator.kept import Kept
from gisgrid.locator.nearby import Nearby
from gisgrid.locator.patterns import gap, pattern
from gisgrid.locator.replacing import Boxes, each_box, splice
from gisgrid.locator.straight import Vantage, ground_between, ground_few, ground_many, vantage
from gisgrid.types import Bounds, Neighbour

# From here on bearings are 360.00 in two places.
_NEARLY_360 = 359.995
# Points of an array that are looked up together.
_AT_ONCE = 20_000

Near = tuple[int, float, float]
"""A row of the table, its distance in metres, its bearing in degrees from true north."""


class PointTable(NamedTuple):
    """Point features: ids, codes, places in degrees, WGS 84, and the values of ``fields`` for each."""

    ids: list[int]
    codes: list[str]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    fields: tuple[str, ...]
    rows: list[tuple[object, ...]]


class PointIndex:
    """The features of one point layer; answers are those of PostGIS geography, in the order of distance, then code, then row.

    It never changes: ``replaced`` gives another one. Any thread may ask.
    """

    def __init__(self, table: PointTable) -> None:
        self.table = table
        self._lon, self._lat = np.ascontiguousarray(table.lon), np.ascontiguousarray(table.lat)
        self._places = earth_centred(self._lon, self._lat)
        self._all = Nearby(self._places, np.arange(len(table.ids)))
        places = self._places
        self._parts = KeptParts(FieldValues(table.fields, table.rows), len(table.ids), lambda rows: Nearby(places[rows], rows))
        self._properties = Kept(table, len(table.ids), _properties)
        self._documents = Kept(table, len(table.ids), _document)
        self._patterns = Kept(table, len(table.ids), _pattern)
        self._features = Kept(table, len(table.ids), _feature)

    def __len__(self) -> int:
        return len(self.table.ids)

    def nearest(self, lon: float, lat: float, k: int, radius_m: float | None = None, where: Where | None = None) -> list[Neighbour]:
        """Return the ``k`` features nearest to a point (degrees, WGS 84), none farther than ``radius_m`` if given.

        With ``where`` only features that have, in each field named, one of the values given for it; the empty text stands
        for no value. Distances are geodesics on WGS 84 in metres, exact to a micrometre; features equally far come in the order of
        their codes. Raises ParameterError for a field that there is not.
        """
        table, properties = self.table, self._properties
        return [
            Neighbour(table.ids[row], float(self._lon[row]), float(self._lat[row]), far, bearing, properties[row].copy())
            for row, far, bearing in self.nearest_rows(lon, lat, k, radius_m, where)
        ]

    def nearest_rows(self, lon: float, lat: float, k: int, radius_m: float | None = None, where: Where | None = None) -> list[Near]:
        """Return what ``nearest`` does as rows of the table, with distances in metres and bearings in degrees."""
        part = self._all if not where else self._parts.part(filter_key(where, self.table.fields))
        if not len(part) or k < 1:
            return []
        here = vantage(lon, lat)
        limit = math.inf if radius_m is None else radius_m
        # Straight through the Earth is never longer than on the ground.
        bound = limit + straight_slack_m(0.0)
        found = part.few(here.x, here.y, here.z, k, bound)
        if found is None:
            ranked = self._ranked(here, part.many(np.array(here[2:5]), k, bound))
        else:
            codes = self.table.codes
            ranked = sorted([(far, codes[row], row, bearing) for far, bearing, row in ground_few(here, found)])
        return [(row, far, bearing) for far, _, row, bearing in ranked[:k] if far <= limit]

    def nearest_many(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64], k: int, radius_m: float | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return what ``nearest_rows`` does for arrays of n points: rows and distances in metres, both (n, k).

        Where fewer are found the rows are -1 and the distances NaN, as they are for points that are not finite numbers.
        """
        lon, lat = np.asarray(lon, np.float64).reshape(-1), np.asarray(lat, np.float64).reshape(-1)
        rows, far = np.full((len(lon), max(k, 0)), -1), np.full((len(lon), max(k, 0)), math.nan)
        known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        for start in range(0, len(known) if len(self) and k > 0 else 0, _AT_ONCE):
            some = known[start : start + _AT_ONCE]
            rows[some], far[some] = self._nearest_some(lon[some], lat[some], k, math.inf if radius_m is None else radius_m)
        return rows, far

    def _nearest_some(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64], k: int, limit: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        numbers, doubtful = self._all.many_at_once(earth_centred(lon, lat), k, limit + straight_slack_m(0.0))
        found = numbers < len(self)
        safe = np.where(found, numbers, 0)
        far = np.full(numbers.shape, math.inf)
        asked = np.broadcast_to(np.arange(len(lon))[:, None], numbers.shape)[found]
        far[found] = ground_between(lon[asked], lat[asked], self._lon[safe[found]], self._lat[safe[found]])
        far[far > limit] = math.inf
        order = np.lexsort((self._rank[safe], far))[:, :k]
        rows, far = np.take_along_axis(numbers, order, axis=1), np.take_along_axis(far, order, axis=1)
        rows, far = np.where(np.isfinite(far), rows, -1), np.where(np.isfinite(far), far, math.nan)
        for place in np.flatnonzero(doubtful).tolist():
            near = self.nearest_rows(float(lon[place]), float(lat[place]), k, limit)
            rows[place], far[place] = -1, math.nan
            rows[place, : len(near)], far[place, : len(near)] = [row for row, _, _ in near], [away for _, away, _ in near]
        missing = k - rows.shape[1]
        return np.pad(rows, ((0, 0), (0, missing)), constant_values=-1), np.pad(far, ((0, 0), (0, missing)), constant_values=math.nan)

    @cached_property
    def _rank(self) -> NDArray[np.int64]:
        """The place of each row in the order of codes."""
        codes = self.table.codes
        rank = np.empty(len(codes), np.int64)
        rank[sorted(range(len(codes)), key=codes.__getitem__)] = np.arange(len(codes))
        return rank

    def _ranked(self, here: Vantage, rows: NDArray[np.int64]) -> list[tuple[float, str, int, float]]:
        codes = self.table.codes
        far, bearing = ground_many(here, self._places[rows], self._lon[rows], self._lat[rows])
        listed = rows.tolist()
        return sorted(zip(far.tolist(), [codes[row] for row in listed], listed, bearing.tolist(), strict=True))

    def written(self, near: Iterable[Near]) -> bytes:
        """Return the documents of features as a JSON array: what ``document`` returns for each, at a third of the time."""
        patterns = self._patterns
        # What would be rounded to 360 degrees is 0.
        return b"[%b]" % b",".join(
            [patterns[row] % (distance_m, bearing_deg if bearing_deg < _NEARLY_360 else 0.0) for row, distance_m, bearing_deg in near]
        )

    def document(self, row: int, distance_m: float, bearing_deg: float) -> dict[str, object]:
        """Return the document of a feature, with the properties as an ``orjson.Fragment`` that was written once.

        As JSON it is the same as that of ``neighbour_document``: metres to three places, degrees to two.
        """
        document = self._documents[row].copy()
        document["distance_m"] = round(distance_m, 3)
        document["bearing_deg"] = round(bearing_deg, 2) % 360.0
        return document

    @cached_property
    def _boxes(self) -> BoxCells:
        return BoxCells(np.array([self._lon, self._lat, self._lon, self._lat]))

    def in_box(self, bounds: Bounds, start: int, most: int) -> list[int]:
        """Return the rows from ``start`` on that lie in a box (degrees, borders included), ascending, the first ``most`` of them."""
        rows: list[int] = self._boxes.meeting(bounds, start, most).tolist()
        return rows

    def features(self, rows: Iterable[int]) -> bytes:
        """Return features as GeoJSON, joined by commas: to the letter what a page that is read from PostGIS has."""
        return b",".join(map(self._features.__getitem__, rows))

    def prepare(self) -> None:
        """Make what whoever asks for a box first would have to wait for."""
        _ = self._boxes

    def replaced(self, bounds: Boxes, table: PointTable) -> PointIndex:
        """Return an index in which those of ``table`` have taken the place of the features in ``bounds`` (degrees, borders included).

        ``table`` holds every feature that is there now; it may hold others as they are. The answers are those of an index
        built anew.
        """
        old = self.table
        touched = np.zeros(len(old.ids), bool)
        for west, south, east, north in each_box(bounds):
            touched |= (west <= self._lon) & (self._lon <= east) & (south <= self._lat) & (self._lat <= north)
        change = splice(old.ids, touched, table.ids)
        new = PointIndex(
            PointTable(
                change.of(old.ids, table.ids),
                change.of(old.codes, table.codes),
                change.of_arrays(self._lon, table.lon),
                change.of_arrays(self._lat, table.lat),
                old.fields,
                change.of(old.rows, table.rows),
            )
        )
        new._properties.take_over(self._properties, change)
        new._documents.take_over(self._documents, change)
        new._patterns.take_over(self._patterns, change)
        new._features.take_over(self._features, change)
        return new


def _properties(table: PointTable, row: int) -> dict[str, object]:
    return dict(zip(table.fields, table.rows[row], strict=True))


def _document(table: PointTable, row: int) -> dict[str, object]:
    """Return the document of a feature with distance and bearing still to be put in, in their place."""
    lon, lat = float(table.lon[row]), float(table.lat[row])
    written = orjson.Fragment(orjson.dumps(_properties(table, row)))
    head: dict[str, object] = {"id": table.ids[row], "code": table.codes[row], "lon": lon, "lat": lat}
    return head | {"distance_m": 0.0, "bearing_deg": 0.0, "properties": written}


def _pattern(table: PointTable, row: int) -> bytes:
    """Return the document of a feature as JSON with ``%`` forms for distance and bearing."""
    gaps = {"distance_m": gap("%.3f"), "bearing_deg": gap("%.2f")}
    return pattern(_document(table, row) | gaps)


def _feature(table: PointTable, row: int) -> bytes:
    return feature_text(table.ids[row], point_text(float(table.lon[row]), float(table.lat[row])), _properties(table, row))
