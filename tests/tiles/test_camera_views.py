"""What cameras see, compared with ``gisgrid.sight`` asked place by place."""

from __future__ import annotations

import asyncio
from typing import Any

import mapbox_vector_tile
import mercantile
import numpy as np
import pytest
import shapely
from pyproj import Geod

from gisgrid.errors import NotFoundError
from gisgrid.sight import SightIndex
from tests.sight.scenes import LAT, LON, Spot, box, buildings, camera, cameras, degrees
from tests.sight.town import random_town
from tiles import tile_at
from tiles.camera_views import Views, ViewTiles
from tiles.tile import TileId

GEOD = Geod(ellps="WGS84")


def metres(ring: Any) -> Any:
    """Return a ring in metres east and north of the middle of the scene."""
    x1, y1 = degrees(1.0, 1.0)
    return (np.asarray(ring) - [LON, LAT]) / [x1 - LON, y1 - LAT]


def decoded(tiles: ViewTiles, tile: TileId) -> list[dict[str, Any]]:
    made = asyncio.run(tiles.tile(tile))
    found = {} if made.is_empty else mapbox_vector_tile.decode(made.body("identity"), default_options={"y_coord_down": True})
    features: list[dict[str, Any]] = found.get("camera_views", {}).get("features", [])
    return features


def test_a_sector_is_cut_at_the_wall_of_a_house() -> None:
    views = Views(SightIndex(cameras([camera(azimuth_deg=90.0, field_of_view_deg=60.0)]), buildings([box(40, -10, 50, 10)])))
    shape = shapely.transform(views.view(0), metres)
    assert shape.is_valid
    assert shape.covers(shapely.box(5, -1, 39.9, 1))
    assert not shape.intersects(shapely.box(40.2, -9, 99, 9))
    assert shape.covers(shapely.Point(75, 40))
    assert shape.bounds[2] < 100.1
    assert shape.bounds[0] > -0.1


def test_a_camera_that_turns_sees_all_around() -> None:
    views = Views(SightIndex(cameras([camera(kind="ptz", azimuth_deg=None, field_of_view_deg=None, range_m=50.0)]), buildings([])))
    shape = shapely.transform(views.view(0), metres)
    assert shape.symmetric_difference(shapely.Point(0, 0).buffer(50.0)).area < 0.01 * shape.area


@pytest.mark.parametrize("unknown", [{"azimuth_deg": None}, {"range_m": None}, {"field_of_view_deg": None}, {"range_m": 0.0}])
def test_a_camera_of_which_too_little_is_known_has_no_view(unknown: dict[str, object]) -> None:
    index = SightIndex(cameras([Spot(0.0, 0.0, unknown)]), buildings([]))
    assert Views(index).view(0).is_empty
    assert decoded(ViewTiles(lambda: index), tile_at(LON, LAT, 16)) == []


@pytest.mark.parametrize("seed", [3, 4])
def test_a_view_holds_the_places_that_are_not_hidden_and_no_others(seed: int) -> None:
    """Walked metre by metre; a view is as coarse as its lines (2 degrees) and its steps (an eighth of the range)."""
    index = SightIndex(*random_town(seed, houses=50, spots=40))
    views = Views(index)
    rows, rng = np.flatnonzero(views._drawable), np.random.default_rng(seed)
    agree: list[bool] = []
    built = shapely.union_all(index.buildings.geometries)
    shapely.prepare(built)
    for row in rows.tolist():
        shape, (bearing,) = views.view(row), rng.choice(views.rays(np.array([row])).bearing, 1).tolist()
        far = np.arange(1.0, float(views._range[row]), 1.0)
        place = [np.full(len(far), value) for value in (index.cameras.lon[row], index.cameras.lat[row], bearing)]
        lon, lat, _ = map(np.asarray, GEOD.fwd(place[0], place[1], place[2], far))
        hidden = index.look_many(lon, lat, np.full((len(far), 1), row)).building[:, 0] >= 0
        points = shapely.points(lon, lat)
        # In a building nobody is on the ground.
        outdoors = ~shapely.intersects(built, points)
        shapely.prepare(shape)
        agree += (shapely.dwithin(shape, points, 1e-6) != hidden)[outdoors].tolist()
    assert len(agree) > 1000
    assert np.mean(agree) > 0.95


def test_views_are_in_every_tile_that_they_meet_with_what_is_public_of_the_camera() -> None:
    index = SightIndex(*random_town(8, houses=30, spots=24))
    views, tiles = Views(index), ViewTiles(lambda: index)
    shapes = {
        int(index.cameras.ids[row]): shapely.transform(
            views.view(row), lambda xy: np.array([mercantile.xy(*place) for place in xy.tolist()])
        )
        for row in np.flatnonzero(views._drawable).tolist()
    }
    middle = tile_at(*degrees(150, 150), 17)
    seen: set[int] = set()
    for x in range(middle.x - 1, middle.x + 2):
        for y in range(middle.y - 1, middle.y + 2):
            west, south, east, north = mercantile.xy_bounds(x, y, 17)
            unit = (east - west) / 4096
            drawn_box = shapely.box(west - 64 * unit, south - 64 * unit, east + 64 * unit, north + 64 * unit)
            features = {one["id"]: one for one in decoded(tiles, TileId(17, x, y))}
            surely = {id for id, shape in shapes.items() if shape.intersection(drawn_box).area > 200 * unit * unit}
            perhaps = {id for id, shape in shapes.items() if shape.buffer(2 * unit).intersects(drawn_box)}
            assert surely <= set(features) <= perhaps
            for id, feature in features.items():
                drawn = shapely.transform(shapely.geometry.shape(feature["geometry"]), lambda xy: xy * [unit, -unit] + [west, north])  # noqa: B023
                assert drawn.symmetric_difference(shapes[id].intersection(drawn_box)).area < 2 * unit * (shapes[id].length + 1)
                assert set(feature["properties"]) <= {"code", "kind", "status", "range_m"}
            seen |= set(features)
    assert len(seen) > 10


def test_a_new_building_is_in_the_next_tile() -> None:
    spots = cameras([camera(azimuth_deg=90.0)])
    now = SightIndex(spots, buildings([]))
    tiles, tile = ViewTiles(lambda: now), tile_at(LON, LAT, 16)
    first = asyncio.run(tiles.tile(tile))
    assert asyncio.run(tiles.tile(tile)) is first
    now = now.replaced(buildings=buildings([box(20, -30, 30, 30)]))
    assert asyncio.run(tiles.tile(tile)).etag != first.etag


def test_zooms_without_views_are_not_found() -> None:
    with pytest.raises(NotFoundError):
        asyncio.run(ViewTiles(lambda: SightIndex(cameras([]), buildings([]))).tile(TileId(14, 0, 0)))
