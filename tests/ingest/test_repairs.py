"""What is mended is told row by row with before and after; what is rejected comes back as the file had it; what is odd is said."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from ingest.description import load_description
from ingest.readers.batch import Contents
from ingest.steps import prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BUILDINGS = '\nid = "b"\nlayer = "buildings"\npath = "b.geojson"\nfields = { code = "code", name = "name", floors = "floors" }\n'
COVERS = """
id = "c"
layer = "cameras"
path = "c.csv"
crs = "EPSG:4549"
coordinates = { x = "x", y = "y" }
fields = { code = "code", kind = { constant = "fixed" }, height = "h" }
"""
SQUARE = [[120.38, 36.08], [120.39, 36.08], [120.39, 36.09], [120.38, 36.09], [120.38, 36.08]]
SQUARE_WKT = "POLYGON ((120.38 36.08, 120.39 36.08, 120.39 36.09, 120.38 36.09, 120.38 36.08))"
CLOCKWISE_WKT = "POLYGON ((120.38 36.08, 120.38 36.09, 120.39 36.09, 120.39 36.08, 120.38 36.08))"


def row(code: str | None, **others: Any) -> dict[str, Any]:
    return {"code": code, "name": None, "floors": None, **others}


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


@pytest.mark.parametrize(
    ("geometry", "told"),
    [
        (
            polygon([[*corner, 12.5] for corner in SQUARE]),
            (
                "z_dropped",
                "POLYGON Z ((120.38 36.08 12.5, 120.39 36.08 12.5, 120.39 36.09 12.5, 120.38 36.09 12.5, 120.38 36.08 12.5))",
                SQUARE_WKT,
            ),
        ),
        (
            polygon([[120.38, 36.08, -9999], *[[*corner, 3.0] for corner in SQUARE[1:4]], [120.38, 36.08, -9999]]),
            (
                "z_rubbish",
                "POLYGON Z ((120.38 36.08 -9999, 120.39 36.08 3, 120.39 36.09 3, 120.38 36.09 3, 120.38 36.08 -9999))",
                SQUARE_WKT,
            ),
        ),
        (polygon(SQUARE[::-1]), ("ring_order", CLOCKWISE_WKT, SQUARE_WKT)),
        (
            polygon([SQUARE[0], *SQUARE]),
            (
                "repeated_corner",
                "POLYGON ((120.38 36.08, 120.38 36.08, 120.39 36.08, 120.39 36.09, 120.38 36.09, 120.38 36.08))",
                SQUARE_WKT,
            ),
        ),
        (
            polygon(SQUARE[:4]),
            ("ring_closed", '{"type":"Polygon","coordinates":[[[120.38,36.08],[120.39,36.08],[120.39,36.09],[120.38,36.09]]]}', SQUARE_WKT),
        ),
        (
            {"type": "GeometryCollection", "geometries": [polygon(SQUARE), {"type": "Point", "coordinates": [120.38, 36.08]}]},
            (
                "single_part",
                f"GEOMETRYCOLLECTION ({SQUARE_WKT}, POINT (120.38 36.08))",
                f"MULTI{SQUARE_WKT.replace('((', '(((').replace('))', ')))')}",
            ),
        ),
        (
            polygon([[120.38, 36.08], [120.39, 36.09], [120.39, 36.08], [120.38, 36.09], [120.38, 36.08]]),
            ("invalid_geometry", "POLYGON ((120.38 36.08, 120.39 36.09, 120.39 36.08, 120.38 36.09, 120.38 36.08))", None),
        ),
    ],
)
def test_a_mended_polygon_is_told_with_before_after_and_its_place(
    dry: Any, geojson: Callable[..., str], geometry: Any, told: tuple[str, str, str | None]
) -> None:
    code, before, after = told
    dry.write("b.geojson", geojson([(polygon(SQUARE), row("A")), (geometry, row("B"))]))
    result = dry.result(BUILDINGS)
    (repair,) = result.repairs
    assert (repair.row_number, repair.feature_code, repair.code, repair.field, repair.before) == (2, "B", code, "", before)
    assert repair.ewkb == result.rows[1]["geom"]
    stored = shapely.from_wkb(repair.ewkb)
    assert repair.after is not None
    mended = shapely.from_wkt(repair.after)
    assert mended.is_valid
    assert stored.area == pytest.approx(mended.area)
    assert after is None or repair.after == after
    assert (result.tally.repaired, result.tally.reasons[code]) == (1, 1)


def test_trimmed_text_is_told_with_the_column_and_what_it_was(dry: Any, geojson: Callable[..., str]) -> None:
    dry.write("b.geojson", geojson([(polygon(SQUARE), row(" A", name="\u3000楼\u3000", floors="6 "))]))
    told = {(repair.field, repair.before, repair.after) for repair in dry.result(BUILDINGS).repairs}
    assert told == {("code", " A", "A"), ("name", "\u3000楼\u3000", "楼"), ("floors", "6 ", "6")}


def test_a_rejected_row_is_not_among_the_repairs(dry: Any, geojson: Callable[..., str]) -> None:
    dry.write("b.geojson", geojson([(polygon(SQUARE[::-1]), row(" A ", floors="many")), (polygon(SQUARE), row("B"))]))
    result = dry.result(BUILDINGS)
    assert [reject.row_number for reject in result.rejects] == [1]
    assert (result.repairs, result.tally.repaired) == ([], 0)


def test_a_rejected_row_brings_its_geometry_as_it_is_in_the_file(dry: Any, geojson: Callable[..., str]) -> None:
    tall = [[x + 3, y, 7.0] for x, y in SQUARE]
    dry.write("b.geojson", geojson([(polygon(SQUARE), row("A")), (polygon(tall), row("B"))]))
    (reject,) = dry.result(BUILDINGS).rejects
    given = shapely.from_wkb(reject.wkb)
    assert reject.code == "outside_bounds"
    assert given.has_z
    assert shapely.get_coordinates(given, include_z=True).tolist() == tall
    assert shapely.get_srid(given) == 0
    assert reject.ewkb is not None


def test_a_rejected_row_in_a_projected_system_keeps_the_numbers_of_the_file(dry: Any) -> None:
    dry.write("c.csv", "code,x,y\nA,535000,3995000\nA,535010,3995010\n")
    result = dry.result(COVERS.replace(', height = "h"', ""))
    (reject,) = result.rejects
    assert shapely.from_wkb(reject.wkb).wkt == "POINT (535010 3995010)"
    assert shapely.from_wkb(reject.ewkb).x == pytest.approx(120.39, abs=0.01)


@pytest.mark.parametrize(
    ("rings", "words"),
    [([[[120.38, 36.08], [120.38, 36.08]]], "found 2"), ([[*SQUARE], [[120.383, 36.083], [120.383, 36.083]]], "found 2")],
)
def test_a_geometry_that_cannot_be_built_is_rejected_with_what_the_file_says(
    dry: Any, geojson: Callable[..., str], rings: Any, words: str
) -> None:
    dry.write("b.geojson", geojson([(polygon(SQUARE), row("A")), (polygon(*rings), row("B"))]))
    (reject,) = dry.result(BUILDINGS).rejects
    assert (reject.code, reject.wkb) == ("unreadable_geometry", None)
    assert shapely.from_wkb(reject.ewkb).wkt == "POINT (120.38 36.08)"
    assert words in reject.message
    assert str(rings).replace(" ", "") in reject.raw["_geometry"]


def test_every_defect_of_the_buildings_of_a_real_city_is_told_row_by_row(dry: Any, real: Path, helsinki: Any) -> None:
    dry.deployment = helsinki
    source = """
        id = "b"
        layer = "buildings"
        path = "PATH"
        inner_layer = "multipolygons"
        [sources.fields]
        code = [{ field = "osm_way_id", template = "w{}" }, { field = "osm_id", template = "r{}" }]
    """
    result = dry.result(source.replace("PATH", str(real / "helsinki" / "Helsinki_centre_2020.osm.pbf")))
    unreadable = [reject for reject in result.rejects if reject.code == "unreadable_geometry"]
    lost = [reject for reject in result.rejects if reject.code == "lost_geometry"]
    mended = [repair for repair in result.repairs if repair.code == "invalid_geometry"]
    assert (len(unreadable), len(lost) + len(mended)) == (17, 45)
    assert all(reject.raw["_geometry"].startswith("MULTIPOLYGON (((24.9") for reject in unreadable)
    assert all(reject.message.startswith("The geometry cannot be built: Invalid number of points") for reject in unreadable)
    assert all(helsinki.box.west < shapely.from_wkb(reject.ewkb).x < helsinki.box.east for reject in unreadable)
    assert all(shapely.from_wkb(reject.wkb).geom_type == "MultiPolygon" for reject in lost)
    assert all(not shapely.from_wkt(repair.before).is_valid and shapely.from_wkt(repair.after).is_valid for repair in mended)


POINTS = '\nid = "c"\nlayer = "cameras"\npath = "c.csv"\ncrs = "wgs84"\nfields = { code = "code", kind = { constant = "fixed" } }\n'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("POINT (120.38 36.08)", None),
        ("SRID=4326;POINT(120.38 36.08)", None),
        (shapely.to_wkb(shapely.Point(120.38, 36.08), hex=True), None),
        (shapely.to_wkb(shapely.set_srid(shapely.Point(120.38, 36.08), 4326), hex=True, include_srid=True), None),
        ("CIRCULARSTRING (120.38 36.08, 120.39 36.09, 120.40 36.08)", "unreadable_geometry"),
        ("POINT (120.38; 36.08)", "unreadable_geometry"),
        ("POINT (120.38 nan)", "not_finite"),
        ("POINT EMPTY", "empty_geometry"),
        ("POLYGON ((120.38 36.08, 120.39 36.08, 120.39 36.09))", "wrong_geometry"),
        ("POINT (1e301 36.08)", "not_finite"),
        ("POINT (0 0)", "null_island"),
        ("", "no_geometry"),
    ],
)
def test_a_column_of_wkt_may_be_as_postgis_writes_it(dry: Any, text: str, code: str | None) -> None:
    dry.write("c.csv", f'code,where\nA,POINT (120.39 36.08)\nB,"{text}"\n')
    result = dry.result(POINTS.replace("fields", 'coordinates = { wkt = "where" }\nfields'))
    assert [reject.code for reject in result.rejects] == ([code] if code else [])
    assert [row["code"] for row in result.rows] == (["A"] if code else ["A", "B"])


def test_a_column_of_wkt_has_its_rings_closed(dry: Any) -> None:
    unclosed = "POLYGON ((120.38 36.08, 120.39 36.08, 120.39 36.09))"
    dry.write("b.csv", f'code,where\nA,"{unclosed}"\n')
    source = '\nid = "b"\nlayer = "buildings"\npath = "b.csv"\ncrs = "wgs84"\ncoordinates = { wkt = "where" }\nfields = { code = "code" }\n'
    (repair,) = dry.result(source).repairs
    after = "POLYGON ((120.38 36.08, 120.39 36.08, 120.39 36.09, 120.38 36.08))"
    assert (repair.code, repair.field, repair.before, repair.after) == ("ring_closed", "where", unclosed, after)


TWICE = "code,lon,lat\nA,120.38,36.08\nB,120.381,36.08\nC,120.38000004,36.08\nD,120.3800002,36.08\n"


def test_two_rows_on_one_spot_are_both_loaded_and_said(dry: Any) -> None:
    dry.write("c.csv", TWICE)
    result = dry.result(POINTS.replace("fields", 'coordinates = { lon = "lon", lat = "lat" }\nfields'))
    assert [row["code"] for row in result.rows] == ["A", "B", "C", "D"]
    (issue,) = result.issues
    assert (issue.layer, issue.feature_code, issue.code, issue.severity) == ("cameras", "C", "duplicate_position", "warning")
    assert "Row 1" in issue.message
    assert "120.3800000, 36.0800000" in issue.message
    assert issue.ewkb == result.rows[2]["geom"]
    assert (result.tally.warned, dict(result.tally.reasons)) == (1, {"duplicate_position": 1})


def test_a_dropped_value_is_named_in_its_warning(dry: Any, geojson: Callable[..., str]) -> None:
    dry.write("b.geojson", geojson([(polygon(SQUARE), row("A", floors="six"))]))
    (issue,) = dry.result(BUILDINGS.replace('floors = "floors"', 'floors = { field = "floors", on_error = "null" }')).issues
    assert (issue.feature_code, issue.code) == ("A", "value_dropped")
    assert "floors" in issue.message
    assert "'six'" in issue.message


def test_a_file_of_points_and_polygons_is_said_to_be_mixed(dry: Any, geojson: Callable[..., str]) -> None:
    point = {"type": "Point", "coordinates": [120.38, 36.08]}
    dry.write("b.geojson", geojson([(polygon(SQUARE), row("A")), (point, row("B")), (None, row("C"))]))
    result = dry.result(BUILDINGS)
    assert [reject.code for reject in result.rejects] == ["wrong_geometry", "no_geometry"]
    (issue,) = result.issues
    assert (issue.code, issue.feature_code, issue.ewkb) == ("mixed_geometry", None, None)
    assert "1 points, 1 polygons" in issue.message


def test_an_unknown_community_of_a_building_is_a_warning(dry: Any, geojson: Callable[..., str]) -> None:
    rows = [row("A", name="370203001001"), row("B", name="370203001002"), row("C")]
    dry.write("b.geojson", geojson([(polygon([[x + n / 10, y] for x, y in SQUARE]), told) for n, told in enumerate(rows)]))
    source = BUILDINGS.replace('name = "name"', 'community_code = "name"')
    result = dry.result(source, known_parents={"370203001001"})
    assert [(issue.feature_code, issue.code) for issue in result.issues] == [("B", "unknown_parent")]
    assert "'370203001002'" in result.issues[0].message
    assert dry.result(source).issues == []


@pytest.mark.parametrize("height", ["", " 7"])
def test_axes_the_other_way_round_are_exchanged_when_the_description_says_so(dry: Any, height: str) -> None:
    dry.write("c.csv", f'code,where\nA,"POINT (36.08 120.38{height})"\nB,"POINT (120.38 36.08{height})"\n')
    source = POINTS.replace("fields", 'axis_order = "yx"\ncoordinates = { wkt = "where" }\nfields')
    result = dry.result(source)
    assert [shapely.from_wkb(row["geom"]).wkt for row in result.rows] == ["POINT (120.38 36.08)"]
    (reject,) = result.rejects
    assert reject.code == "swapped_coordinates"
    assert shapely.get_coordinates(shapely.from_wkb(reject.wkb)).tolist() == [[120.38, 36.08]]
    assert [repair.code for repair in result.repairs] == (["z_dropped"] if height else [])
    (outcome,) = result.outcomes
    assert shapely.get_coordinates(outcome.seen.geom[0]).tolist() == [[120.38, 36.08]]


def test_every_row_with_a_geometry_is_seen_rejected_ones_too(dry: Any, geojson: Callable[..., str]) -> None:
    shapes = [(polygon(SQUARE), row("A")), (polygon([[x + 5, y] for x, y in SQUARE]), row("B")), (None, row(None))]
    dry.write("b.geojson", geojson(shapes))
    (outcome,) = dry.result(BUILDINGS).outcomes
    assert outcome.seen.code.to_pylist() == ["A", "B", None]
    assert outcome.seen.named.to_pylist() == [None] * 3
    assert [shape and shape.bounds[0] for shape in outcome.seen.geom] == [120.38, 125.38, None]


def test_a_text_that_postgresql_cannot_hold_is_told_with_symbols(dry: Any) -> None:
    dry.write("c.csv", "code,lon,lat\nA,120.38,36.08\n")
    source = POINTS.replace("fields", 'coordinates = { lon = "lon", lat = "lat" }\nfields')
    (raw,) = prepare(load_description(dry.describe(source)).sources[0], dry.folder / "c.csv", dry.deployment).reader.batches()
    raw = replace(raw, table=raw.table.set_column(0, "code", [["A\0"]]))
    reader = SimpleNamespace(contents=Contents(("code", "lon", "lat")), batches=lambda: iter([raw]))
    result = dry.result(source, reader=reader)
    assert [(repair.before, repair.after) for repair in result.repairs] == [("A␀", "A")]
