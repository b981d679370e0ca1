"""Counts by H3 cell, compared with points counted one by one and hexagons drawn by other means."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from datetime import date
from typing import Any

import h3
import mapbox_vector_tile
import mercantile
import numpy as np
import pytest
import shapely

from gisgrid.errors import NotFoundError, ParameterError
from gisgrid.layers import layer
from gisgrid.locator import PointIndex, PointTable
from tiles import tile_at
from tiles.h3 import H3_LAYERS, Counted, H3Request, H3Tiles, hexagons, resolution, short_id
from tiles.tile import TileId

FIELDS = tuple(field.name for field in layer("manhole_covers").fields)
KINDS = ("雨水", "污水", "电力", None)
WEST, SOUTH = 120.37, 36.07
BUFFER = 64 / 4096


def points(seed: int = 1, count: int = 600) -> PointIndex:
    """Return covers at random in about two kilometres, clustered, of some kinds and days."""
    rng = np.random.default_rng(seed)
    lon, lat = WEST + 0.02 * rng.beta(0.7, 1.5, count), SOUTH + 0.02 * rng.beta(1.5, 0.7, count)
    rows: list[tuple[object, ...]] = []
    for number in range(count):
        day = rng.choice(["2019-03-07", "2020-02-29", "2021-12-31", ""])
        known = {"code": str(number), "kind": KINDS[int(rng.integers(0, 4))], "installed_on": str(day) or None}
        rows.append(tuple(known.get(name) for name in FIELDS))
    return PointIndex(PointTable(list(range(10, 10 + count)), [str(n) for n in range(count)], lon, lat, FIELDS, rows))


@pytest.fixture(scope="module")
def covers() -> PointIndex:
    return points()


def decoded(tiles: H3Tiles, request: H3Request) -> list[dict[str, Any]]:
    tile = asyncio.run(tiles.tile(request))
    found = {} if tile.is_empty else mapbox_vector_tile.decode(tile.body("identity"), default_options={"y_coord_down": True})
    assert set(found) <= {"h3"}
    features: list[dict[str, Any]] = found.get("h3", {}).get("features", [])
    return features


def counted(index: PointIndex, zoom: int, rows: list[int] | None = None) -> Counter[str]:
    """Return how many points each cell holds, one by one."""
    table = index.table
    chosen = range(len(table.ids)) if rows is None else rows
    return Counter(h3.latlng_to_cell(table.lat[row], table.lon[row], resolution(zoom)) for row in chosen)


def around(zoom: int) -> list[TileId]:
    """Return every tile of a zoom that the points, their hexagons or their buffers can reach."""
    first, last = tile_at(WEST - 0.1, SOUTH + 0.12, zoom), tile_at(WEST + 0.12, SOUTH - 0.1, zoom)
    if zoom > 12:
        first, last = tile_at(WEST - 0.005, SOUTH + 0.025, zoom), tile_at(WEST + 0.025, SOUTH - 0.005, zoom)
    return [TileId(zoom, x, y) for x in range(first.x - 1, last.x + 2) for y in range(first.y - 1, last.y + 2)]


@pytest.mark.parametrize("zoom", [6, 10, 13, 14])
def test_every_hexagon_is_in_each_tile_that_it_meets_with_the_count_of_its_points(covers: PointIndex, zoom: int) -> None:
    tiles, expected = H3Tiles(lambda _: covers), counted(covers, zoom)
    shapes = {cell: shapely.Polygon([mercantile.xy(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]) for cell in expected}
    seen: Counter[str] = Counter()
    for tile in around(zoom):
        west, south, east, north = mercantile.xy_bounds(tile.x, tile.y, tile.z)
        side = east - west
        box = shapely.box(west - BUFFER * side, south - BUFFER * side, east + BUFFER * side, north + BUFFER * side)
        unit = side / 4096
        features = {one["properties"]["cell"]: one for one in decoded(tiles, H3Request("manhole_covers", tile))}
        surely = {cell for cell, shape in shapes.items() if shape.buffer(-2 * unit).intersects(box.buffer(-2 * unit))}
        perhaps = {cell for cell, shape in shapes.items() if shape.buffer(2 * unit).intersects(box)}
        assert surely <= set(features) <= perhaps
        for cell, feature in features.items():
            assert feature["properties"]["count"] == expected[cell]
            drawn = shapely.transform(shapely.geometry.shape(feature["geometry"]), lambda xy: xy * [unit, -unit] + [west, north])  # noqa: B023
            assert drawn.is_valid
            assert drawn.within(box.buffer(unit / 2))
            assert drawn.hausdorff_distance(shapes[cell].intersection(box)) < 2 * unit or cell not in surely
        seen.update(features.keys())
    assert set(seen) == set(expected)
    assert sum(expected.values()) == len(covers)


def test_neighbours_share_their_corners_to_the_unit() -> None:
    tile = tile_at(WEST, SOUTH, 12)
    cells = np.array([h3.str_to_int(cell) for cell in h3.grid_disk(h3.latlng_to_cell(SOUTH, WEST, 8), 9)], dtype=np.int64)
    for datum in ("wgs84", "gcj02"):
        polygons = hexagons(cells, datum)
        drawn = polygons.drawn(polygons.meeting(tile), tile)
        whole = shapely.union_all(drawn)
        assert whole.geom_type == "Polygon"
        assert not whole.interiors
        assert whole.area == pytest.approx(float(shapely.area(drawn).sum()), abs=1e-6)


def test_gcj02_moves_the_hexagons_as_the_base_map() -> None:
    cell = np.array([h3.str_to_int(h3.latlng_to_cell(SOUTH, WEST, 8))], dtype=np.int64)
    tile = tile_at(WEST, SOUTH, 12)
    plain, moved = (shapely.centroid(hexagons(cell, datum).drawn(np.array([0]), tile)[0]) for datum in ("wgs84", "gcj02"))
    metres = plain.distance(moved) * 40_075_016.0 / 4096 / 4096 * math.cos(math.radians(SOUTH))
    assert 300 < metres < 700


def test_only_the_kinds_and_days_that_are_asked_for_are_counted(covers: PointIndex) -> None:
    tiles, tile, table = H3Tiles(lambda _: covers), tile_at(WEST + 0.01, SOUTH + 0.01, 10), covers.table
    kind, day = FIELDS.index("kind"), FIELDS.index("installed_on")

    def check(rows: list[int], **asked: Any) -> None:
        assert rows
        found = {
            one["properties"]["cell"]: one["properties"]["count"] for one in decoded(tiles, H3Request("manhole_covers", tile, **asked))
        }
        assert found == counted(covers, 10, rows)

    everything = range(len(table.ids))
    check([n for n in everything if table.rows[n][kind] == "雨水"], kinds=("雨水",))
    check([n for n in everything if table.rows[n][kind] in ("雨水", None)], kinds=("", "雨水"))
    check([n for n in everything if str(table.rows[n][day] or "") >= "2020-02-29"], since=date(2020, 2, 29))
    check([n for n in everything if table.rows[n][day] in ("2019-03-07", "2020-02-29")], until=date(2020, 2, 29))
    check(
        [n for n in everything if table.rows[n][day] == "2020-02-29" and table.rows[n][kind] == "电力"],
        kinds=("电力",),
        since=date(2020, 1, 1),
        until=date(2020, 12, 31),
    )
    assert decoded(tiles, H3Request("manhole_covers", tile, kinds=("no such kind",))) == []


def test_an_edit_shows_in_the_next_tile_and_points_that_stay_are_not_looked_up_again(
    covers: PointIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = covers
    tiles, tile = H3Tiles(lambda _: now), tile_at(WEST + 0.01, SOUTH + 0.01, 10)
    request = H3Request("manhole_covers", tile)
    before = decoded(tiles, request)
    assert asyncio.run(tiles.tile(request)) is asyncio.run(tiles.tile(request))
    old = covers.table
    lon, lat = np.delete(old.lon, 5).copy(), np.delete(old.lat, 5).copy()
    lon[7] += 0.004
    ids, codes, rows = ([value for n, value in enumerate(values) if n != 5] for values in (old.ids, old.codes, old.rows))
    now = PointIndex(PointTable([*ids, 9_000], [*codes, "new"], np.append(lon, WEST), np.append(lat, SOUTH), FIELDS, [*rows, old.rows[0]]))  # type: ignore[list-item]
    looked_up: list[tuple[float, float]] = []
    really = h3.api.basic_int.latlng_to_cell

    def counting(lat: float, lon: float, level: int) -> int:
        looked_up.append((lat, lon))
        return int(really(lat, lon, level))

    monkeypatch.setattr("tiles.h3.h3.latlng_to_cell", counting)
    after = decoded(tiles, request)
    monkeypatch.undo()
    assert after != before
    assert {one["properties"]["cell"]: one["properties"]["count"] for one in after} == counted(now, 10)
    assert len(looked_up) == 2


def test_ids_are_small_and_each_cell_has_its_own(covers: PointIndex) -> None:
    cells = {cell for level in (0, 5, 8, 12) for cell in Counted(covers).cells(level).tolist()}
    cells |= {h3.str_to_int(cell) for cell in h3.get_res0_cells()}
    ids = {short_id(cell) for cell in cells}
    assert len(ids) == len(cells)
    assert max(ids) < 2**47


def test_hexagons_are_about_a_twelfth_of_a_tile_wide_at_every_zoom() -> None:
    for zoom in range(5, 19):
        across = 2 * h3.average_hexagon_edge_length(resolution(zoom), "m")
        tile = 40_075_016.0 * math.cos(math.radians(SOUTH)) / 2**zoom
        assert 5 < tile / across < 25


def test_no_points_make_empty_tiles() -> None:
    nothing = PointIndex(PointTable([], [], np.zeros(0), np.zeros(0), FIELDS, []))
    assert asyncio.run(H3Tiles(lambda _: nothing).tile(H3Request("manhole_covers", TileId(4, 13, 6)))).is_empty


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (H3Request("grids", TileId(4, 0, 0)), NotFoundError),
        (H3Request("manhole_covers", TileId(19, 0, 0)), NotFoundError),
        (H3Request("cameras", TileId(4, 0, 0), since=date(2020, 1, 1)), ParameterError),
        (H3Request("cameras", TileId(4, 0, 0), kinds=("round",)), ParameterError),
        (H3Request("manhole_covers", TileId(4, 0, 0), since=date(2020, 1, 2), until=date(2020, 1, 1)), ParameterError),
    ],
)
def test_what_cannot_be_counted_is_refused(request_: H3Request, error: type[Exception]) -> None:
    with pytest.raises(error):
        asyncio.run(H3Tiles(lambda _: points(count=3)).tile(request_))
    assert set(H3_LAYERS) == {"manhole_covers", "cameras"}
