"""Point features in memory: the nearest k, or those within a radius, by distance on the ground."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from gisgrid.locator.filters import FieldValues, KeptParts, Where, filter_key
from gisgrid.locator.ground import earth_centred, straight_slack_m
from gisgrid.locator.nearby import Nearby
from gisgrid.locator.replacing import Boxes, each_box, splice
from gisgrid.locator.straight import LOCAL_SQUARE, Vantage, ground, ground_many, vantage
from gisgrid.types import Neighbour

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
        self._parts = KeptParts(FieldValues(table.fields, table.rows), len(table.ids), lambda rows: Nearby(self._places[rows], rows))
        self._properties: list[bytes | None] = [None] * len(table.ids)

    def __len__(self) -> int:
        return len(self.table.ids)

    def nearest(self, lon: float, lat: float, k: int, radius_m: float | None = None, where: Where | None = None) -> list[Neighbour]:
        """Return the ``k`` features nearest to a point (degrees, WGS 84), none farther than ``radius_m`` if given.

        With ``where`` only features that have, in each field named, one of the values given for it; the empty text stands
        for no value. Distances are geodesics on WGS 84 in metres, exact to a micrometre; features equally far come in the order of
        their codes. Raises ParameterError for a field that there is not.
        """
        table = self.table
        ids, lons, lats, fields, rows = table.ids, self._lon, self._lat, table.fields, table.rows
        return [
            Neighbour(ids[row], float(lons[row]), float(lats[row]), far, bearing, dict(zip(fields, rows[row], strict=True)))
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
        if found is None or (found and found[-1][0] > LOCAL_SQUARE):
            ranked = self._ranked(here, part.many(np.array(here[2:5]), k, bound))
        else:
            ranked = self._ranked_few(here, [row for _, row in found])
        return [(row, far, bearing) for far, _, row, bearing in ranked[:k] if far <= limit]

    def _ranked_few(self, here: Vantage, rows: list[int]) -> list[tuple[float, str, int, float]]:
        codes, ranked = self.table.codes, []
        for row, place in zip(rows, self._places[rows].tolist(), strict=True):
            far, bearing = ground(here, place)
            ranked.append((far, codes[row], row, bearing))
        ranked.sort()
        return ranked

    def _ranked(self, here: Vantage, rows: NDArray[np.int64]) -> list[tuple[float, str, int, float]]:
        codes = self.table.codes
        far, bearing = ground_many(here, self._places[rows], self._lon[rows], self._lat[rows])
        listed = rows.tolist()
        return sorted(zip(far.tolist(), [codes[row] for row in listed], listed, bearing.tolist(), strict=True))

    def document(self, row: int, distance_m: float, bearing_deg: float) -> dict[str, object]:
        """Return what ``neighbour_document`` does for a feature, with the properties as JSON that is written once and kept."""
        table = self.table
        return {
            "id": table.ids[row],
            "code": table.codes[row],
            "lon": float(self._lon[row]),
            "lat": float(self._lat[row]),
            "distance_m": round(distance_m, 3),
            "bearing_deg": round(bearing_deg, 2) % 360.0,
            "properties": orjson.Fragment(self.properties_json(row)),
        }

    def properties_json(self, row: int) -> bytes:
        """Return the fields of a feature as a JSON object, UTF-8."""
        known = self._properties[row]
        if known is None:
            known = self._properties[row] = orjson.dumps(dict(zip(self.table.fields, self.table.rows[row], strict=True)))
        return known

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
        new._properties = change.of(self._properties, [None] * len(table.ids))
        return new
