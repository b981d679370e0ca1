"""What a load does to the database: everything accounted for, only real changes written, nothing half-loaded."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import geopandas
import openpyxl
import pytest
import shapely

from gisgrid.db import Database
from gisgrid.db.loading import open_loading
from gisgrid.errors import DatabaseError, SourceError
from ingest.pipeline import run

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "code,name,lon,lat"
ROWS = ["A1,One,120.38,36.08", "A2,Two,120.39,36.08", "A3,Three,120.40,36.08", "A4,Nowhere,0,0", "A1,Again,120.38,36.08"]
CAMERAS = """
id = "cameras"
layer = "cameras"
path = "cameras.csv"
crs = "wgs84"
coordinates = { lon = "lon", lat = "lat" }
fields = { code = "code", name = "name", kind = { constant = "fixed" } }
"""
OTHERS = CAMERAS.replace('id = "cameras"', 'id = "others"').replace("cameras.csv", "others.csv")


@pytest.fixture
def cameras(bench: Any) -> Any:
    bench.write("cameras.csv", "\n".join([HEADER, *ROWS]))
    return bench


def test_every_row_is_loaded_or_kept_as_rejected_with_its_raw_values(cameras: Any) -> None:
    (report,) = cameras.run(CAMERAS)
    assert (report.status, report.read, report.loaded, report.rejected) == ("loaded", 5, 3, 2)
    assert report.reasons == {"null_island": 1, "duplicate_code": 1}
    assert cameras.rows("SELECT code, name FROM gisgrid.cameras ORDER BY code") == [("A1", "One"), ("A2", "Two"), ("A3", "Three")]
    assert [(number, code) for number, code, _, _ in cameras.rejects()] == [(4, "null_island"), (5, "duplicate_code")]
    assert cameras.one("SELECT raw FROM gisgrid.ingest_rejects WHERE row_number = 4") == {
        "code": "A4",
        "name": "Nowhere",
        "lon": "0",
        "lat": "0",
    }
    assert cameras.one("SELECT ST_AsText(geom) FROM gisgrid.ingest_rejects WHERE row_number = 4") == "POINT(0 0)"
    counts = cameras.rows("SELECT status, rows_read, rows_loaded, rows_rejected, report -> 'reasons' FROM gisgrid.ingest_runs")
    assert counts == [("loaded", 5, 3, 2, report.reasons)]


def test_the_same_file_again_writes_nothing_and_repeats_the_counts(cameras: Any) -> None:
    (first,) = cameras.run(CAMERAS)
    before = cameras.rows("SELECT id, xmin::text FROM gisgrid.cameras_all ORDER BY id"), cameras.changes()
    (again,) = cameras.run(CAMERAS)
    assert (again.status, again.inserted, again.updated, again.retired) == ("unchanged", 0, 0, 0)
    assert (again.read, again.loaded, again.rejected, again.reasons) == (first.read, first.loaded, first.rejected, first.reasons)
    assert (cameras.rows("SELECT id, xmin::text FROM gisgrid.cameras_all ORDER BY id"), cameras.changes()) == before
    assert cameras.one("SELECT count(*) FROM gisgrid.ingest_rejects") == 2


def test_a_file_that_was_touched_but_says_the_same_changes_no_row(cameras: Any) -> None:
    cameras.run(CAMERAS)
    before = cameras.changes()
    cameras.write("cameras.csv", "\n".join([HEADER, *ROWS]) + "\n")
    (report,) = cameras.run(CAMERAS)
    assert (report.status, report.inserted, report.updated, report.retired) == ("unchanged", 0, 0, 0)
    assert cameras.changes() == before


def test_a_changed_file_updates_only_what_changed_and_keeps_ids(cameras: Any) -> None:
    cameras.run(CAMERAS)
    ids = dict(cameras.rows("SELECT code, id FROM gisgrid.cameras"))
    untouched = cameras.one("SELECT xmin::text FROM gisgrid.cameras_all WHERE code = 'A1'")
    cameras.write("cameras.csv", "\n".join([HEADER, ROWS[0], "A2,Second,120.39,36.08", "A5,Five,120.41,36.08"]))
    (report,) = cameras.run(CAMERAS)
    assert (report.status, report.inserted, report.updated, report.retired) == ("loaded", 1, 1, 1)
    now = dict(cameras.rows("SELECT code, id FROM gisgrid.cameras"))
    assert (set(now), now["A1"], now["A2"]) == ({"A1", "A2", "A5"}, ids["A1"], ids["A2"])
    assert cameras.one("SELECT xmin::text FROM gisgrid.cameras_all WHERE code = 'A1'") == untouched
    assert cameras.one("SELECT name FROM gisgrid.cameras WHERE code = 'A2'") == "Second"


def test_another_description_of_the_same_file_loads_it_again(cameras: Any) -> None:
    cameras.run(CAMERAS)
    (report,) = cameras.run(CAMERAS.replace('name = "name", ', ""))
    assert (report.status, report.updated) == ("loaded", 3)
    assert cameras.one("SELECT count(name) FROM gisgrid.cameras") == 0


def test_a_file_is_loaded_again_when_its_rows_are_gone(cameras: Any) -> None:
    cameras.run(CAMERAS)
    with cameras.database.connect() as connection:
        connection.execute("TRUNCATE gisgrid.cameras_all")
    (report,) = cameras.run(CAMERAS)
    assert (report.status, report.inserted) == ("loaded", 3)


def test_a_row_that_another_source_holds_stays_with_it(cameras: Any) -> None:
    cameras.run(CAMERAS)
    cameras.write("others.csv", "\n".join([HEADER, "A1,Mine,120.38,36.09", "B1,Other,120.38,36.08"]))
    (report,) = cameras.run(OTHERS)
    assert (report.read, report.loaded, report.rejected, report.reasons) == (2, 1, 1, {"held_by_other_source": 1})
    assert cameras.rows("SELECT name, source_id FROM gisgrid.cameras WHERE code IN ('A1', 'B1') ORDER BY code") == [
        ("One", "cameras"),
        ("Other", "others"),
    ]
    assert [(number, code, field) for number, code, field, _ in cameras.rejects()] == [(1, "held_by_other_source", "code")]
    assert cameras.one("SELECT raw ->> 'name' FROM gisgrid.ingest_rejects WHERE code = 'held_by_other_source'") == "Mine"
    (again,) = cameras.run(OTHERS)
    assert again.status == "unchanged"


def test_a_load_that_fails_leaves_everything_as_it_was(cameras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cameras.run(CAMERAS)
    before = cameras.rows("SELECT * FROM gisgrid.cameras ORDER BY id"), cameras.changes()
    with cameras.database.connect() as connection:
        connection.execute("ALTER TABLE gisgrid.cameras_all ADD CONSTRAINT no_five CHECK (code <> 'A5')")
    cameras.write("cameras.csv", "\n".join([HEADER, "A2,Second,120.39,36.08", "A5,Five,120.41,36.08"]))
    with pytest.raises(DatabaseError, match="no_five"):
        cameras.run(CAMERAS)
    assert (cameras.rows("SELECT * FROM gisgrid.cameras ORDER BY id"), cameras.changes()) == before
    assert cameras.rows("SELECT status FROM gisgrid.ingest_runs ORDER BY id") == [("loaded",), ("failed",)]


def test_a_dry_run_reports_the_same_counts_and_writes_nothing(cameras: Any) -> None:
    (checked,) = cameras.run(CAMERAS, dry_run=True)
    assert cameras.one("SELECT count(*) FROM gisgrid.ingest_runs") == 0
    (report,) = cameras.run(CAMERAS)
    assert (checked.status, checked.read, checked.loaded, checked.reasons) == ("checked", report.read, report.loaded, report.reasons)


def test_text_with_quotes_commas_line_breaks_and_backslashes_arrives_as_it_is(bench: Any) -> None:
    name = 'Tor "A", \\N and\nnext line'
    quoted = name.replace('"', '""')
    bench.write("cameras.csv", f'{HEADER}\nA1,"{quoted}",120.38,36.08\nA2,"",120.38,36.08\n')
    bench.run(CAMERAS)
    assert bench.rows("SELECT name FROM gisgrid.cameras ORDER BY code") == [(name,), (None,)]


def test_only_the_layers_asked_for_are_loaded(cameras: Any) -> None:
    cameras.write("organizations.csv", "code,name\n1,Water works\n")
    organizations = 'id = "org"\nlayer = "organizations"\npath = "organizations.csv"\nfields = { code = "code", name = "name" }\n'
    reports = cameras.run(CAMERAS, organizations, layers=["organizations"])
    assert [report.layer for report in reports] == ["organizations"]
    with pytest.raises(SourceError, match="no source for buildings"):
        cameras.run(CAMERAS, layers=["buildings"])


def test_paths_are_relative_to_the_root_when_one_is_given(cameras: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "sources.toml").write_text(f"[[sources]]{CAMERAS}")
    (report,) = run(cameras.database, cameras.deployment, elsewhere / "sources.toml", root=cameras.folder).sources
    assert report.loaded == 3


def test_a_file_without_rows_fails_and_what_was_loaded_from_it_stays(cameras: Any) -> None:
    cameras.run(CAMERAS)
    cameras.write("cameras.csv", HEADER + "\n")
    with pytest.raises(SourceError, match="no rows"):
        cameras.run(CAMERAS)
    assert cameras.one("SELECT count(*) FROM gisgrid.cameras") == 3
    assert cameras.rows("SELECT status, report ->> 'error' LIKE '%no rows%' FROM gisgrid.ingest_runs ORDER BY id DESC LIMIT 1") == [
        ("failed", True)
    ]


def test_a_delivery_without_one_good_row_does_not_empty_the_layer(cameras: Any) -> None:
    cameras.run(CAMERAS)
    before = cameras.rows("SELECT * FROM gisgrid.cameras ORDER BY id"), cameras.changes()
    cameras.write("cameras.csv", "\n".join([HEADER, "A1,One,36.08,120.38", "A2,Two,36.08,120.39", "A3,Three,0,0"]))
    with pytest.raises(SourceError, match=r"None of 3 sampled rows .* with its axes exchanged it would be 2") as refusal:
        cameras.run(CAMERAS)
    assert 'axis_order = "yx"' in str(refusal.value)
    assert (cameras.rows("SELECT * FROM gisgrid.cameras ORDER BY id"), cameras.changes()) == before
    assert [code for _, code, _, _ in cameras.rejects()] == ["swapped_coordinates", "swapped_coordinates", "null_island"]
    assert cameras.rows("SELECT status, rows_rejected FROM gisgrid.ingest_runs ORDER BY id DESC") == [("failed", 3), ("loaded", 2)]


def test_a_database_that_is_down_is_said_so_before_anything_is_read(cameras: Any) -> None:
    with pytest.raises(DatabaseError, match="cannot be reached"):
        run(Database("postgresql://nobody@127.0.0.1:1/none"), cameras.deployment, cameras.describe(CAMERAS))


# --- areas ---

DISTRICTS = 'id = "districts"\nlayer = "districts"\npath = "districts.geojson"\nfields = { code = "DM", name = "MC" }\n'
STREETS = 'id = "streets"\nlayer = "streets"\npath = "streets.geojson"\nfields = { code = "DM", name = "MC", parent_code = "SJDM" }\n'


def box(west: float, width: float = 0.01) -> dict[str, Any]:
    corners = [[west, 36.08], [west + width, 36.08], [west + width, 36.09], [west, 36.09], [west, 36.08]]
    return {"type": "Polygon", "coordinates": [corners]}


@pytest.fixture
def areas(bench: Any, geojson: Callable[..., str]) -> Any:
    bench.write("districts.geojson", geojson([(box(120.38, 0.02), {"DM": "370203", "MC": "市北区"})]))
    streets = [
        (box(120.38), {"DM": "370203005", "MC": "辽宁路街道", "SJDM": "370203"}),
        (box(120.39), {"DM": "370203009", "MC": "兴隆路街道", "SJDM": "370203"}),
    ]
    bench.write("streets.geojson", geojson(streets))
    return bench


def generations(bench: Any) -> list[str]:
    return [row[0] for row in bench.rows("SELECT status FROM gisgrid.generations ORDER BY id")]


def test_areas_become_visible_together_in_one_active_generation(areas: Any) -> None:
    reports = areas.run(DISTRICTS, STREETS)
    assert [(report.status, report.loaded) for report in reports] == [("loaded", 1), ("loaded", 2)]
    assert generations(areas) == ["active"]
    assert areas.rows("SELECT code, name, parent_code FROM gisgrid.streets ORDER BY code")[0] == ("370203005", "辽宁路街道", "370203")
    measured = areas.one("SELECT area_m2 FROM gisgrid.districts")
    assert measured == pytest.approx(areas.one("SELECT ST_Area(geom::geography) FROM gisgrid.districts"))
    assert measured == pytest.approx(2.0e6, rel=0.01)


def test_the_same_areas_again_make_no_generation_and_no_change(areas: Any) -> None:
    areas.run(DISTRICTS, STREETS)
    before = areas.changes()
    assert {report.status for report in areas.run(DISTRICTS, STREETS)} == {"unchanged"}
    areas.write("streets.geojson", (areas.folder / "streets.geojson").read_text() + "\n")
    reports = areas.run(DISTRICTS, STREETS)
    assert {report.status for report in reports} == {"unchanged"}
    assert (generations(areas), areas.changes()) == (["active"], before)


def test_a_level_that_is_not_delivered_is_carried_over(areas: Any, geojson: Callable[..., str]) -> None:
    areas.run(DISTRICTS, STREETS)
    areas.write("streets.geojson", geojson([(box(120.38, 0.02), {"DM": "370203005", "MC": "辽宁路街道", "SJDM": "370203"})]))
    reports = areas.run(DISTRICTS, STREETS)
    assert [report.status for report in reports] == ["unchanged", "loaded"]
    assert generations(areas) == ["retired", "active"]
    assert (areas.one("SELECT count(*) FROM gisgrid.districts"), areas.one("SELECT count(*) FROM gisgrid.streets")) == (1, 1)


def test_when_one_level_fails_what_is_served_stays_and_the_draft_is_gone(areas: Any) -> None:
    areas.run(DISTRICTS, STREETS)
    before = areas.rows("SELECT id, code FROM gisgrid.areas ORDER BY id"), areas.changes()
    districts = json.loads((areas.folder / "districts.geojson").read_text())
    districts["features"][0]["properties"]["MC"] = "新区"
    areas.write("districts.geojson", json.dumps(districts))
    areas.write("streets.geojson", '{"type": "FeatureCollection", "features": []}')
    with pytest.raises(SourceError):
        areas.run(DISTRICTS, STREETS)
    assert (areas.rows("SELECT id, code FROM gisgrid.areas ORDER BY id"), areas.changes()) == before
    assert generations(areas) == ["active"]
    reports = areas.run(DISTRICTS)
    assert [report.status for report in reports] == ["loaded"]
    assert areas.one("SELECT name FROM gisgrid.districts") == "新区"


def test_a_level_without_one_good_area_does_not_take_the_place_of_what_is_served(areas: Any, geojson: Callable[..., str]) -> None:
    areas.run(DISTRICTS, STREETS)
    before = areas.rows("SELECT id, code FROM gisgrid.areas ORDER BY id"), areas.changes()
    areas.write("streets.geojson", geojson([(box(20.0), {"DM": "370203005", "MC": "辽宁路街道", "SJDM": "370203"})]))
    with pytest.raises(SourceError, match="None of 1 sampled rows"):
        areas.run(DISTRICTS, STREETS)
    assert (areas.rows("SELECT id, code FROM gisgrid.areas ORDER BY id"), areas.changes()) == before
    assert generations(areas) == ["active"]


def test_roles_are_loaded_from_a_sheet_and_blank_people_are_told_apart(bench: Any) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "责任人"
    for row in (
        ["级别", "代码", "角色", "单位", "姓名"],
        ["街道", 370203005, "责任单位", "S1", None],
        ["街道", "370203005", "网格长", None, "张三"],
        ["街道", "370203005", "网格长", None, None],
    ):
        sheet.append(row)
    book.save(bench.folder / "roles.xlsx")
    source = """
id = "roles"
layer = "area_roles"
path = "roles.xlsx"
sheet = "责任人"
[sources.fields]
area_level = { field = "级别", values = { "街道" = "street" } }
area_code = "代码"
role = { field = "角色", values = { "责任单位" = "responsible_unit", "网格长" = "grid_leader" } }
organization_code = "单位"
person_name = "姓名"
"""
    (report,) = bench.run(source)
    assert (report.loaded, report.reasons) == (2, {"required": 1})
    assert bench.rows("SELECT area_code, role, organization_code, person_name FROM gisgrid.area_roles ORDER BY id") == [
        ("370203005", "responsible_unit", "S1", None),
        ("370203005", "grid_leader", None, "张三"),
    ]


def test_a_gbk_shapefile_without_cpg_arrives_in_right_chinese_at_the_right_place(bench: Any) -> None:
    frame = geopandas.GeoDataFrame(
        {
            "ObjID": ["3702030102000001", "3702030103000002"],
            "ObjName": ["污水井盖", "雨水井盖"],
            "ObjState": ["完好", "破损"],
            "Material": ["铸铁", None],
        },
        geometry=geopandas.points_from_xy([120.38, 120.39], [36.08, 36.09]),
        crs=4326,
    ).to_crs(4528)
    frame.to_file(bench.folder / "covers.shp", encoding="GBK", engine="pyogrio")
    (bench.folder / "covers.cpg").unlink()
    source = """
id = "covers"
layer = "manhole_covers"
path = "covers.shp"
crs = "EPSG:4528"
encoding = "gb18030"
[sources.fields]
code = "ObjID"
class_code = { field = "ObjID", slice = [6, 10] }
name = "ObjName"
material = "Material"
state = { field = "ObjState", values = { "完好" = "intact", "破损" = "broken" } }
"""
    (report,) = bench.run(source)
    assert (report.loaded, report.encoding) == (2, "gb18030")
    assert bench.rows("SELECT name, state, class_code, spec FROM gisgrid.manhole_covers ORDER BY code") == [
        ("污水井盖", "intact", "0102", {"material": "铸铁"}),
        ("雨水井盖", "broken", "0103", {}),
    ]
    lon, lat = bench.rows("SELECT ST_X(geom), ST_Y(geom) FROM gisgrid.manhole_covers ORDER BY code")[0]
    assert (lon, lat) == (pytest.approx(120.38, abs=1e-8), pytest.approx(36.08, abs=1e-8))
    (bench.folder / "covers.dbf").write_bytes((bench.folder / "covers.dbf").read_bytes().replace("雨水".encode("gbk"), b"\xff\xff\xff\xff"))
    (damaged,) = bench.run(source)
    assert damaged.reasons == {"damaged_text": 1}


def test_a_camera_knows_where_its_optics_come_from(bench: Any) -> None:
    bench.write(
        "cameras.csv",
        "code,kind,lon,lat,azimuth,step,range,from\n"
        "A1,fixed,120.38,36.08,12.5,,80,measured\nA2,fixed,120.38,36.08,,6,,vendor\nA3,ptz,120.38,36.08,,,,\nA4,fixed,120.38,36.08,360,1,50,\n",
    )
    (report,) = bench.run(
        CAMERAS.replace(
            'kind = { constant = "fixed" }',
            'kind = "kind", azimuth_deg = "azimuth", direction_step = "step", range_m = "range", optics_source = "from"',
        ).replace('name = "name", ', "")
    )
    assert report.rejected == 0
    columns = "azimuth_deg, azimuth_uncertainty_deg, azimuth_source, range_m, range_source, field_of_view_deg, field_of_view_source"
    assert bench.rows(f"SELECT {columns} FROM gisgrid.cameras ORDER BY code") == [
        (12.5, 2.0, "measured", 80.0, "measured", 90.0, "default"),
        (45.0, 22.5, "8-step", 60.0, "default", 90.0, "default"),
        (None, None, None, 120.0, "default", 360.0, "default"),
        (0.0, 5.0, "vendor", 50.0, "vendor", 90.0, "default"),
    ]


def test_points_in_gcj02_are_stored_in_wgs84(bench: Any) -> None:
    bench.write("cameras.csv", f"{HEADER}\nA1,One,120.3851332804,36.0802769173\n")
    bench.run(CAMERAS.replace("wgs84", "gcj02"))
    point = shapely.from_wkb(bench.one("SELECT ST_AsBinary(geom) FROM gisgrid.cameras"))
    assert (point.x, point.y) == (pytest.approx(120.38, abs=1e-8), pytest.approx(36.08, abs=1e-8))


def test_a_connection_that_breaks_in_the_middle_is_one_clear_error_and_the_load_can_be_repeated(cameras: Any) -> None:
    cameras.run(CAMERAS)
    before = cameras.rows("SELECT * FROM gisgrid.cameras ORDER BY id"), cameras.changes()
    cameras.write("cameras.csv", "\n".join([HEADER, "A2,Second,120.39,36.08", "A5,Five,120.41,36.08"]))

    def cut(_what: str, done: int, _total: int) -> None:
        if done:
            cameras.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with pytest.raises(DatabaseError, match="failed"):
        cameras.run(CAMERAS, progress=cut)
    assert (cameras.rows("SELECT * FROM gisgrid.cameras ORDER BY id"), cameras.changes()) == before
    (report,) = cameras.run(CAMERAS)
    assert (report.status, report.inserted, report.updated, report.retired) == ("loaded", 1, 1, 2)


def test_a_second_ingest_waits_for_the_first(cameras: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        with open_loading(cameras.database):
            waiting = pool.submit(cameras.run, CAMERAS)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
            assert cameras.one("SELECT count(*) FROM gisgrid.cameras") == 0
        assert waiting.result(timeout=30)[0].loaded == 3


def test_text_in_a_geopackage_that_is_not_utf8_costs_its_row_alone(bench: Any) -> None:
    frame = geopandas.GeoDataFrame(
        {"code": ["A1", "A2"], "name": ["好", "坏"]}, geometry=geopandas.points_from_xy([120.38, 120.39], [36.08, 36.08]), crs=4326
    )
    frame.to_file(bench.folder / "cameras.gpkg", engine="pyogrio")
    with sqlite3.connect(bench.folder / "cameras.gpkg") as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'cameras'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE cameras SET name = CAST(x'BBB5' AS TEXT) WHERE code = 'A2'")
    fields = 'fields = { code = "code", name = "name", kind = { constant = "dome" } }'
    (report,) = bench.run(f'id = "cameras"\nlayer = "cameras"\npath = "cameras.gpkg"\n{fields}\n')
    assert (report.read, report.loaded, report.reasons) == (2, 1, {"damaged_text": 1})
    assert bench.rows("SELECT name FROM gisgrid.cameras") == [("好",)]
