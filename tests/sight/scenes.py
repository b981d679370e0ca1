"""Scenes laid out in metres: cameras and buildings around one place, as the tables that are read from the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely

from gisgrid.layers import layer
from gisgrid.locator import FootprintTable, PointTable
from gisgrid.locator.ground import metres_per_degree
from gisgrid.sight import LOOPS, STATES, SightIndex, Sighting
from tests.locator.loops import by_loops, by_numpy

LON, LAT = 120.38, 36.08
PER_LON, PER_LAT = metres_per_degree(LAT)
CAMERA_FIELDS = tuple(field.name for field in layer("cameras").fields)
BUILDING_FIELDS = tuple(field.name for field in layer("buildings").fields)

RECORDED: dict[str, object] = {
    "kind": "fixed",
    "status": "online",
    "azimuth_deg": 90.0,
    "azimuth_uncertainty_deg": 5.0,
    "field_of_view_deg": 90.0,
    "range_m": 100.0,
    "mount_height_m": 6.0,
    "azimuth_source": "measured",
    "field_of_view_source": "measured",
    "range_source": "measured",
    "mount_height_source": "measured",
}


class Spot(NamedTuple):
    """A camera ``x`` metres east and ``y`` metres north of the middle; of its fields those that differ from ``RECORDED``."""

    x: float
    y: float
    fields: dict[str, object]


class House(NamedTuple):
    """A footprint in metres, its height and its number of floors."""

    shape: shapely.Geometry
    height_m: float | None = 9.0
    floors: int | None = None


def camera(x: float = 0.0, y: float = 0.0, **fields: object) -> Spot:
    return Spot(x, y, fields)


def box(west: float, south: float, east: float, north: float, height_m: float | None = 9.0, *, floors: int | None = None) -> House:
    return House(shapely.box(west, south, east, north), height_m, floors)


def degrees(x: float, y: float) -> tuple[float, float]:
    return LON + x / PER_LON, LAT + y / PER_LAT


def cameras(spots: Sequence[Spot]) -> PointTable:
    """Return the table of cameras; ids from 100, codes c0, c1..."""
    places = np.array([degrees(spot.x, spot.y) for spot in spots]).reshape(-1, 2)
    codes = [f"c{k}" for k in range(len(spots))]
    values: list[dict[str, Any]] = [{**RECORDED, "code": code, **spot.fields} for code, spot in zip(codes, spots, strict=True)]
    rows = [tuple(value.get(name) for name in CAMERA_FIELDS) for value in values]
    return PointTable([100 + k for k in range(len(spots))], codes, places[:, 0], places[:, 1], CAMERA_FIELDS, rows)


def buildings(houses: Sequence[House], ids: Sequence[int] | None = None) -> FootprintTable:
    """Return the table of buildings as MultiPolygons, as they are stored; ids from 1000 unless given, codes b0, b1..."""
    shapes = np.empty(len(houses), dtype=object)
    shapes[:] = [_stored(house.shape) for house in houses]
    codes = [f"b{k}" for k in range(len(houses))]
    known: list[dict[str, object]] = [
        {"code": code, "height_m": house.height_m, "floors": house.floors} for code, house in zip(codes, houses, strict=True)
    ]
    rows: list[tuple[object, ...]] = [tuple(value.get(name) for name in BUILDING_FIELDS) for value in known]
    return FootprintTable(list(ids or range(1000, 1000 + len(houses))), codes, shapes, BUILDING_FIELDS, rows)


def _stored(shape: shapely.Geometry) -> shapely.Geometry:
    in_degrees = shapely.transform(shape, lambda xy: np.column_stack([LON + xy[:, 0] / PER_LON, LAT + xy[:, 1] / PER_LAT]))
    return in_degrees if in_degrees.geom_type == "MultiPolygon" else shapely.MultiPolygon([in_degrees])


def look(spot: Spot, x: float, y: float, *houses: House, target_m: float = 0.0) -> Sighting:
    """Return what one camera sees of the place (x, y), which must be the same by compiled loops and by NumPy."""
    sight = SightIndex(cameras([spot]), buildings(houses))
    lon, lat = degrees(x, y)
    with by_loops(LOOPS):
        [sighting] = sight.look(lon, lat, [0], target_m)
    with by_numpy(LOOPS):
        assert sight.look(lon, lat, [0], target_m) == [sighting]
        many = sight.look_many(np.array([lon]), np.array([lat]), np.array([[0]]), target_m)
    alone = sighting.share, sighting.bearing_deg, sighting.blocked_by and sighting.blocked_by.distance_m
    blocked = sighting.state == "blocked"
    in_arrays = many.share.item(), many.bearing_deg.item(), many.met_m.item() if blocked else None
    assert STATES[many.state.item()] == sighting.state
    assert [None if value is None or np.isnan(value) else round(value, 9) for value in in_arrays] == [
        None if value is None else round(value, 9) for value in alone
    ]
    return sighting
