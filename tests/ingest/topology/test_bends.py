"""What fits in the projected system that it was drawn in fits in degrees too; a gap of some centimetres is still told."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from gisgrid.locator import AreaTable
from gisgrid.types import Level
from ingest.generations.diff import compare_tables
from ingest.topology import check_areas
from ingest.topology.bends import straightened
from ingest.topology.plane import Plane
from tests.ingest.topology.pictures import city, table

Tables = dict[Level, AreaTable]

# EPSG code, longitude and latitude: in the middle of a zone and at its rim, north, south and far north.
PLACES = [
    (4549, 120.4, 36.1),
    (32651, 126.0, 36.0),
    (32650, 117.0, 18.5),
    (3067, 25.0, 60.2),
    (3067, 31.0, 62.0),
    (32719, -70.0, -40.0),
]


def bricks(place: tuple[int, float, float], side_m: float, turn: float, gap_m: float = 0.0) -> Tables:
    """A street of four rows of grids, every other row shifted by half a grid, turned by ``turn`` radians; a gap below the second row."""
    epsg, lon, lat = place
    middle = Transformer.from_crs(4326, epsg, always_xy=True).transform(lon, lat)
    back = Transformer.from_crs(epsg, 4326, always_xy=True)
    cos, sin = np.cos(turn), np.sin(turn)

    def box(*corners: float) -> shapely.Geometry:
        turned = shapely.transform(shapely.box(*corners), lambda at: at @ np.array([[cos, sin], [-sin, cos]]) + middle)
        return shapely.transform(turned, lambda at: np.column_stack(back.transform(*at.T)))

    grids = {}
    for row in range(4):
        across = sorted({0.0, 4.0 * side_m, *(side_m * (k + row % 2 / 2) for k in range(4))})
        for k, (west, east) in enumerate(pairwise(across)):
            grids[f"{row}{k}"] = box(west, side_m * row + (gap_m if row == 1 else 0.0), east, side_m * (row + 1))
    street = box(0.0, 0.0, 4.0 * side_m, 4.0 * side_m)
    return {"street": table({"S": street}), "grid": table(grids, dict.fromkeys(grids, "S"))}


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("side_m", [100.0, 1000.0, 5000.0])
def test_areas_that_fit_in_their_own_system_have_no_issues(place: tuple[int, float, float], side_m: float) -> None:
    for turn in (0.0, 0.5, 1.1, np.pi / 2, 2.2):
        assert check_areas(bricks(place, side_m, turn), city()) == []


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("side_m", [250.0, 1000.0, 5000.0])
def test_a_gap_of_three_centimetres_is_told(place: tuple[int, float, float], side_m: float) -> None:
    for turn in (0.0, 0.5, np.pi / 2, 2.2):
        issues = check_areas(bricks(place, side_m, turn, gap_m=0.03), city())
        assert {issue.code for issue in issues} == {"sliver"}


def test_a_vertex_that_a_border_gets_on_a_straight_line_is_no_change_of_shape() -> None:
    old = bricks((3067, 25.0, 60.2), 2000.0, 0.5)
    back = Transformer.from_crs(3067, 4326, always_xy=True)
    there = Transformer.from_crs(4326, 3067, always_xy=True)
    projected = shapely.transform(old["grid"].geometries, lambda at: np.column_stack(there.transform(*at.T)))
    split = shapely.transform(shapely.segmentize(projected, 1100.0), lambda at: np.column_stack(back.transform(*at.T)))
    levels = compare_tables(old, {**old, "grid": old["grid"]._replace(geometries=split)})
    assert [(level.changes, level.handovers) for level in levels] == [((), ()), ((), ())]


def test_short_edges_ends_and_holes_stay_what_they_are() -> None:
    plane = Plane(120.0, 36.0, 90_000.0, 111_000.0)
    shell = shapely.Polygon([(0, 0), (2000, 0), (2000, 2000), (0, 2000)], [[(500, 500), (500, 1500), (1500, 1500), (1500, 500)]])
    # On the southern edge: two that may have bent off it, two too far off, and an end. On the eastern one: one that lies on it.
    beside = shapely.MultiPolygon([shapely.box(1000, 0.05, 1100, 10), shapely.box(600, 0.2, 700, 9), shapely.box(2000, 0, 2005, 5)])
    shapes = np.array([shapely.MultiPolygon([shell]), beside], dtype=object)
    (first, second), nothing = straightened(plane, [shapes, np.empty(0, dtype=object)], 0.01)
    assert len(nothing) == 0
    before, after = (set(map(tuple, shapely.get_coordinates(shape).tolist())) for shape in (shapes[0], first))
    assert after - before == {(1000.0, 0.05), (1100.0, 0.05), (2000.0, 5.0)}
    assert len(shapely.get_parts(first)[0].interiors) == 1
    assert second.equals(beside)


def test_a_vertex_on_the_wrong_side_has_not_bent_off() -> None:
    plane = Plane(120.0, 36.0, 90_000.0, 111_000.0)
    south = shapely.MultiPolygon([shapely.box(0, 0, 2000, 1000)])
    for north_m, put_in in ((0.05, True), (-0.05, False)):
        beside = shapely.MultiPolygon([shapely.Polygon([(0, 1000), (1000, 1000 + north_m), (2000, 1000), (1000, 1500)])])
        ((changed, _),) = straightened(plane, [np.array([south, beside], dtype=object)], 0.01)
        assert shapely.get_num_coordinates(changed) == (6 if put_in else 5)


def test_the_districts_of_helsinki_have_the_slivers_that_their_file_has_in_its_own_system(real: Path) -> None:
    frame = geopandas.read_file(real / "helsinki" / "helsinki_city_districts_2021.gpkg")
    issues = check_areas({"district": table(dict(zip(frame["name"], frame.geometry, strict=True)))}, city())
    assert [issue.code for issue in issues] == ["sliver", "sliver"]
    own = frame.to_crs(3879).set_index("name").geometry
    overlap = shapely.area(own["Läntinen"].intersection(own["Pohjoinen"]))
    assert overlap == pytest.approx(8.157, abs=0.01)
    assert "7.99 m2" in issues[0].message


def test_the_cells_of_helsinki_fit(real: Path) -> None:
    frame = geopandas.read_file(real / "helsinki" / "helsinki_region_travel_times_to_railway_station.gpkg", columns=["from_id"]).to_crs(
        4326
    )
    issues = check_areas({"grid": table(dict(zip(frame["from_id"].astype(str), frame.geometry, strict=True)))}, city())
    # Cells that the file leaves out.
    assert {issue.code for issue in issues} == {"gap"}
