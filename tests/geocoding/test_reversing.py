"""From a position in the drawn town to its address, and suggestions while somebody types."""

from __future__ import annotations

from gisgrid.geocoding.answers import Reversed
from tests.geocoding.drawn import PLANE, gazetteer

TOWN = gazetteer()


def at(x: float, y: float) -> Reversed:
    lon, lat = PLANE.degrees([x, y]).tolist()
    return TOWN.reverse(lon, lat)


def test_a_position_in_a_building_is_at_its_address() -> None:
    found = at(780.0, 450.0)
    assert found.best is not None
    assert (found.best.address, found.best.level, found.best.distance_m) == ("宁夏路41号2号楼", "building", 0.0)


def test_a_position_beside_a_road_is_at_the_plate_on_its_side() -> None:
    for y, address in ((304.0, "延安路6号"), (296.0, "延安路5号")):
        found = at(120.0, y)
        assert found.best is not None
        assert found.best.address == address
        assert found.best.is_same_side
        assert found.road == "延安路"
        assert found.road_distance_m is not None
        assert abs(found.road_distance_m - 4.0) < 0.2


def test_the_side_counts_more_than_a_few_metres() -> None:
    # At number 21, which is missing: number 22 across the road is nearer than those on this side.
    found = at(520.0, 297.0)
    assert found.best is not None
    assert int(found.best.address.removeprefix("延安路").removesuffix("号")) % 2 == 0
    assert found.alternatives[0].is_same_side
    found = at(470.0, 297.0)
    assert found.best is not None
    assert found.best.is_same_side


def test_far_from_everything_there_is_no_address() -> None:
    assert at(5000.0, 5000.0) == Reversed(None)


def test_the_address_of_a_plate_is_that_of_its_point() -> None:
    for text in ("延安路5号", "延安一路18号", "宁夏路41号3号楼", "延安路1号甲"):
        there = TOWN.geocode(text).best
        assert there is not None
        back = TOWN.reverse(there.lon, there.lat).best
        assert back is not None
        assert (back.address, back.code) == (there.address, there.code)


def test_suggestions_begin_with_what_is_typed() -> None:
    texts = [one.text for one in TOWN.suggest("延安")]
    assert texts[:2] == ["延安路", "延安一路"]
    assert "延安路街道" in texts
    assert [one.text for one in TOWN.suggest("宁夏路4")] == ["宁夏路41号"]
    assert [one.text for one in TOWN.suggest("市北区延安路街道延安一路3", limit=3)] == ["延安一路3号", "延安一路30号", "延安一路31号"]
    assert TOWN.suggest("花园")[0].text == "四方花园"
    assert TOWN.suggest("") == ()
    assert TOWN.suggest("延安", limit=1) == TOWN.suggest("延安")[:1]
