"""The gazetteer in PostGIS: what is read of it, what people see of it, what becomes of edits."""

from __future__ import annotations

import datetime as dt
from typing import LiteralString

import psycopg
import pytest
import shapely

from gisgrid.db import Database
from gisgrid.db.gazetteer import read_other_names, read_roads
from gisgrid.db.reading import read_points, snapshot
from gisgrid.geocoding.tables import OtherName
from gisgrid.types import Bounds

NEW: LiteralString = "INSERT INTO gisgrid.roads (code, name, geom) VALUES (%s, %s, %s) RETURNING id"
LINE = "SRID=4326;MULTILINESTRING((120.371 36.0851, 120.374 36.0851))"


def test_roads_are_read_with_their_fields_and_those_that_are_retired_are_not(town: Database) -> None:
    with snapshot(town) as connection:
        roads = read_roads(connection)
        near = read_roads(connection, [Bounds(120.3770, 36.0860, 120.3780, 36.0870)])
        nothing = read_roads(connection, [])
    assert roads.codes == ["R1", "R2"]
    assert roads.fields == ("code", "name", "class")
    assert roads.rows == [("R1", "延安路", "主干路"), ("R2", "辽宁路", "支路")]
    assert list(shapely.get_type_id(roads.geometries)) == [shapely.GeometryType.MULTILINESTRING] * 2
    assert shapely.get_num_geometries(roads.geometries).tolist() == [2, 1]
    assert (near.codes, nothing.codes) == (["R2"], [])


def test_door_plates_and_places_are_read_as_other_points_are(town: Database) -> None:
    with snapshot(town) as connection:
        plates, places = read_points(connection, "addresses"), read_points(connection, "places")
    assert len(plates.ids) == 12
    assert plates.rows[0][plates.fields.index("house_number")] == "1号"
    assert [row[places.fields.index("name")] for row in places.rows] == ["延安路公交站", "贮水山公园"]


def test_other_names_are_read_with_their_time_and_retired_ones_are_not(town: Database) -> None:
    with snapshot(town) as connection:
        names = read_other_names(connection)
    assert names == (
        OtherName("四方区", "districts", "370203", "old", None, dt.date(2012, 12, 1)),
        OtherName("若鹤町", "roads", "R2", "old", dt.date(1914, 11, 7), dt.date(1922, 12, 10)),
        OtherName("水塔公园", "places", "P2", "alias"),
    )


def test_the_view_holds_every_name_and_address_once_with_its_place(town: Database) -> None:
    with town.connect() as connection:
        counts = dict(connection.execute("SELECT kind, count(*) FROM gisgrid.gazetteer GROUP BY kind").fetchall())
        keys = connection.execute("SELECT count(*), count(DISTINCT key), count(geom) FROM gisgrid.gazetteer").fetchone()
        old = connection.execute("SELECT layer, code, valid_from FROM gisgrid.gazetteer WHERE name = '若鹤町'").fetchall()
        plate = connection.execute("SELECT name FROM gisgrid.gazetteer WHERE layer = 'addresses' AND code = 'A7'").fetchall()
    # Areas, roads, buildings, places; a plate or a building has an address.
    assert counts == {"name": 6 + 3 + 2 + 1 + 2 + 190 + 2, "old": 2, "alias": 1, "address": 12 + 190}
    assert keys is not None
    assert len(set(keys)) == 1
    assert old == [("roads", "R2", dt.date(1914, 11, 7))]
    assert plate == [("延安路7号",)]


def test_an_edit_of_a_road_is_told_kept_and_noted(own_town: Database) -> None:
    with own_town.connect() as connection:
        before = connection.execute("SELECT coalesce(max(id), 0) FROM gisgrid.changes").fetchone()
        connection.execute(NEW, ["R7", "新路", LINE])
        connection.execute("UPDATE gisgrid.roads SET name = '新一路' WHERE code = 'R7'")
        connection.execute("DELETE FROM gisgrid.roads WHERE code = 'R7'")
        connection.execute("UPDATE gisgrid.place_names SET name = '水塔山公园' WHERE code = 'N3'")
        told = connection.execute("SELECT layer, rows FROM gisgrid.changes WHERE id > %s ORDER BY id", before).fetchall()
        kept = connection.execute("SELECT layer, \"row\" ->> 'name' FROM gisgrid.asset_versions WHERE layer IN ('roads', 'place_names')")
        assert told == [("roads", 1)] * 3 + [("place_names", 1)]
        assert sorted(kept.fetchall()) == [("place_names", "水塔公园"), ("roads", "新一路"), ("roads", "新路")]
        noted = connection.execute("SELECT action, code FROM gisgrid.edits WHERE layer = 'roads' ORDER BY id").fetchall()
        assert [row for row in noted if row[1] == "R7"] == [("create", "R7"), ("update", "R7"), ("delete", "R7")]


@pytest.mark.parametrize(
    ("code", "name", "geom", "why"),
    [
        ("R8", None, LINE, "必须填写路名"),
        (None, "新路", LINE, "必须填写道路编码"),
        ("R8", "新路", None, "没有几何图形"),
        ("R8", "新路", "SRID=4326;MULTILINESTRING((36.08 120.37, 36.09 120.37))", "超出经纬度范围"),
        ("R-gone", "新路", LINE, ""),
    ],
)
def test_a_road_that_cannot_be_is_refused_in_words(own_town: Database, code: str, name: str, geom: str, why: str) -> None:
    with own_town.connect() as connection:
        if not why:  # the code of a retired road takes that up again
            row = connection.execute(NEW, [code, name, geom]).fetchone()
            gone = connection.execute("SELECT id, version FROM gisgrid.roads WHERE code = 'R-gone'").fetchone()
            assert gone is not None
            assert row == gone[:1]
            assert gone[1] > 1
            return
        with pytest.raises(psycopg.Error, match=why):
            connection.execute(NEW, [code, name, geom])


def test_readers_of_the_database_see_names_and_change_none(own_town: Database) -> None:
    with own_town.connect() as connection:
        for role, may in (("gisgrid_reader", False), ("gisgrid_editor", True)):
            for table in ("roads", "addresses", "places"):
                row = connection.execute(
                    "SELECT has_table_privilege(%s, %s, 'SELECT'), has_table_privilege(%s, %s, 'UPDATE')",
                    [role, f"gisgrid.{table}", role, f"gisgrid.{table}"],
                ).fetchone()
                assert row == (True, may), (role, table)
            for table in ("place_names", "gazetteer"):
                assert connection.execute("SELECT has_table_privilege(%s, %s, 'SELECT')", [role, f"gisgrid.{table}"]).fetchone() == (True,)
