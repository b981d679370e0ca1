"""The index as a whole: arrays and single places, cameras that see, exchanged tables, bad input, odd towns."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely

import gisgrid.sight.index as index_module
from gisgrid.errors import ParameterError
from gisgrid.locator import FootprintTable, PointTable
from gisgrid.sight import STATES, SightIndex
from gisgrid.sight.judging import LOOPS
from tests.locator.loops import by_loops, by_numpy
from tests.sight.scenes import House, box, buildings, camera, cameras, degrees
from tests.sight.town import random_places, random_town


@pytest.fixture(scope="module")
def sight() -> SightIndex:
    return SightIndex(*random_town(21, houses=80, spots=150))


def test_the_loop_is_wanted_before_the_first_question_where_there_are_many_cameras(
    sight: SightIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[bool] = []
    monkeypatch.setattr(LOOPS, "want", lambda: wanted.append(True))
    sight.prepare()
    assert wanted == []
    monkeypatch.setattr(index_module, "_MANY_CAMERAS", 150)
    sight.prepare()
    assert wanted == [True]


def test_many_places_in_small_pieces_are_answered_as_each_alone(sight: SightIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    places = random_places(21, 40)
    rows = np.random.default_rng(1).integers(-1, 150, (40, 6))
    whole = sight.look_many(places[:, 0], places[:, 1], rows, 1.5)
    monkeypatch.setattr(index_module, "_PIECE", 7)
    for plain, pieces in zip(whole, sight.look_many(places[:, 0], places[:, 1], rows, 1.5), strict=True):
        np.testing.assert_array_equal(plain, pieces)
    assert (whole.state[rows < 0] == -1).all()
    for place, (lon, lat) in enumerate(places.tolist()):
        there = np.flatnonzero(rows[place] >= 0)
        alone = sight.look(lon, lat, rows[place, there].tolist(), 1.5)
        assert [STATES[number] for number in whole.state[place, there].tolist()] == [sighting.state for sighting in alone]
        assert whole.seen[place, there].tolist() == [sighting.state in ("sees", "probably_sees") for sighting in alone]
        # To the bit: both ask the same geodesic.
        assert whole.distance_m[place, there].tolist() == [sighting.distance_m for sighting in alone]
        bearings = [np.nan if sighting.bearing_deg is None else sighting.bearing_deg for sighting in alone]
        np.testing.assert_array_equal(whole.bearing_deg[place, there], bearings)


@pytest.mark.parametrize("seed", [3, 8, 21])
def test_the_compiled_loop_finds_in_lines_what_numpy_does_to_the_last_bit(seed: int) -> None:
    sight = SightIndex(*random_town(seed, houses=120, spots=200))
    places = random_places(seed, 400)
    rows = np.random.default_rng(seed).integers(-1, 200, (400, 12))
    for height_m in (0.0, 1.5, 12.0):
        with by_numpy(LOOPS):
            expected = sight.look_many(places[:, 0], places[:, 1], rows, height_m)
            alone = [sight.look(lon, lat, range(0, 200, 7), height_m) for lon, lat in places[:20].tolist()]
        with by_loops(LOOPS):
            for given, wanted in zip(sight.look_many(places[:, 0], places[:, 1], rows, height_m), expected, strict=True):
                np.testing.assert_array_equal(given, wanted)
            assert [sight.look(lon, lat, range(0, 200, 7), height_m) for lon, lat in places[:20].tolist()] == alone
        assert {*range(6)} <= set(expected.state.ravel().tolist())


def test_arrays_have_the_shape_that_was_asked_for(sight: SightIndex) -> None:
    for shape in ((0, 5), (3, 0), (3, 1)):
        found = sight.look_many(np.full(shape[0], 120.38), np.full(shape[0], 36.08), np.zeros(shape, dtype=np.int64))
        assert [values.shape for values in found] == [shape] * 6
    assert found.state.dtype == np.int8


def test_a_place_that_is_none_gets_no_answer(sight: SightIndex) -> None:
    lon, lat = np.array([np.nan, 120.38, 120.38, np.inf, 120.38]), np.array([36.08, np.nan, 91.0, 36.08, 36.081])
    found = sight.look_many(lon, lat, np.zeros((5, 2), dtype=np.int64))
    assert (found.state[:4] == -1).all()
    assert np.isnan(found.distance_m[:4]).all()
    assert (found.state[4] >= 0).all()


@pytest.mark.parametrize("k", [1, 3, 10, 200])
def test_the_cameras_that_see_are_the_nearest_of_all_that_do(sight: SightIndex, k: int) -> None:
    everyone = range(len(sight.cameras.ids))
    for lon, lat in random_places(5, 12).tolist():
        looks = zip(sight.look(lon, lat, everyone), sight.cameras.codes, everyone, strict=True)
        seeing = sorted((each.distance_m, code, row) for each, code, row in looks if each.state in ("sees", "probably_sees"))
        found = sight.seeing(lon, lat, k)
        assert [row for row, _ in found] == [row for _, _, row in seeing[:k]]
        assert [each for _, each in found] == sight.look(lon, lat, [row for row, _ in found])


def test_cameras_at_one_place_come_in_the_order_of_their_codes() -> None:
    sight = SightIndex(cameras([camera(field_of_view_deg=360.0)] * 40), buildings([]))
    assert [row for row, _ in sight.seeing(*degrees(50.0, 0.0), 3)] == [0, 1, 10]


def test_nobody_sees_where_there_is_nobody() -> None:
    empty = SightIndex(cameras([]), buildings([]))
    assert empty.seeing(120.38, 36.08, 3) == []
    assert empty.look(120.38, 36.08, []) == []
    sight = SightIndex(cameras([camera(range_m=None)]), buildings([]))
    assert sight.seeing(*degrees(10.0, 0.0), 3) == []
    assert sight.seeing(*degrees(10.0, 0.0), 0) == []


def test_an_index_with_another_table_is_that_of_both_tables(sight: SightIndex) -> None:
    places, rows = random_places(8, 60), np.arange(60 * 2).reshape(60, 2)
    other_cameras, other_buildings = random_town(22, houses=50, spots=150)
    for changed, expected in (
        (sight.replaced(cameras=other_cameras), SightIndex(other_cameras, sight.buildings)),
        (sight.replaced(buildings=other_buildings), SightIndex(sight.cameras, other_buildings)),
        (sight.replaced(), sight),
    ):
        args = places[:, 0], places[:, 1], rows
        for given, wanted in zip(changed.look_many(*args), expected.look_many(*args), strict=True):
            np.testing.assert_array_equal(given, wanted)
        lon, lat = places[0].tolist()
        assert changed.seeing(lon, lat, 5) == expected.seeing(lon, lat, 5)


def test_tables_without_the_fields_are_tables_in_which_nothing_is_known() -> None:
    place = np.array([120.38]), np.array([36.08])
    points = PointTable([1], ["c"], *place, ("code",), [("c",)])
    full = buildings([box(30.0, -5.0, 40.0, 5.0)])
    bare = FootprintTable(full.ids, full.codes, full.geometries, ("code",), [("b",)])
    lon, lat = degrees(60.0, 0.0)
    assert "range is not recorded" in SightIndex(points, bare).look(lon, lat, [0])[0].reason
    assert "its height is not recorded" in SightIndex(cameras([camera()]), bare).look(lon, lat, [0])[0].reason


@pytest.mark.parametrize(
    ("place", "rows", "height", "message"),
    [
        ((np.nan, 36.08), [0], 0.0, "lon, lat: (nan, 36.08) is no position."),
        ((120.38, 99.0), [0], 0.0, "lon, lat: (120.38, 99) is no position."),
        ((120.38, 36.08), [-1], 0.0, "rows: there is no camera in one of the rows. Expected 0 to 149."),
        ((120.38, 36.08), [150], 0.0, "rows: there is no camera"),
        ((120.38, 36.08), [0], -1.0, "target_height_m: -1 is no height of a place. Expected metres from 0 to 1000."),
        ((120.38, 36.08), [0], float("nan"), "target_height_m: nan"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    sight: SightIndex, place: tuple[float, float], rows: list[int], height: float, message: str
) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        sight.look(*place, rows, height)


def test_arrays_that_do_not_fit_are_refused(sight: SightIndex) -> None:
    two = np.zeros(2)
    for rows in (np.zeros((3, 1), int), np.zeros(2, int), np.full((2, 1), 150)):
        with pytest.raises(ParameterError, match="rows: "):
            sight.look_many(two, two, rows)
    with pytest.raises(ParameterError, match="target_height_m"):
        sight.seeing(120.38, 36.08, 3, -5.0)


def test_a_building_as_large_as_a_province_and_one_on_the_other_side_of_the_world_do_no_harm() -> None:
    home = box(30.0, -5.0, 40.0, 5.0)
    province = House(shapely.box(-3e5, 20.0, 3e5, 4e5), 500.0)
    far = House(shapely.box(-9e6, -6e6, -9e6 + 10.0, -6e6 + 10.0))
    sight = SightIndex(cameras([camera()]), buildings([home, province, far]))
    [behind] = sight.look(*degrees(60.0, 0.0), [0])
    [beside] = sight.look(*degrees(25.0, 5.0), [0])
    [inside] = sight.look(*degrees(30.0, 19.0), [0])
    assert [behind.state, beside.state, inside.state] == ["blocked", "sees", "sees"]
    assert behind.blocked_by is not None
    assert behind.blocked_by.building_code == "b0"


def test_a_place_on_the_other_side_of_the_world_is_out_of_range() -> None:
    sight = SightIndex(cameras([camera(range_m=20_000.0)]), buildings([]))
    assert sight.look(-60.0, -36.0, [0])[0].state == "out_of_range"
    assert sight.look_many(np.array([-60.0]), np.array([-36.0]), np.array([[0]])).state.item() == STATES.index("out_of_range")
