"""Features of a collection: which are given for which conditions, beside what PostGIS says in its own words."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json

from gisgrid.db import Database
from gisgrid.layers import LAYERS
from tests.api.conftest import Server
from tests.api.ogc.asking import ask, codes, ids, items


def _ids(town: Database, sql: str) -> list[int]:
    with psycopg.connect(town.url) as connection:
        return sorted(row[0] for row in connection.execute(sql.encode()))


@pytest.mark.parametrize("layer", [layer.id for layer in LAYERS if layer.public])
def test_a_collection_has_all_rows_of_its_view_with_their_fields_and_the_numbers_that_are_stored(
    server: Server, town: Database, layer: str
) -> None:
    document = items(server, layer, limit=1000)
    with psycopg.connect(town.url) as connection:
        rows = {row[0]: row[1] for row in connection.execute(f"SELECT id, to_jsonb(v) FROM gisgrid.{layer} v")}
        places = {row[0]: row[1] for row in connection.execute(f"SELECT id, ST_AsBinary(geom) FROM gisgrid.{layer}")}
        for feature in document["features"]:
            stored = rows.pop(feature["id"])
            assert feature["properties"] == {name: stored[name] for name in feature["properties"]}
            if feature["geometry"] is None:
                assert places[feature["id"]] is None
                continue
            # Not nearly the same: to the last bit.
            same = "SELECT ST_AsBinary(ST_GeomFromGeoJSON(%s))"
            written = connection.execute(same, [Json(feature["geometry"])]).fetchone()
            assert written == (places[feature["id"]],)
    assert not rows
    assert document["numberReturned"] == document["numberMatched"] == len(document["features"])


def test_a_box_gives_what_meets_it_and_what_has_no_place(server: Server, town: Database) -> None:
    box = "120.3711,36.0811,120.3763,36.0843"
    for layer in ("manhole_covers", "buildings", "grids", "quality_issues"):
        sql = f"SELECT id FROM gisgrid.{layer} WHERE geom IS NULL OR ST_Intersects(geom, ST_MakeEnvelope({box}, 4326))"
        found = _ids(town, sql)
        assert found
        assert ids(items(server, layer, limit=1000, bbox=box)) == found
    heights = "120.3711,36.0811,-5,120.3763,36.0843,100"
    assert ids(items(server, "grids", bbox=heights)) == ids(items(server, "grids", bbox=box))


def test_small_and_large_boxes_give_what_they_should_although_they_are_asked_in_two_ways(server: Server, town: Database) -> None:
    for half in (0.0, 0.0004, 0.002, 0.02, 1.0, 50.0):
        box = f"{120.3755 - half},{36.0835 - half},{120.3755 + half},{36.0835 + half}"
        sql = f"SELECT id FROM gisgrid.manhole_covers WHERE ST_Intersects(geom, ST_MakeEnvelope({box}, 4326))"
        if half == 0.0:
            sql = "SELECT id FROM gisgrid.manhole_covers WHERE geom = ST_SetSRID(ST_MakePoint(120.3755, 36.0835), 4326)"
        found = _ids(town, sql)
        assert found
        assert ids(items(server, "manhole_covers", limit=1000, bbox=box)) == found


def test_a_box_may_go_across_180_degrees(server: Server) -> None:
    everything = items(server, "manhole_covers", count="true", limit=1)["numberMatched"]
    assert items(server, "manhole_covers", bbox="120,36,-170,37", count="true", limit=1)["numberMatched"] == everything
    assert items(server, "manhole_covers", bbox="121,36,-170,37", count="true", limit=1)["numberMatched"] == 0
    assert items(server, "manhole_covers", bbox="170,36,121,37", count="true", limit=1)["numberMatched"] == everything


@pytest.mark.parametrize(
    "bbox",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,2,3,4",
        "nan,1,2,3",
        "1,2,3,inf",
        "1,3,2,2",
        "181,0,182,1",
        "0,0,0,91",
        "1,2,9,3,4,8",
        "1;2;3;4",
        "1,,2,3",
    ],
)
def test_what_is_no_box_is_refused_by_name(server: Server, bbox: str) -> None:
    answer = ask(server, "grids", bbox=bbox)
    assert (answer.status_code, answer.json()["parameter"]) == (400, "bbox")


PERIODS = {
    "2019-05-01/2019-05-10": "installed_on BETWEEN '2019-05-01' AND '2019-05-10'",
    "2019-05-03": "installed_on = '2019-05-03'",
    "2019-05-03T23:59:59+08:00": "installed_on = '2019-05-03'",
    "2019-05-03t00:00:00.5z": "installed_on = '2019-05-03'",
    "../2019-04-01": "installed_on <= '2019-04-01'",
    "/2019-04-01": "installed_on <= '2019-04-01'",
    "2019-05-20/..": "installed_on >= '2019-05-20'",
    "2019-05-20T00:00:00Z/": "installed_on >= '2019-05-20'",
    "1000-01-01/1000-01-02": "false",
}


@pytest.mark.parametrize("period", PERIODS)
def test_a_period_gives_what_lies_in_it_and_what_has_no_day(server: Server, town: Database, period: str) -> None:
    found = _ids(town, f"SELECT id FROM gisgrid.manhole_covers WHERE installed_on IS NULL OR {PERIODS[period]}")
    assert found
    assert ids(items(server, "manhole_covers", limit=1000, datetime=period)) == found


def test_a_collection_without_days_is_there_at_all_times(server: Server) -> None:
    assert items(server, "grids", datetime="1066-10-14")["numberMatched"] == 6


NO_PERIODS = (
    *("", "..", "yesterday", "2019-13-01", "2019-02-30", "20190101", "2020-01-02/2020-01-01", "2020-01-01/2020-01-02/.."),
    *("2019-01-01T25:00:00Z", "2019-01-01T10:00:00", "2019-01-01 10:00:00Z"),
)


@pytest.mark.parametrize("period", NO_PERIODS)
def test_what_is_no_period_is_refused_by_name(server: Server, period: str) -> None:
    answer = ask(server, "manhole_covers", datetime=period)
    assert (answer.status_code, answer.json()["parameter"]) == (400, "datetime")


def test_fields_are_asked_for_by_their_value(server: Server, town: Database) -> None:
    asked: dict[str, tuple[dict[str, object], str]] = {
        "manhole_covers": ({"state": "intact", "class_code": "0102", "installed_on": "2019-03-10"}, "installed_on = '2019-03-10'"),
        "buildings": ({"floors": "6", "height_m": "18.5", "year_built": "1990"}, "year_built = 1990"),
        "cameras": ({"azimuth_deg": "4.5e1", "kind": "dome"}, "azimuth_deg = 45 AND kind = 'dome'"),
    }
    for layer, (params, sql) in asked.items():
        found = _ids(town, f"SELECT id FROM gisgrid.{layer} WHERE {sql}")
        assert found
        assert ids(items(server, layer, limit=1000, **params)) == found


@pytest.mark.parametrize(
    ("layer", "name", "value"),
    [
        ("manhole_covers", "state", "smashed"),
        ("manhole_covers", "installed_on", "last year"),
        ("buildings", "floors", "six"),
        ("buildings", "floors", "6.5"),
        ("buildings", "floors", "99999999999999999999"),
        ("buildings", "height_m", "NaN"),
        ("buildings", "height_m", "1e999"),
        ("buildings", "name", "a\0b"),
    ],
)
def test_a_value_that_a_field_cannot_have_is_refused_by_its_name(server: Server, layer: str, name: str, value: str) -> None:
    answer = ask(server, layer, **{name: value})
    assert (answer.status_code, answer.json()["parameter"]) == (400, name)


def test_the_greatest_whole_number_is_a_value_that_nothing_has(server: Server) -> None:
    assert items(server, "buildings", floors=2**63 - 1)["numberMatched"] == 0


def test_words_are_found_in_texts(server: Server) -> None:
    def found(q: str, layer: str = "buildings") -> set[str]:
        return set(codes(items(server, layer, q=q, limit=1000)))

    assert found("延安路17号") == {"B17"}
    assert found("b17") == {f"B{n}" for n in (17, *range(170, 180))}
    assert found("楼 17,b18") == found("b17") | found("b18")
    # The words of a term stand side by side and in that order, in one text.
    assert found("楼  17") == found("楼 17") != set()
    assert found("17 楼") == found("楼 延安路") == set()
    # What means something to LIKE or in a regular expression means itself here.
    for q in ("%", "_", "\\", ".*", "B1.", "(", "[a]", "* *", "\\d \\d", "'; DROP TABLE gisgrid.areas; --"):
        assert found(q) == set()


@pytest.mark.parametrize("q", ["", " ", "a,,b", ",", "a\0", "x" * 501, ",".join("abcdefghijk")])
def test_what_cannot_be_searched_for_is_refused_by_name(server: Server, q: str) -> None:
    answer = ask(server, "grids", q=q)
    assert (answer.status_code, answer.json()["parameter"]) == (400, "q")


def test_only_the_fields_that_are_named_are_given(server: Server) -> None:
    (feature,) = items(server, "cameras", properties="kind,code", limit=1)["features"]
    assert list(feature["properties"]) == ["code", "kind"]
    for refused in ("geom", "code,nothing", "", "code,", "id", "owner_code;--", "code,kind,code"):
        answer = ask(server, "cameras", properties=refused)
        assert (answer.status_code, answer.json()["parameter"]) == (400, "properties")


def test_all_conditions_hold_together(server: Server, town: Database) -> None:
    sql = """SELECT id FROM gisgrid.manhole_covers WHERE ST_Intersects(geom, ST_MakeEnvelope(120.371, 36.081, 120.38, 36.086, 4326))
             AND state = 'intact' AND (installed_on IS NULL OR installed_on >= '2019-05-01') AND code LIKE '%5' AND name LIKE '%污水%'"""
    found = _ids(town, sql)
    asked: dict[str, Any] = {"bbox": "120.371,36.081,120.38,36.086", "state": "intact", "datetime": "2019-05-01/.."}
    assert ids(items(server, "manhole_covers", **asked, filter="code LIKE '%5'", q="污水", limit=100)) == found != []


BAD = {
    "limit": ("0", "-1", "ten", "1.5", ""),
    "offset": ("-1", "1000001", "1e3", ""),
    "count": ("yes", ""),
    "crs": ("EPSG:4326", "", "http://www.opengis.net/def/crs/EPSG/0/1"),
    "bbox-crs": ("http://www.opengis.net/def/crs/EPSG/0/1",),
    "filter-crs": ("",),
    "filter-lang": ("sql", ""),
    "bom": ("1",),
    "f": ("xml",),
    "nothing": ("1",),
    "Limit": ("1",),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_or_unknown_parameter_is_refused_by_name(server: Server, name: str, value: str) -> None:
    answer = server.get("/ogc/collections/grids/items", params={name: value})
    assert (answer.status_code, answer.json()["parameter"]) == (400, name)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() if name != "f" for value in values])
@pytest.mark.parametrize("word", ["geojson", "csv", "fgb"])
def test_what_a_page_refuses_a_file_refuses_too(server: Server, word: str, name: str, value: str) -> None:
    answer = server.get("/ogc/collections/grids/items", params={"f": word, name: value})
    assert (answer.status_code, answer.json()["parameter"]) == (400, name)


def test_no_field_is_called_like_a_parameter() -> None:
    taken = {
        "limit",
        "cursor",
        "offset",
        "count",
        "bbox",
        "datetime",
        "crs",
        "properties",
        "sortby",
        "q",
        "filter",
        "bom",
        "f",
        "lang",
        "profile",
    }
    for layer in LAYERS:
        assert not taken & {field.name for field in layer.fields}


def test_more_than_a_page_may_have_is_no_error(server: Server) -> None:
    for limit in ("10001", "9" * 30):
        assert items(server, "grids", limit=limit)["numberReturned"] == 6
