"""Each check rejects, repairs or warns as its entry in the registry says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import shapely

from ingest.checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "code,name,kind,lon,lat,height,direction"
GOOD = "A1,Gate,fixed,120.38,36.08,4,1"
CAMERAS = """
id = "cameras"
layer = "cameras"
path = "cameras.csv"
crs = "wgs84"
coordinates = { lon = "lon", lat = "lat" }
[sources.fields]
code = "code"
name = "name"
kind = { field = "kind", values = { fixed = "fixed", "球机" = "ptz" } }
mount_height_m = "height"
direction_step = "direction"
"""


@pytest.mark.parametrize(
    ("row", "code", "field", "words"),
    [
        ("A2,Gate,fixed,120.38,36.08,4", "unreadable_row", "", "cells"),
        ("A2,Gate,fixed,120.38,36.08,4,1,more", "unreadable_row", "", "cells"),
        ("A2,G\ufffdte,fixed,120.38,36.08,4,1", "damaged_text", "name", "encoding"),
        ("A2,锟斤拷,fixed,120.38,36.08,4,1", "damaged_text", "name", "锟斤拷"),
        ("A2,ÇàµºÊÐ,fixed,120.38,36.08,4,1", "damaged_text", "name", "ÇàµºÊÐ"),
        ("A2,Gate,rocket,120.38,36.08,4,1", "unknown_value", "kind", "'rocket'"),
        ("A2,Gate,fixed,120.38,36.08,four,1", "bad_number", "mount_height_m", "'four'"),
        ("A2,Gate,fixed,120.38,36.08,nan,1", "bad_number", "mount_height_m", "'nan'"),
        ("A2,Gate,fixed,120.38,36.08,4,1.5", "bad_number", "direction_step", "whole"),
        ("A2,Gate,fixed,120.38,36.08,-1,1", "out_of_range", "mount_height_m", "-1"),
        ("A2,Gate,fixed,120.38,36.08,4,9", "out_of_range", "direction_step", "between 1 and 8"),
        (",Gate,fixed,120.38,36.08,4,1", "required", "code", "blank"),
        ("A2,Gate,,120.38,36.08,4,1", "required", "kind", "blank"),
        ("A2,Gate,fixed,,36.08,4,1", "no_geometry", "lon", "blank"),
        ("A2,Gate,fixed,120.38E,36.08,4,1", "bad_coordinate", "lon", "120.38E"),
        ("A2,Gate,fixed,NaN,36.08,4,1", "not_finite", "lon", "NaN"),
        ("A2,Gate,fixed,120.38,-inf,4,1", "not_finite", "lat", "-inf"),
        ("A2,Gate,fixed,120.38,1e400,4,1", "bad_coordinate", "lat", "1e400"),
        ("A2,Gate,fixed,36.08,120.38,4,1", "swapped_coordinates", "", "exchanged"),
        ("A2,Gate,fixed,213456,4012345,4,1", "outside_world", "", "wgs84"),
        ("A2,Gate,fixed,0,0,4,1", "null_island", "", "0, 0"),
        ("A2,Gate,fixed,121.38,36.08,4,1", "outside_bounds", "", "121.38"),
        ("A1,Gate,fixed,120.39,36.08,4,1", "duplicate_code", "code", "row 1"),
    ],
)
def test_a_bad_row_is_rejected_with_the_reason_and_the_good_one_is_not(dry: Any, row: str, code: str, field: str, words: str) -> None:
    dry.write("cameras.csv", f"{HEADER}\n{GOOD}\n{row}\n")
    rows, rejects, tally = dry.outcome(CAMERAS)
    assert [entry["code"] for entry in rows] == ["A1"]
    assert [(reject.row_number, reject.code, reject.field) for reject in rejects] == [(2, code, field)]
    assert words in rejects[0].message
    assert CHECKS[code].severity == "reject"
    assert (tally.read, tally.loaded, tally.rejected, dict(tally.reasons)) == (2, 1, 1, {code: 1})


def test_a_rejected_row_keeps_its_raw_values_as_they_were(dry: Any) -> None:
    dry.write("cameras.csv", f"{HEADER}\nA1, 市北区井盖 ,火箭,120.38,36.08,4,1\n")
    _, rejects, _ = dry.outcome(CAMERAS)
    assert rejects[0].raw == dict(zip(HEADER.split(","), ["A1", " 市北区井盖 ", "火箭", "120.38", "36.08", "4", "1"], strict=True))


def test_a_row_with_two_faults_is_counted_once_and_names_both(dry: Any) -> None:
    dry.write("cameras.csv", f"{HEADER}\nA1,Gate,rocket,0,0,4,1\n")
    _, rejects, tally = dry.outcome(CAMERAS)
    assert (tally.rejected, dict(tally.reasons)) == (1, {"unknown_value": 1})
    assert "rocket" in rejects[0].message
    assert "0, 0" in rejects[0].message


def test_blanks_around_text_are_trimmed_also_ideographic_ones(dry: Any) -> None:
    dry.write(
        "cameras.csv",
        f"{HEADER}\n A1 ,\u3000大门\u3000,fixed,120.38,36.08,4,1\nA2,\0Gate,fixed,120.38,36.08,4,1\nA3,Gate,fixed,120.38,36.08,4,1\n",
    )
    # NUL makes a file look binary, so it is written after the check: a cell of a database export may hold one.
    dry.write("cameras.csv", (dry.folder / "cameras.csv").read_bytes().replace(b"\0", b""))
    rows, _, tally = dry.outcome(CAMERAS)
    assert [(row["code"], row["name"]) for row in rows][:1] == [("A1", "大门")]
    assert (tally.repaired, tally.reasons["trimmed"]) == (1, 1)


def test_a_key_of_a_rejected_row_is_free_for_a_later_row(dry: Any) -> None:
    dry.write("cameras.csv", f"{HEADER}\nA1,Gate,fixed,0,0,4,1\nA1,Gate,fixed,120.38,36.08,4,1\nA1,Gate,fixed,120.39,36.08,4,1\n")
    rows, rejects, _ = dry.outcome(CAMERAS)
    assert [row["row_number"] for row in rows] == [2]
    assert [(reject.row_number, reject.code) for reject in rejects] == [(1, "null_island"), (3, "duplicate_code")]


def test_a_bad_value_of_a_lenient_field_is_left_out_with_a_warning(dry: Any) -> None:
    dry.write("cameras.csv", f"{HEADER}\nA1,Gate,fixed,120.38,36.08,four,1\n")
    rows, rejects, tally = dry.outcome(
        CAMERAS.replace('mount_height_m = "height"', 'mount_height_m = { field = "height", on_error = "null" }')
    )
    assert rejects == []
    assert (rows[0]["mount_height_m"], rows[0]["mount_height_source"]) == (5.0, "default")
    assert (tally.warned, tally.reasons["value_dropped"]) == (1, 1)


COVERS = """
id = "covers"
layer = "manhole_covers"
path = "covers.csv"
crs = "wgs84"
coordinates = { lon = "lon", lat = "lat" }
[sources.fields]
code = "code"
class_code = { field = "code", slice = [6, 10] }
installed_on = { field = "date", format = ["%Y%m%d", "%Y-%m-%d"], blank = ["00000000"] }
"""


@pytest.mark.parametrize(
    ("code", "check", "field"),
    [
        ("370203010200001", "code_pattern", "code"),
        ("3702039902000001", "unknown_class", "class_code"),
        ("3702030104000001", "not_a_cover", "class_code"),
    ],
)
def test_a_cover_needs_a_well_formed_code_of_a_class_of_covers(dry: Any, code: str, check: str, field: str) -> None:
    dry.write("covers.csv", f"code,lon,lat,date\n3702030102000001,120.38,36.08,20200131\n{code},120.38,36.08,20200131\n")
    rows, rejects, _ = dry.outcome(COVERS)
    assert [(row["scheme"], row["edition"], row["class_code"]) for row in rows] == [("CJ/T 214", "2007", "0102")]
    assert [(reject.code, reject.field) for reject in rejects] == [(check, field)]


@pytest.mark.parametrize("text", ["20200230", "2020013", "20201301", "31.01.2020", "2020-01-32"])
def test_a_day_that_does_not_exist_or_is_written_otherwise_is_rejected(dry: Any, text: str) -> None:
    dry.write("covers.csv", f"code,lon,lat,date\n3702030102000001,120.38,36.08,{text}\n")
    _, rejects, _ = dry.outcome(COVERS)
    assert [(reject.code, reject.field) for reject in rejects] == [("bad_date", "installed_on")]


@pytest.mark.parametrize(("text", "day"), [("20200229", "2020-02-29"), ("2020-01-31", "2020-01-31"), ("00000000", "None"), ("", "None")])
def test_dates_are_read_in_any_of_the_formats_and_blanks_are_none(dry: Any, text: str, day: str) -> None:
    dry.write("covers.csv", f"code,lon,lat,date\n3702030102000001,120.38,36.08,{text}\n")
    rows, _, _ = dry.outcome(COVERS)
    assert [str(row["installed_on"]) for row in rows] == [day]


GRIDS = """
id = "grids"
layer = "grids"
path = "grids.geojson"
fields = { code = "DM", name = "MC", parent_code = "SJDM" }
"""
WEST, SOUTH, SIDE = 120.38, 36.08, 0.002


def ring(*steps: tuple[float, float]) -> dict[str, Any]:
    corners = [[WEST + x * SIDE, SOUTH + y * SIDE] for x, y in steps]
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


CODE = {"DM": "370203005001001", "MC": "辽宁路001", "SJDM": "370203005001"}
SQUARE = ring((0, 0), (1, 0), (1, 1), (0, 1))
BOW_TIE = ring((0, 0), (1, 1), (1, 0), (0, 1))
CLOCKWISE = ring((0, 0), (0, 1), (1, 1), (1, 0))


@pytest.mark.parametrize(
    ("geometry", "check"),
    [
        (None, "no_geometry"),
        ({"type": "Polygon", "coordinates": []}, "empty_geometry"),
        ({"type": "Point", "coordinates": [WEST, SOUTH]}, "wrong_geometry"),
        ({"type": "LineString", "coordinates": [[WEST, SOUTH], [WEST, 36.09]]}, "wrong_geometry"),
        (ring((0, 0), (1, 0), (0, 0)), "lost_geometry"),
        (ring((0, 0), (1, 0), (2, 0)), "lost_geometry"),
        ({"type": "Polygon", "coordinates": [[[y, x] for x, y in SQUARE["coordinates"][0]]]}, "swapped_coordinates"),
        (ring((0, 0), (900, 0), (900, 1), (0, 1)), "outside_bounds"),
    ],
)
def test_an_area_without_a_usable_polygon_is_rejected(dry: Any, geojson: Callable[..., str], geometry: Any, check: str) -> None:
    dry.write("grids.geojson", geojson([(SQUARE, CODE), (geometry, {**CODE, "DM": "370203005001002"})]))
    rows, rejects, tally = dry.outcome(GRIDS)
    assert (len(rows), tally.read) == (1, 2)
    assert [(reject.row_number, reject.code) for reject in rejects] == [(2, check)]


@pytest.mark.parametrize(
    ("geometry", "check", "share"),
    [
        (BOW_TIE, "invalid_geometry", 0.5),
        (CLOCKWISE, "ring_order", 1.0),
        ({"type": "GeometryCollection", "geometries": [SQUARE, {"type": "Point", "coordinates": [WEST, SOUTH]}]}, "single_part", 1.0),
        ({"type": "Polygon", "coordinates": [[[x, y, -9999] for x, y in SQUARE["coordinates"][0]]]}, "z_rubbish", 1.0),
    ],
)
def test_a_polygon_that_can_be_mended_is_loaded_and_counted_as_repaired(
    dry: Any, geojson: Callable[..., str], geometry: Any, check: str, share: float
) -> None:
    dry.write("grids.geojson", geojson([(geometry, CODE)]))
    rows, rejects, tally = dry.outcome(GRIDS)
    assert rejects == []
    stored = shapely.from_wkb(rows[0]["geom"])
    assert (stored.geom_type, stored.is_valid, stored.has_z, shapely.get_srid(stored)) == ("MultiPolygon", True, False, 4326)
    assert stored.area == pytest.approx(SIDE * SIDE * share)
    assert all(part.exterior.is_ccw for part in stored.geoms)
    assert (tally.repaired, dict(tally.reasons)) == (1, {check: 1})


@pytest.mark.parametrize(
    ("properties", "check", "field"),
    [
        ({"DM": "370203005002001"}, "parent_code", "parent_code"),
        ({"DM": "37020300500100"}, "code_pattern", "code"),
        ({"SJDM": "370203005"}, "code_pattern", "parent_code"),
        ({"SJDM": None}, "required", "parent_code"),
        ({"MC": "  "}, "required", "name"),
    ],
)
def test_the_code_of_an_area_has_the_shape_of_its_level_and_begins_with_its_parent(
    dry: Any, geojson: Callable[..., str], properties: dict[str, Any], check: str, field: str
) -> None:
    dry.write("grids.geojson", geojson([(SQUARE, {**CODE, **properties})]))
    _, rejects, _ = dry.outcome(GRIDS)
    assert [(reject.code, reject.field) for reject in rejects] == [(check, field)]


def test_positions_with_swapped_axes_in_a_projected_system_are_called_so(dry: Any) -> None:
    dry.write("cameras.csv", f"{HEADER}\nA1,Gate,fixed,535000,3995000,4,1\nA2,Gate,fixed,3995000,535000,4,1\n")
    rows, rejects, _ = dry.outcome(
        CAMERAS.replace("wgs84", "EPSG:4549").replace('{ lon = "lon", lat = "lat" }', '{ x = "lon", y = "lat" }')
    )
    assert [row["code"] for row in rows] == ["A1"]
    assert [reject.code for reject in rejects] == ["swapped_coordinates"]
    assert "swapped" in rejects[0].message
