"""Roads, door plates, places and other names on their way into the database."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from psycopg import errors

from gisgrid.errors import SourceError
from ingest.place_names import ThingsNamed

ROADS = """
id = "roads"
layer = "roads"
path = "roads.geojson"
fields = { code = "code", name = "name", class = "class" }
"""
NAMES = """
id = "names"
layer = "place_names"
path = "names.csv"

[sources.fields]
name = "name"
of_layer = "layer"
of_code = "code"
of_name = "thing"
kind = "kind"
valid_from = "from"
valid_to = "to"
"""
HEADER = "name,layer,code,thing,kind,from,to"
LINE = {"type": "LineString", "coordinates": [[120.38, 36.08], [120.381, 36.08]]}


def roads(*rows: tuple[str, str | None, dict[str, Any]]) -> str:
    features = [{"type": "Feature", "properties": {"code": code, "name": name}, "geometry": shape} for code, name, shape in rows]
    return json.dumps({"type": "FeatureCollection", "features": features})


def multi(*parts: list[list[float]]) -> dict[str, Any]:
    return {"type": "MultiLineString", "coordinates": list(parts)}


ALONG, NOWHERE = [[120.38, 36.08], [120.39, 36.08]], [[120.38, 36.08], [120.38, 36.08]]


@pytest.fixture
def town(bench: Any) -> Any:
    """A bench with three roads: two of them, far apart, with one name."""
    bench.write("roads.geojson", roads(("R2", "延安路", LINE), ("R1", "延安路", multi(ALONG)), ("R3", "宁夏路", LINE)))
    bench.run(ROADS.replace(', class = "class"', ""))
    return bench


def names(bench: Any, *rows: str) -> Any:
    bench.write("names.csv", "\n".join([HEADER, *rows]) + "\n")
    (report,) = bench.run(NAMES)
    return report


def test_a_road_is_stored_as_a_line_of_many_parts_without_those_that_go_nowhere(bench: Any) -> None:
    rows = [
        ("R1", "延安路", LINE),
        ("R2", "宁夏路", multi(ALONG, NOWHERE)),
        ("R3", "三明路", multi(NOWHERE)),
        ("R4", "登州路", {"type": "Point", "coordinates": [120.38, 36.08]}),
        ("R5", None, LINE),
        ("R6", "小路", {"type": "GeometryCollection", "geometries": [LINE, {"type": "Point", "coordinates": [120.38, 36.08]}]}),
    ]
    bench.write("roads.geojson", roads(*rows))
    (report,) = bench.run(ROADS.replace(', class = "class"', ""))
    wrong = {"lost_geometry": 1, "wrong_geometry": 1, "required": 1}
    assert report.reasons == {**wrong, "repeated_corner": 1, "single_part": 1, "mixed_geometry": 1, "duplicate_position": 1}
    stored = bench.rows("SELECT code, ST_GeometryType(geom), ST_NumGeometries(geom) FROM gisgrid.roads ORDER BY code")
    assert stored == [(code, "ST_MultiLineString", 1) for code in ("R1", "R2", "R6")]
    assert bench.one("SELECT bool_and(ST_GeometryType(geom_gcj02) = 'ST_MultiLineString' AND geom_3857 IS NOT NULL) FROM gisgrid.roads")
    assert "takes lines" in next(message for number, _, _, message in bench.rejects() if number == 4)


def test_a_road_that_is_not_delivered_any_more_is_retired_and_its_history_kept(town: Any) -> None:
    town.write("roads.geojson", roads(("R1", "延安一路", multi(ALONG)), ("R3", "宁夏路", LINE)))
    (report,) = town.run(ROADS.replace(', class = "class"', ""))
    assert (report.updated, report.retired, report.unchanged) == (1, 1, 1)
    assert town.rows("SELECT code, name, version FROM gisgrid.roads ORDER BY code") == [("R1", "延安一路", 2), ("R3", "宁夏路", 1)]
    kept = town.rows("SELECT code, \"row\" ->> 'name' FROM gisgrid.asset_versions WHERE layer = 'roads' ORDER BY code")
    assert kept == [("R1", "延安路"), ("R2", "延安路")]


def test_door_plates_and_places_are_points_with_what_is_written_on_them(bench: Any) -> None:
    bench.write(
        "plates.csv", "id,road,no,community,lon,lat\nA1,延安路,41号-1,370203001001,120.38,36.08\nA2,延安路,43号,37020,120.38,36.08\n"
    )
    source = """
id = "plates"
layer = "addresses"
path = "plates.csv"
crs = "wgs84"
coordinates = { lon = "lon", lat = "lat" }
fields = { code = "id", road = "road", house_number = "no", community_code = "community" }
"""
    (report,) = bench.run(source)
    assert report.reasons == {"code_pattern": 1}
    assert bench.rows("SELECT code, road, house_number, community_code FROM gisgrid.addresses") == [
        ("A1", "延安路", "41号-1", "370203001001")
    ]


def test_a_name_is_given_to_what_has_the_code_or_the_name_that_is_said(town: Any) -> None:
    report = names(town, "若鹤町,roads,R3,,old,1914-11-07,1922-12-10", "大马路,roads,,延安路,alias,,", "小马路,roads,,宁夏路,,,")
    assert report.rejected == 0
    stored = town.rows("SELECT code, name, of_code, kind, valid_from, valid_to FROM gisgrid.place_names ORDER BY name")
    assert stored == [
        ("roads/R1/大马路", "大马路", "R1", "alias", None, None),
        ("roads/R3/小马路", "小马路", "R3", "alias", None, None),
        ("roads/R3/若鹤町", "若鹤町", "R3", "old", dt.date(1914, 11, 7), dt.date(1922, 12, 10)),
    ]
    assert names(town, "大马路,roads,,延安路,alias,,").retired == 2


def test_a_name_of_nothing_is_rejected_with_what_was_looked_for(town: Any) -> None:
    report = names(
        town,
        "好名字,roads,R1,,,,",
        "甲,roads,R9,,,,",
        "乙,roads,,无名路,,,",
        "丙,places,P1,,,,",
        "丁,roads,,,,,",
        "戊,rivers,R1,,,,",
        "己,roads,R1,,nickname,,",
        ",roads,R1,,,,",
        "庚,roads,R1,,old,1922-12-10,1914-11-07",
        "好名字,roads,R1,,old,,",
    )
    assert (report.loaded, report.rejected) == (1, 9)
    said = {number: (code, message) for number, code, _, message in town.rejects()}
    assert said[2] == ("unknown_feature", "of_code: roads has no 'R9'.")
    assert said[3] == ("unknown_feature", "of_name: roads has nothing called '无名路'.")
    assert said[4] == ("unknown_feature", "of_code: places has no 'P1'.")
    assert said[5] == ("unknown_feature", "Neither of_code nor of_name is given.")
    assert "is not one of districts, streets" in said[6][1]
    assert [said[number][0] for number in (7, 8, 9, 10)] == ["unknown_value", "required", "bad_period", "duplicate_code"]


def test_areas_of_the_same_delivery_have_other_names_at_once(bench: Any) -> None:
    box = [[[120.3, 36.0], [120.4, 36.0], [120.4, 36.1], [120.3, 36.1], [120.3, 36.0]]]
    feature = {"type": "Feature", "properties": {"code": "370203", "name": "市北区"}, "geometry": {"type": "Polygon", "coordinates": box}}
    bench.write("districts.geojson", json.dumps({"type": "FeatureCollection", "features": [feature]}))
    bench.write("names.csv", f"{HEADER}\n四方区,districts,,市北区,old,,2012-12-01\n")
    district = 'id = "d"\nlayer = "districts"\npath = "districts.geojson"\nfields = { code = "code", name = "name" }\n'
    assert bench.run(NAMES, district)[-1].loaded == 1
    found = bench.rows("SELECT name, kind, layer, code, valid_to FROM gisgrid.gazetteer WHERE layer = 'districts' ORDER BY kind")
    assert found == [("市北区", "name", "districts", "370203", None), ("四方区", "old", "districts", "370203", dt.date(2012, 12, 1))]


def test_a_name_of_what_came_later_is_loaded_when_the_same_file_is_seen_again(town: Any) -> None:
    assert names(town, "大马路,roads,,延安路,,,", "小马路,roads,,登州路,,,").rejected == 1
    assert names(town, "大马路,roads,,延安路,,,", "小马路,roads,,登州路,,,").status == "unchanged"
    town.write("roads.geojson", roads(("R1", "延安路", multi(ALONG)), ("R4", "登州路", LINE)))
    town.run(ROADS.replace(', class = "class"', ""))
    report = names(town, "大马路,roads,,延安路,,,", "小马路,roads,,登州路,,,")
    assert (report.status, report.rejected, report.inserted) == ("loaded", 0, 1)


def test_a_trial_knows_what_was_delivered_before_the_names(bench: Any, dry: Any) -> None:
    bench.write("roads.geojson", roads(("R1", "延安路", LINE)))
    bench.write("names.csv", f"{HEADER}\n大马路,roads,,延安路,,,\n小马路,roads,,宁夏路,,,\n")
    report = dry.report(NAMES, ROADS.replace(', class = "class"', ""), dry_run=True)
    assert [(one.layer, one.loaded, one.rejected) for one in report.sources] == [("roads", 1, 0), ("place_names", 1, 1)]


def test_a_description_without_what_the_names_are_names_of_is_refused(bench: Any) -> None:
    bench.write("names.csv", HEADER + "\n")
    without = "\n".join(line for line in NAMES.splitlines() if not line.startswith(("of_code", "of_name")))
    with pytest.raises(SourceError, match="of_code or of_name"):
        bench.run(without)


def test_several_areas_of_one_name_need_a_code_and_several_ways_of_a_road_do_not() -> None:
    things = ThingsNamed(lambda _: [("2", "宁夏路"), ("1", "宁夏路"), ("3", None)])
    assert things.find("roads", None, "宁夏路") == "1"
    with pytest.raises(ValueError, match=r"2 of communities are called '宁夏路' \(1, 2\); say which by of_code"):
        things.find("communities", None, "宁夏路")
    assert things.find("communities", "2", "宁夏路") == "2"


def test_an_estate_has_another_name_by_any_of_its_buildings(bench: Any) -> None:
    ring = [[120.38, 36.08], [120.381, 36.08], [120.381, 36.081], [120.38, 36.08]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    rows = [("B2", "海丰花园2号楼", "2号楼"), ("B1", "海丰花园1号楼", "1号楼")]
    features = [{"type": "Feature", "properties": {"code": c, "name": n, "no": b}, "geometry": shape} for c, n, b in rows]
    bench.write("buildings.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    source = (
        'id = "b"\nlayer = "buildings"\npath = "buildings.geojson"\nfields = { code = "code", name = "name", building_number = "no" }\n'
    )
    bench.write("names.csv", f"{HEADER}\n海丰大院,buildings,,海丰花园,,,\n")
    bench.run(source, NAMES)
    assert bench.rows("SELECT of_code FROM gisgrid.place_names") == [("B1",)]
    assert bench.rows("SELECT code FROM gisgrid.gazetteer WHERE name = '海丰大院'") == [("B1",)]


def test_the_database_itself_takes_no_name_without_a_thing(bench: Any) -> None:
    with pytest.raises(errors.CheckViolation):
        bench.rows("INSERT INTO gisgrid.place_names (code, name, of_layer, of_code) VALUES ('1', 'x', 'rivers', 'r') RETURNING id")
