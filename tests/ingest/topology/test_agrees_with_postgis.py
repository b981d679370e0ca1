"""The overlaps, the gaps and what leans out, on coverages messed up at random, against PostGIS and against brute force."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import psycopg
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gisgrid.db.records import Issue
from gisgrid.deployment import TopologyRules
from gisgrid.locator import AreaTable
from ingest.topology import Levels, check_areas
from tests.ingest.topology.pictures import CELL_M, box, city, lonlat, table

_ALL = city(topology=TopologyRules(sliver_m=1e-3, rounding_m=1e-3))
_SIDE = 6


def messed_up(seed: int) -> tuple[AreaTable, AreaTable]:
    """A street of 36 squares, of which some have a corner moved, some are missing, moved, doubled or have a hole."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, shapely.Geometry] = {}
    for row in range(_SIDE):
        for column in range(_SIDE):
            corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float) + np.array([column, row])
            fate = rng.random()
            if fate < 0.25:
                corners[rng.integers(4)] += rng.normal(0.0, 0.2, 2)
            elif fate < 0.35:
                corners += rng.normal(0.0, 0.3, 2)
            elif fate < 0.42:
                continue
            holes = [corners.mean(axis=0) + 0.2 * (corners - corners.mean(axis=0))] if fate > 0.9 else []
            shape = shapely.make_valid(shapely.Polygon(corners * CELL_M, [hole * CELL_M for hole in holes]), method="structure")
            shapes[f"{row}{column}"] = lonlat(shape)
            if 0.85 < fate < 0.9:
                shapes[f"{row}{column}again"] = lonlat(shape)
    return table({"S": box(0, 0, _SIDE, _SIDE)}), table(shapes, dict.fromkeys(shapes, "S"))


def _put(connection: psycopg.Connection, streets: AreaTable, grids: AreaTable) -> None:
    connection.execute("CREATE TEMP TABLE shapes (level text, code text, geom geometry) ON COMMIT DROP")
    with connection.cursor().copy("COPY shapes FROM STDIN") as copy:
        for level, areas in (("street", streets), ("grid", grids)):
            for code, shape in zip(areas.codes, areas.geometries, strict=True):
                copy.write_row((level, code, shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True)))


_PAIRS = """
SELECT a.code, b.code, ST_Area(ST_CollectionExtract(ST_Intersection(a.geom, b.geom), 3)::geography)
FROM shapes a JOIN shapes b ON a.level = b.level AND a.code < b.code AND ST_Intersects(a.geom, b.geom)
"""
_UNFILLED = """
SELECT ST_Area(ST_Difference(s.geom, (SELECT ST_Union(geom) FROM shapes WHERE level = 'grid'))::geography)
FROM shapes s WHERE level = 'street'
"""
_LEANING = """
SELECT g.code, ST_Area(ST_Difference(g.geom, s.geom)::geography) FROM shapes g, shapes s
WHERE g.level = 'grid' AND s.level = 'street' AND NOT ST_Covers(s.geom, g.geom)
"""
_MEASURE = "SELECT ST_Area(%s::geometry::geography)"


def _places(connection: psycopg.Connection, issues: list[Issue]) -> dict[str, float]:
    """The area of the places of issues, as PostGIS measures it, by the codes that the message names."""
    found: dict[str, float] = {}
    for issue in issues:
        key = (
            issue.message.split(" overlap")[0].replace(" (area ", " ").replace(")", "")
            if " overlap by" in issue.message
            else issue.feature_code
        )
        row = connection.execute(_MEASURE, [issue.ewkb]).fetchone()
        assert row
        found[str(key)] = found.get(str(key), 0.0) + row[0]
    return found


@pytest.mark.parametrize("seed", range(8))
def test_postgis_finds_the_same_places_of_the_same_size(connection: psycopg.Connection, seed: int) -> None:
    streets, grids = messed_up(seed)
    _put(connection, streets, grids)
    issues = check_areas({"street": streets, "grid": grids}, _ALL)

    overlaps = _places(connection, [issue for issue in issues if issue.code == "overlap"])
    expected = {f"{a} {a} and {b} {b}": area for a, b, area in connection.execute(_PAIRS).fetchall() if area > 1.0}
    assert {key for key, area in overlaps.items() if area > 1.0} == set(expected)
    assert len(expected) > 5
    assert sum(overlaps.values()) == pytest.approx(sum(expected.values()), rel=1e-4, abs=1.0)

    unfilled = connection.execute(_UNFILLED).fetchone()
    assert unfilled
    assert sum(_places(connection, [issue for issue in issues if issue.code == "gap"]).values()) == pytest.approx(unfilled[0], rel=1e-4)

    leaning = _places(connection, [issue for issue in issues if issue.code == "outside_parent"])
    wanted = {code: area for code, area in connection.execute(_LEANING).fetchall() if area > 1.0}
    assert {code: area for code, area in leaning.items() if area > 1.0} == pytest.approx(wanted, rel=1e-3)
    assert wanted


@hypothesis_settings(max_examples=60)
@given(seed=st.integers(min_value=8, max_value=10_000_000))
def test_two_areas_that_overlap_are_never_passed_over(seed: int) -> None:
    _, grids = messed_up(seed)
    (areas,) = Levels.of({"grid": grids}, 0.001).areas.values()
    overlapping = {
        (a, b) for a, b in combinations(range(len(areas)), 2) if shapely.area(shapely.intersection(areas.shapes[a], areas.shapes[b])) > 1.0
    }
    found = [issue for issue in check_areas({"grid": grids}, _ALL) if issue.code == "overlap"]
    said = {tuple(issue.message.split(" overlap by")[0].split(" and ")) for issue in found}
    assert {(areas.called(a), areas.called(b)) for a, b in overlapping} <= said


def test_areas_on_the_ground_are_those_of_the_ellipsoid_a_hundred_kilometres_from_the_middle(connection: psycopg.Connection) -> None:
    far = table({"a": shapely.box(120.0, 36.0, 120.002, 36.002), "b": shapely.box(121.0, 37.8, 121.002, 37.802)})
    (areas,) = Levels.of({"grid": far}, 0.001).areas.values()
    sizes = areas.plane.area_m2(areas.shapes)
    for shape, size in zip(far.geometries, sizes, strict=True):
        row = connection.execute(_MEASURE, [shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True)]).fetchone()
        assert row
        assert size == pytest.approx(row[0], rel=1e-6)
