"""Addresses of a drawn town: what is found, how it was found, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gisgrid.addresses.parsers import parser_of
from gisgrid.deployment import load_deployment
from gisgrid.geocoding.answers import Geocoded
from gisgrid.geocoding.gazetteer import Gazetteer
from gisgrid.geocoding.ground import Candidates, Ground
from tests.geocoding.drawn import PLANE, Row, away_m, buildings, footprints, gazetteer, locator, tables

TOWN = gazetteer()
AREAS = locator()


def best(text: str, of: Gazetteer = TOWN) -> Geocoded:
    found = of.geocode(text).best
    assert found is not None, text
    return found


@pytest.mark.parametrize(
    ("text", "how", "place", "address"),
    [
        ("延安路5号", "door_plate exact", (120, 286), "延安路5号"),
        ("山东省青岛市市北区宁夏路街道延安路6号", "door_plate exact", (120, 314), "延安路6号"),
        ("延安一路5号", "door_plate exact", (120, 586), "延安一路5号"),
        ("延安路1号甲", "door_plate exact", (37, 286), "延安路1号甲"),
        ("延安路甲1号", "door_plate exact", (37, 286), "延安路1号甲"),
        ("延安路1-1号", "door_plate exact", (51, 287), "延安路1号-1"),
        ("宁夏路41号2号楼", "building exact", (780, 450), "宁夏路41号2号楼"),
        ("宁夏路四十一号院2号楼3单元502户", "building exact", (780, 450), "宁夏路41号2号楼"),
        ("寧夏路４１號２號樓", "building exact", (780, 450), "宁夏路41号2号楼"),
        ("宁夏路41号2-3-502", "building exact", (780, 450), "宁夏路41号2号楼"),
        ("宁夏路412号楼", "building exact", (780, 450), "宁夏路41号2号楼"),
        ("四方花园3号楼", "building exact", (820, 450), "四方花园3号楼"),
        ("宁夏路41号", "door_plate exact", (780, 450), "宁夏路41号"),
        ("宁夏路与延安路交叉口", "crossing exact", (500, 300), "宁夏路与延安路路口"),
        ("延安一路/宁夏路", "crossing exact", (500, 600), "延安一路与宁夏路路口"),
        ("宁夏路（延安路至延安一路）", "road between_crossings", (500, 450), "宁夏路（延安路至延安一路）"),
        ("台东小学", "place exact", (514, 100), "台东小学"),
        ("台东步行街", "place exact", (100, 100), "台东步行街"),
        ("老台东", "place alias", (100, 100), "台东步行街"),
        ("胜利路5号", "door_plate old_name", (120, 586), "延安一路5号"),
        ("廷安路5号", "door_plate fuzzy", (120, 286), "延安路5号"),
        ("延安路21号", "door_plate interpolated", (520, 286), "延安路21号"),
        ("延安一路45号", "door_plate nearest_number", (970, 586), "延安一路45号"),
    ],
)
def test_an_address_is_found(text: str, how: str, place: tuple[float, float], address: str) -> None:
    found = best(text)
    assert (f"{found.level} {found.match_type}", found.address) == (how, address)
    assert away_m(found.lon, found.lat, *place) <= max(found.uncertainty_m, 1.0)
    if found.level in ("unit", "building", "door_plate", "place") and found.match_type != "nearest_number":
        assert away_m(found.lon, found.lat, *place) < 10.0


def test_a_number_between_two_plates_is_on_their_side_of_the_road() -> None:
    found = best("延安路21号")
    assert away_m(found.lon, found.lat, 520, 286) < 3.0
    assert found.confidence < best("延安路19号").confidence


def test_roads_of_nearly_the_same_name_are_kept_apart() -> None:
    assert best("延安一路7号").address == "延安一路7号"
    # There is no 延安二路: it is no slip of a road that there is.
    assert TOWN.geocode("延安二路7号").best is None


def test_a_relation_widens_the_radius_and_moves_nothing() -> None:
    plain, beside, across = best("延安路5号"), best("延安路5号东侧50米"), best("延安路5号对面")
    assert (plain.lon, plain.lat) == (beside.lon, beside.lat) == (across.lon, across.lat)
    assert plain.uncertainty_m + 50.0 < beside.uncertainty_m
    assert plain.confidence > beside.confidence
    assert (beside.level, across.level) == ("vicinity", "vicinity")
    assert TOWN.geocode("延安路5号东侧50米").hint == "东侧50米"


def test_which_of_two_places_of_a_name_is_meant_says_the_street() -> None:
    both = TOWN.geocode("好邻居超市")
    assert both.best is not None
    assert both.best.confidence <= 0.5
    assert len(both.alternatives) == 1
    west = TOWN.geocode("宁夏路街道好邻居超市").best
    assert west is not None
    assert away_m(west.lon, west.lat, 300, 450) < 20.0
    assert west.confidence > both.best.confidence
    east = TOWN.geocode("延安路街道好邻居超市").best
    assert east is not None
    assert away_m(east.lon, east.lat, 900, 700) < 20.0


def test_a_street_that_contradicts_makes_less_sure() -> None:
    right, wrong = best("宁夏路街道延安路5号"), best("延安路街道延安路5号")
    assert (right.lon, right.lat) == (wrong.lon, wrong.lat)
    assert wrong.confidence < 0.6 < right.confidence


def test_former_names_of_areas_count_as_right_and_other_districts_do_not() -> None:
    sure = best("市北区宁夏路街道延安路5号").confidence
    assert best("四方区华阳街道延安路5号").confidence == sure
    assert best("市南区延安路5号").confidence < 0.3


def test_a_stretch_lies_in_the_area_that_is_said() -> None:
    found = {text: best(text) for text in ("西村社区延安路", "东村社区延安路")}
    grids = [AREAS.locate(one.lon, one.lat).grid for one in found.values()]
    assert [grid.name if grid else "" for grid in grids] == ["西南", "东南"]
    assert all(one.level == "road" for one in found.values())
    crossing = best("延安路街道宁夏路与延安路路口")
    grid = AREAS.locate(crossing.lon, crossing.lat).grid
    assert grid is not None
    assert grid.name == "东南"


def test_a_stretch_between_two_roads_lies_in_the_area_that_is_said() -> None:
    found = {name: best(f"{name}宁夏路（延安路至延安一路）") for name in ("西村社区", "东村社区")}
    for name, grids in (("西村社区", ("西南", "西北")), ("东村社区", ("东南", "东北"))):
        grid = AREAS.locate(found[name].lon, found[name].lat).grid
        assert grid is not None
        assert grid.name in grids


def test_a_corner_of_a_crossing_is_at_the_crossing_and_so_many_metres_on_is_not() -> None:
    crossing, corner, further = (best(f"宁夏路与延安路路口{words}") for words in ("", "东北角", "往东约50米"))
    assert corner == crossing
    assert (corner.level, further.level) == ("crossing", "road")
    assert corner.uncertainty_m < further.uncertainty_m


def test_at_the_edge_of_the_city_what_is_reported_is_inside() -> None:
    ground = Ground(PLANE, None)
    xy = np.array([[0.0, 0.0], [10.0, 0.0], [20.0, 0.0], [30.0, 8.0]])
    found = ground.likeliest(Candidates(xy, PLANE.degrees(xy), np.array([-1, -1, -1, 7])))
    assert found is not None
    assert (found.grid, found.share) == (7, 0.25)
    assert away_m(found.lon, found.lat, 30, 8) < 0.1
    outside = ground.likeliest(Candidates(xy, PLANE.degrees(xy), np.full(4, -1)))
    assert outside is not None
    assert (outside.grid, outside.share) == (-1, 1.0)


def test_areas_alone_are_found_and_claim_little() -> None:
    for text, level in (("市北区", "district"), ("宁夏路街道", "street"), ("西村社区", "community")):
        found = best(text)
        assert found.level == level
        assert found.confidence < 0.8
        assert found.uncertainty_m > 300.0


def test_a_number_far_beyond_the_last_one_is_a_road_at_best() -> None:
    found = best("延安路9999号")
    assert (found.level, found.match_type) == ("road", "fallback")
    assert found.confidence < 0.5


def test_a_building_that_is_not_there_is_claimed_by_nobody() -> None:
    found = best("宁夏路41号9号楼")
    assert (found.level, found.match_type) == ("door_plate", "fallback")
    assert found.confidence < 0.5


NO_ADDRESSES = (
    "",
    "   ",
    "你好",
    "路",
    "号",
    "13912345678",
    "请尽快处理",
    "东侧50米",
    "不知道",
    "<script>",
    "0",
    "٣٤",
    "a" * 10_000,
    "市" * 1000,
    "延" * 5000,
    "\x00",
    "3号楼",
    "2单元502",
    "井盖破损，有安全隐患",
)


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address_gets_no_confident_point(text: str) -> None:
    found = TOWN.geocode(text, explain=True)
    assert found.best is None or found.best.confidence < 0.5


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_no_text_raises(text: str) -> None:
    found = TOWN.geocode(text, explain=True)
    assert found.best is None or 0.0 <= found.best.confidence <= 1.0
    assert sum(one.confidence for one in (*((found.best,) if found.best else ()), *found.alternatives)) <= 1.001


_PIECES = (
    "市北区",
    "宁夏路",
    "延安路",
    "延安一路",
    "与",
    "路口",
    "41号",
    "5",
    "号",
    "-",
    "2号楼",
    "街道",
    "对面",
    "好邻居超市",
    "至",
    "（",
    "）",
    "，",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=9).map("".join))
@settings(max_examples=200)
def test_no_jumble_of_an_address_raises_or_is_sure_of_several(text: str) -> None:
    found = TOWN.geocode(text, limit=9)
    every = (*((found.best,) if found.best else ()), *found.alternatives)
    assert sum(one.confidence for one in every) <= 1.001
    assert [one.confidence for one in every] == sorted((one.confidence for one in every), reverse=True)


def test_the_steps_say_what_was_found() -> None:
    steps = TOWN.geocode("好邻居超市", explain=True).steps
    assert any("好邻居超市" in step for step in steps)
    assert TOWN.geocode("好邻居超市").steps == ()


def test_phone_numbers_are_dropped_and_named() -> None:
    found = TOWN.geocode("延安路5号 电话13912345678")
    assert "phone" in found.dropped
    assert "139" not in found.normal
    assert found.best is not None
    assert found.best.address == "延安路5号"


def test_columns_are_the_answers_one_by_one() -> None:
    texts = ["延安路5号", None, "好邻居超市", "什么都没有"]
    columns = TOWN.geocode_many(texts)
    for row, text in enumerate(texts):
        found = TOWN.geocode(text or "")
        assert columns["address"][row].as_py() == (found.best.address if found.best else None)
        assert columns["confidence"][row].as_py() == (found.best.confidence if found.best else None)
        assert columns["others"][row].as_py() == len(found.alternatives)
    assert {len(column) for column in columns.values()} == {4}
    assert {len(column) for column in TOWN.geocode_many([]).values()} == {0}


def test_of_names_that_are_equally_alike_every_process_takes_the_same() -> None:
    names = [f"龙{character}路" for character in "坑坡坝坞坛坊坎块坚坠均坤"]
    rows = [(20.0 + 50.0 * k, 320.0, "", name, "1号", "") for k, name in enumerate(names)]
    of = Gazetteer(tables(rows), parser_of(load_deployment("shibei")), AREAS)
    found = of.geocode("龙井路1号", limit=20)
    assert found.best is not None
    assert {one.address for one in (found.best, *found.alternatives)} == {f"{name}1号" for name in sorted(names)[:6]}


def _edited(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    """Return the buildings after some edits: gone, moved, renumbered, new."""
    gone, moved, renumbered = rng.choice(len(rows), 3, replace=False).tolist()
    found = list(rows)
    x, y, name, road, house, number = found[moved]
    found[moved] = (x + 7.0, y, name, road, house, number)
    found[renumbered] = (*found[renumbered][:4], "777号", "")
    found.append((640.0, 620.0, "新楼", "延安一路", "88号", ""))
    del found[gone]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_what_is_taken_over_after_edits_answers_as_what_is_made_anew(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, parser = buildings(), parser_of(load_deployment("shibei"))
    first = tables(rows)
    known, now = Gazetteer(first, parser, AREAS), first
    for _ in range(3):
        rows = _edited(rows, rng)
        made = footprints(rows)
        # What has not been edited is the same object, as it is after a refresh.
        same = {row: row for row in now.buildings.rows}
        kept = [same.get(row, row) if rng.random() < 0.7 else row for row in made.rows]
        now = first._replace(buildings=made._replace(rows=kept))
        known, anew = Gazetteer(now, parser, AREAS, None, known), Gazetteer(now, parser, AREAS)
        for road in ("延安路", "延安一路", "宁夏路"):
            for number in (*range(1, 45), 88, 777):
                mine, other = known.geocode(f"{road}{number}号").best, anew.geocode(f"{road}{number}号").best
                # A whole road lies in two grids by halves, of which rounding decides.
                assert mine == other or (mine is not None and other is not None and mine.level == other.level == "road")
        for text in ("四方花园2号楼", "好邻居超市", "新楼", "延安路与宁夏路路口", "西村社区延安路"):
            assert known.geocode(text) == anew.geocode(text)
        lon, lat = PLANE.degrees([640.0, 607.0]).tolist()
        assert known.reverse(lon, lat) == anew.reverse(lon, lat)
        assert known.suggest("新") == anew.suggest("新")
