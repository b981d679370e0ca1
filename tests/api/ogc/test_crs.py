"""Coordinate systems: geometry as pyproj has it, in the order of axes of the register, and boxes and filters in each of them."""

from __future__ import annotations

import math

import psycopg
import pyproj
import pytest
import shapely

from gisgrid.db import Database
from tests.api.conftest import Server
from tests.api.ogc.asking import CRS84, EPSG, ask, ids, items

NUMBERS = (4326, 4490, 3857, 4549, 4528)


@pytest.mark.parametrize("srid", NUMBERS)
@pytest.mark.parametrize("layer", ["manhole_covers", "buildings", "quality_issues"])
def test_geometry_is_where_pyproj_has_it_in_the_order_of_the_register(server: Server, layer: str, srid: int) -> None:
    plain = items(server, layer, limit=50)["features"]
    answer = ask(server, layer, limit=50, crs=f"{EPSG}{srid}")
    assert answer.headers["content-crs"] == f"<{EPSG}{srid}>"
    # Not always_xy: the axes are those of the register.
    transform = pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{srid}")
    for before, after in zip(plain, answer.json()["features"], strict=True):
        if before["geometry"] is None:
            assert after["geometry"] is None
            continue
        wanted = shapely.transform(shapely.geometry.shape(before["geometry"]), transform.transform, interleaved=False)
        found = shapely.geometry.shape(after["geometry"])
        off = shapely.get_coordinates(found) - shapely.get_coordinates(wanted)
        assert abs(off).max() < (1e-12 if srid in (4326, 4490) else 1e-6)


def test_crs84_may_be_named_and_is_what_is_given_where_none_is(server: Server) -> None:
    named, unnamed = ask(server, "grids", crs=CRS84), ask(server, "grids")
    assert named.json()["features"] == unnamed.json()["features"]
    assert named.headers["content-crs"] == unnamed.headers["content-crs"] == f"<{CRS84}>"


@pytest.mark.parametrize("srid", NUMBERS)
def test_a_box_in_any_system_gives_what_it_holds_there(server: Server, town: Database, srid: int) -> None:
    transform = pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{srid}", always_xy=True)
    west, south = transform.transform(120.3729, 36.0821)
    east, north = transform.transform(120.3788, 36.0869)
    sides = (west, south, east, north) if srid == 3857 else (south, west, north, east)
    # In the system of the box, where its sides are straight.
    inside = "ST_Intersects(ST_Transform(geom, %s), ST_MakeEnvelope(%s, %s, %s, %s, %s))"
    with psycopg.connect(town.url) as connection:
        for layer in ("manhole_covers", "buildings", "grids"):
            sql = f"SELECT id FROM gisgrid.{layer} WHERE {inside} ORDER BY id"
            wanted = [row[0] for row in connection.execute(sql.encode(), [srid, west, south, east, north, srid])]
            assert len(wanted) > 1
            box = ",".join(map(repr, sides))
            assert ids(items(server, layer, limit=1000, bbox=box, bbox_crs=f"{EPSG}{srid}")) == wanted
            written = f"S_INTERSECTS(geom, BBOX({box}))"
            assert ids(items(server, layer, limit=1000, filter=written, filter_crs=f"{EPSG}{srid}")) == wanted


@pytest.mark.parametrize("srid", [3857, 4549, 4528])
def test_a_box_of_a_map_that_is_zoomed_out_holds_everything(server: Server, srid: int) -> None:
    box = "-3e7,-3e7,6e7,6e7"
    assert items(server, "manhole_covers", bbox=box, bbox_crs=f"{EPSG}{srid}", count="true")["numberMatched"] == 122
    assert items(server, "manhole_covers", bbox="6.1e7,6.1e7,6.2e7,6.2e7", bbox_crs=f"{EPSG}{srid}")["numberMatched"] == 0


def test_a_box_with_the_axes_the_wrong_way_round_is_refused_or_empty(server: Server) -> None:
    answer = ask(server, "grids", bbox="120.37,36.08,120.38,36.09", bbox_crs=f"{EPSG}4326")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "bbox")
    assert "latitude before longitude" in answer.json()["expected"]
    assert items(server, "grids", bbox="533000,3994000,534000,3996000", bbox_crs=f"{EPSG}4549")["numberMatched"] == 0


@pytest.mark.parametrize("srid", NUMBERS)
@pytest.mark.parametrize("lang", ["cql2-text", "cql2-json"])
def test_shapes_in_a_filter_are_in_the_system_that_filter_crs_names(server: Server, srid: int, lang: str) -> None:
    transform = pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{srid}")
    ring = [transform.transform(*place) for place in ((120.3722, 36.0822), (120.3788, 36.0822), (120.376, 36.0869), (120.3722, 36.0822))]
    polygon = shapely.Polygon(ring)
    plain = shapely.Polygon([(120.3722, 36.0822), (120.3788, 36.0822), (120.376, 36.0869)])
    wanted = ids(items(server, "manhole_covers", limit=1000, filter=f"S_WITHIN(geom, {plain.wkt})"))
    assert len(wanted) > 5
    if lang == "cql2-text":
        written = f"S_WITHIN(geom, {shapely.to_wkt(polygon, rounding_precision=-1)})"
    else:
        shape = str(shapely.to_geojson(polygon))
        written = f'{{"op":"s_within","args":[{{"property":"geom"}},{shape}]}}'
    found = items(server, "manhole_covers", limit=1000, filter=written, filter_lang=lang, filter_crs=f"{EPSG}{srid}")
    assert ids(found) == wanted


@pytest.mark.parametrize(
    "written",
    [
        "S_INTERSECTS(geom, POINT(1e300 1e300))",
        "S_INTERSECTS(geom, BBOX(1,2,3))",
        "S_INTERSECTS(geom, BBOX(5e6,0,4e6,1))",
        "S_INTERSECTS(geom, BBOX(-3e7,-3e7,-2e7,-2e7))",
        "S_INTERSECTS(geom, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))",
    ],
)
def test_shapes_that_are_nowhere_in_their_system_are_refused(server: Server, written: str) -> None:
    answer = ask(server, "grids", filter=written, filter_crs=f"{EPSG}4549")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "filter")


def test_the_systems_of_a_belt_differ_by_its_number_alone(server: Server) -> None:
    plain, numbered = (items(server, "cameras", crs=f"{EPSG}{srid}")["features"] for srid in (4549, 4528))
    for one, other in zip(plain, numbered, strict=True):
        (north, east), (same_north, numbered_east) = one["geometry"]["coordinates"], other["geometry"]["coordinates"]
        assert math.isclose(north, same_north, abs_tol=1e-9)
        assert math.isclose(numbered_east - east, 40_000_000.0, abs_tol=1e-6)
