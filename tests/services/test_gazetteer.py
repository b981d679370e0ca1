"""The gazetteer of a snapshot: what PostGIS holds, kept current by the change feed, and made where no request waits."""

from __future__ import annotations

import numpy as np
import pytest

from gisgrid.db import Database
from gisgrid.geocoding.answers import Geocoded
from gisgrid.services import ReadModel
from gisgrid.services.geocoding import GeocoderPool
from gisgrid.settings import Settings


def _model(town: Database) -> ReadModel:
    return ReadModel.load(town, Settings(database_url=town.url, deployment="shibei"))


def _best(model: ReadModel, text: str) -> Geocoded:
    found = model.snapshot.gazetteer.get().geocode(text).best
    assert found is not None, text
    return found


def test_what_the_town_has_is_found(own_town: Database) -> None:
    model = _model(own_town)
    expected = {
        "延安路5号": ("door_plate", "exact"),
        "市北区延安路与辽宁路交叉口": ("crossing", "exact"),
        "若鹤町": ("road", "old_name"),
        "水塔公园": ("place", "alias"),
        "贮水山公园": ("place", "exact"),
        "四方区延安路12号": ("door_plate", "exact"),
    }
    for text, how in expected.items():
        found = _best(model, text)
        assert (found.level, found.match_type) == how, text


EDITS = {
    "INSERT INTO gisgrid.addresses (code, road, house_number, geom)"
    " VALUES ('N', '辽宁路', '88号', 'SRID=4326;POINT(120.3776 36.0870)')": "辽宁路88号",
    "INSERT INTO gisgrid.places (code, name, geom) VALUES ('N', '新开的公园', 'SRID=4326;POINT(120.3721 36.0831)')": "新开的公园",
    "INSERT INTO gisgrid.roads (code, name, geom)"
    " VALUES ('N', '新修路', 'SRID=4326;MULTILINESTRING((120.371 36.082,120.379 36.082))')": "新修路",
    "UPDATE gisgrid.buildings SET name = '改了名的大厦' WHERE code = 'B7'": "改了名的大厦",
    "INSERT INTO gisgrid.place_names (code, name, of_layer, of_code, kind) VALUES ('N', '胜利大街', 'roads', 'R1', 'old')": "胜利大街",
    "UPDATE gisgrid.streets SET name = '改名街道' WHERE code = '370203001'": "改名街道",
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_in_the_answers_after_a_refresh(own_town: Database, edit: str) -> None:
    model, text = _model(own_town), EDITS[edit]
    model.prepare()
    earlier = model.snapshot.gazetteer.get().geocode(text).best
    assert earlier is None or earlier.match_type == "fallback"
    with own_town.connect() as connection:
        connection.execute(edit.encode())
    before = model.snapshot.gazetteer
    model.refresh()
    assert model.snapshot.gazetteer is not before
    model.prepare()
    found = _best(model, text)
    assert found.match_type in ("exact", "old_name")
    assert found.confidence > 0.2


def test_other_edits_leave_the_gazetteer_alone(own_town: Database) -> None:
    model = _model(own_town)
    before = model.snapshot.gazetteer
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.cameras SET name = 'other' WHERE code = 'C1'")
    model.refresh()
    assert model.snapshot.gazetteer is before


def test_until_a_gazetteer_is_made_the_one_before_it_answers(own_town: Database) -> None:
    model = _model(own_town)
    made, version = model.snapshot.gazetteer.prepare(), model.version
    assert model.snapshot.geocoded_version == version
    for name in ("甲", "乙"):
        with own_town.connect() as connection:
            connection.execute("UPDATE gisgrid.places SET name = %s WHERE code = (SELECT min(code) FROM gisgrid.places)", [name])
        model.refresh()
        assert model.snapshot.gazetteer.get() is made
        # Answers are as old as they say, although nobody has made the one between.
        assert model.version > model.snapshot.geocoded_version == version
    model.prepare()
    assert model.snapshot.gazetteer.get() is not made
    assert model.snapshot.geocoded_version == model.version


def test_processes_answer_what_one_does(town: Database) -> None:
    gazetteer = _model(town).snapshot.gazetteer.get()
    texts = ["延安路5号", "延安路与辽宁路路口", None, "没有这个地方"]
    with GeocoderPool(gazetteer, 2) as pool:
        pieces = list(pool.map([texts, texts[:1], texts[1:]]))
    for piece, rows in zip(pieces, (texts, texts[:1], texts[1:]), strict=True):
        alone = gazetteer.geocode_many(rows)
        assert {name: column.to_pylist() for name, column in piece.items()} == {name: column.to_pylist() for name, column in alone.items()}


def test_after_a_border_has_moved_answers_are_those_of_a_gazetteer_made_anew(own_town: Database) -> None:
    model = _model(own_town)
    model.prepare()
    texts = ["延安路5号", "延安路12号", "延安路与辽宁路交叉口", "延安路", "辽宁路", "贮水山公园", "延安路（辽宁路至热河路）"]
    with own_town.connect() as connection:
        # Half of the largest grid is not served any more.
        connection.execute(
            "UPDATE gisgrid.grids SET geom = ST_Multi(ST_Intersection(geom, ST_Expand(ST_Centroid(geom), 0.0005)))"
            " WHERE code = (SELECT code FROM gisgrid.grids ORDER BY ST_Area(geom) DESC, code LIMIT 1)"
        )
    model.refresh()
    model.prepare()
    fresh = _model(own_town)
    fresh.prepare()
    mine, new = model.snapshot.gazetteer.get(), fresh.snapshot.gazetteer.get()
    assert [mine.geocode(text) for text in texts] == [new.geocode(text) for text in texts]
    for one, other in ((mine._features, new._features), (mine._features.side, new._features.side)):
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one.grid, other.grid)
        np.testing.assert_array_equal(one.edge_m, other.edge_m)
    for side, new_side in zip(mine._roads.network._sides, new._roads.network._sides, strict=True):
        np.testing.assert_array_equal(side.numbers, new_side.numbers)
    assert mine._doors.by_road == new._doors.by_road
