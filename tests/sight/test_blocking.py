"""Buildings in the line: which of them block, where the line meets them, and which do not for all that they are in it."""

from __future__ import annotations

import pytest
import shapely

from gisgrid.sight import Sighting, sight_document
from tests.sight.scenes import House, Spot, box, camera, degrees, look

PTZ = camera(kind="ptz", field_of_view_deg=360.0)


def outcome(sighting: Sighting) -> tuple[str, str | None, float | None]:
    blocker = sighting.blocked_by
    return (sighting.state, None, None) if blocker is None else (sighting.state, blocker.building_code, round(blocker.distance_m, 2))


def test_a_house_in_the_line_blocks_and_is_named_with_the_place_where_the_line_meets_it() -> None:
    sighting = look(camera(), 60.0, 0.0, box(30.0, -5.0, 40.0, 5.0, 9.0))
    blocker = sighting.blocked_by
    assert sighting.state == "blocked"
    assert blocker is not None
    assert (blocker.building_id, blocker.building_code, blocker.roof_height_m) == (1000, "b0", 9.0)
    assert blocker.distance_m == pytest.approx(30.0, abs=1e-4)
    assert blocker.sight_height_m == pytest.approx(3.0, abs=1e-4)
    assert (blocker.lon, blocker.lat) == pytest.approx(degrees(30.0, 0.0), abs=1e-9)
    assert sighting.reason == (
        "The line meets building b0 30.0 m from the camera, 3.0 m above the ground, and runs on below its roof of 9.0 m."
    )
    assert sight_document(sighting)["blocked_by"] == {
        "building_id": 1000,
        "building_code": "b0",
        "lon": round(blocker.lon, 8),
        "lat": 36.08,
        "distance_m": 30.0,
        "sight_height_m": 3.0,
        "roof_height_m": 9.0,
    }


@pytest.mark.parametrize(
    ("mount_m", "roof_m", "target_m", "expected"),
    [
        # A line from 12 m down to the ground 60 m away is 6 m high at the near wall, 4 m at the far one.
        (12.0, 3.9, 0.0, ("sees", None, None)),
        (12.0, 4.1, 0.0, ("blocked", "b0", 39.5)),
        (12.0, 5.0, 0.0, ("blocked", "b0", 35.0)),
        (12.0, 6.1, 0.0, ("blocked", "b0", 30.0)),
        # A level line at the height of the roof is not below it.
        (9.0, 9.0, 9.0, ("sees", None, None)),
        (9.0, 9.01, 9.0, ("blocked", "b0", 30.0)),
        # A line that rises from 0 to 12 m is 6 m high at the near wall: below the roof there or nowhere.
        (0.0, 5.9, 12.0, ("sees", None, None)),
        (0.0, 6.1, 12.0, ("blocked", "b0", 30.0)),
    ],
)
def test_a_high_mast_looks_over_a_low_roof(mount_m: float, roof_m: float, target_m: float, expected: tuple[str, str | None, float]) -> None:
    house = box(30.0, -5.0, 40.0, 5.0, roof_m)
    assert outcome(look(camera(mount_height_m=mount_m), 60.0, 0.0, house, target_m=target_m)) == expected


def test_the_line_that_comes_down_on_a_roof_meets_it_at_the_height_of_the_roof() -> None:
    blocker = look(camera(mount_height_m=12.0), 60.0, 0.0, box(30.0, -5.0, 40.0, 5.0, 5.0)).blocked_by
    assert blocker is not None
    assert blocker.sight_height_m == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("height_m", "floors", "state", "words"),
    [
        (None, 3, "blocked", "its roof of 9.0 m (3 floors of 3 m)"),
        (None, 1, "blocked", "its roof of 3.0 m (1 floor of 3 m)"),
        (0.0, 3, "blocked", "(3 floors of 3 m)"),
        (1.0, 30, "sees", "no building"),
        (None, None, "unknown", "building b0 is in the way and its height is not recorded"),
        (None, 0, "unknown", "its height is not recorded"),
    ],
)
def test_without_a_height_floors_count_and_without_floors_nothing_is_known(
    height_m: float | None, floors: int | None, state: str, words: str
) -> None:
    sighting = look(camera(mount_height_m=6.0), 60.0, 0.0, box(30.0, -5.0, 40.0, 5.0, height_m, floors=floors))
    assert sighting.state == state
    assert words in sighting.reason


def test_a_building_of_unknown_height_does_not_hide_one_that_surely_blocks() -> None:
    unknown, known = box(10.0, -5.0, 20.0, 5.0, None), box(30.0, -5.0, 40.0, 5.0, 9.0)
    assert outcome(look(camera(), 60.0, 0.0, unknown, known)) == ("blocked", "b1", 30.0)
    assert "building b0 is in the way" in look(camera(), 60.0, 0.0, unknown, box(30.0, -5.0, 40.0, 5.0, 1.0)).reason


def test_with_an_unknown_mount_any_building_in_the_line_leaves_it_open() -> None:
    spot = camera(mount_height_m=None)
    sighting = look(spot, 60.0, 0.0, box(30.0, -5.0, 40.0, 5.0, 9.0))
    assert sighting.state == "unknown"
    assert "building b0 is in the way and the mount height of the camera is not recorded" in sighting.reason
    assert look(spot, 60.0, 0.0, box(30.0, 5.0, 40.0, 15.0, 9.0)).state == "sees"


def test_an_assumed_mount_that_only_just_looks_over_a_roof_is_in_doubt() -> None:
    roof = box(30.0, -5.0, 40.0, 5.0, 3.5)
    assert look(camera(mount_height_m=12.0), 60.0, 0.0, roof).state == "sees"
    sighting = look(camera(mount_height_m=12.0, mount_height_source="default"), 60.0, 0.0, roof)
    assert sighting.state == "probably_sees"
    assert "if the mount were lower than assumed" in sighting.reason
    assert look(camera(mount_height_m=12.0, mount_height_source="default"), 60.0, 0.0, box(30.0, -5.0, 40.0, 5.0, 3.0)).state == "sees"


@pytest.mark.parametrize(
    ("shape", "state"),
    [
        (shapely.box(30.0, 0.0, 40.0, 10.0), "sees"),
        (shapely.box(30.0, -10.0, 40.0, 0.0), "sees"),
        (shapely.box(30.0, -10.0, 40.0, 0.002), "blocked"),
        (shapely.box(30.0, -0.002, 40.0, 10.0), "blocked"),
        (shapely.Polygon([(35.0, 0.0), (40.0, 5.0), (30.0, 5.0)]), "sees"),
        (shapely.Polygon([(35.0, 0.0), (40.0, -5.0), (30.0, -5.0)]), "sees"),
        (shapely.Polygon([(35.0, -0.1), (40.0, 5.0), (30.0, 5.0)]), "blocked"),
        # A corner of the outline on the line, but the line runs through.
        (shapely.Polygon([(30.0, 0.0), (35.0, -5.0), (40.0, 0.0), (35.0, 5.0)]), "blocked"),
        (shapely.Polygon([(30.0, 0.0), (30.0, -5.0), (40.0, -5.0), (40.0, 5.0), (35.0, 5.0), (35.0, 0.0)]), "blocked"),
        # Two parts that touch each other on the line, one to the left and one to the right.
        (shapely.MultiPolygon([shapely.box(20.0, 0.0, 30.0, 9.0), shapely.box(30.0, -9.0, 40.0, 0.0)]), "sees"),
        (shapely.MultiPolygon([shapely.box(20.0, 0.0, 30.0, 9.0), shapely.box(30.0, 0.0, 40.0, 9.0)]).buffer(0), "sees"),
    ],
)
def test_a_line_that_only_touches_a_building_is_not_blocked(shape: shapely.Geometry, state: str) -> None:
    assert look(camera(), 60.0, 0.0, House(shape)).state == state
    turned = shapely.transform(shape, lambda xy: xy[:, ::-1])
    assert look(camera(azimuth_deg=0.0), 0.0, 60.0, House(turned)).state == state


def test_between_two_houses_that_share_a_wall_the_line_along_it_is_free_and_across_it_is_not() -> None:
    south, north = box(30.0, -8.0, 40.0, 0.0), box(30.0, 0.0, 40.0, 8.0)
    assert look(camera(), 60.0, 0.0, south, north).state == "sees"
    assert outcome(look(camera(), 60.0, 1.0, south, north)) == ("blocked", "b1", 30.0)
    one_behind_the_other = box(35.0, -8.0, 40.0, 8.0), box(30.0, -8.0, 35.0, 8.0)
    assert outcome(look(camera(), 60.0, 0.0, *one_behind_the_other)) == ("blocked", "b1", 30.0)


def test_of_two_buildings_met_at_one_place_the_one_with_the_smaller_id_is_named() -> None:
    first, second = box(30.0, -5.0, 40.0, 5.0), box(30.0, -3.0, 35.0, 3.0)
    assert outcome(look(camera(), 60.0, 0.0, first, second)) == ("blocked", "b0", 30.0)
    assert outcome(look(camera(), 60.0, 0.0, second, first)) == ("blocked", "b0", 30.0)


def test_courtyards_are_open_and_parts_of_a_building_count_each() -> None:
    ring = shapely.box(20.0, -20.0, 60.0, 20.0).difference(shapely.box(25.0, -15.0, 55.0, 15.0))
    courtyard = camera(30.0, 0.0)
    assert look(courtyard, 50.0, 0.0, House(ring)).state == "sees"
    assert outcome(look(courtyard, 70.0, 0.0, House(ring))) == ("blocked", "b0", 25.0)
    assert outcome(look(camera(), 40.0, 0.0, House(ring))) == ("blocked", "b0", 20.0)
    two = shapely.MultiPolygon([shapely.box(20.0, 10.0, 30.0, 20.0), shapely.box(40.0, -5.0, 50.0, 5.0)])
    assert outcome(look(camera(), 60.0, 0.0, House(two))) == ("blocked", "b0", 40.0)


def test_a_wall_behind_the_camera_or_beyond_the_place_does_not_block() -> None:
    assert look(camera(), 60.0, 0.0, box(-20.0, -5.0, -10.0, 5.0), box(61.0, -5.0, 70.0, 5.0)).state == "sees"


@pytest.mark.parametrize(
    ("spot", "x", "state"),
    [
        (camera(9.9, 0.0), 60.0, "sees"),
        (camera(10.4, 0.0), 60.0, "sees"),
        (camera(8.1, 0.0), 60.0, "sees"),
        # The same wall from the wrong side: through one's own building.
        (camera(9.9, 0.0, azimuth_deg=270.0), -60.0, "blocked"),
        (camera(10.4, 0.0, azimuth_deg=270.0), -60.0, "blocked"),
        (camera(8.1, 0.0, azimuth_deg=270.0), -60.0, "blocked"),
        # On the roof, or somewhere in the footprint: its own building never blocks.
        (camera(5.0, 0.0), 60.0, "sees"),
        (camera(5.0, 0.0, azimuth_deg=270.0), -60.0, "sees"),
        # Beside a building, but not at it.
        (camera(11.1, 0.0, azimuth_deg=270.0), -60.0, "blocked"),
    ],
)
def test_a_camera_on_a_building_is_not_blocked_by_its_own_wall_but_does_not_look_through_it(spot: Spot, x: float, state: str) -> None:
    host = box(0.0, -5.0, 10.0, 5.0)
    assert look(spot, x, 0.0, host).state == state


def test_a_look_through_its_own_building_says_so_and_where_it_begins() -> None:
    sighting = look(camera(9.5, 0.0, azimuth_deg=270.0), -60.0, 0.0, box(0.0, -5.0, 10.0, 5.0))
    assert outcome(sighting) == ("blocked", "b0", 0.0)
    assert sighting.reason.startswith("The line meets the camera's own building b0 0.0 m from the camera")
    shape = shapely.box(0.0, -5.0, 50.0, 5.0).difference(shapely.box(10.0, -1.0, 40.0, 5.0))
    across = look(camera(9.0, 0.0), 60.0, 0.0, House(shape))
    assert outcome(across) == ("blocked", "b0", 31.0)


def test_a_wall_may_be_cut_at_a_corner_for_two_metres_and_no_more() -> None:
    host = box(0.0, -5.0, 10.0, 5.0)
    assert look(camera(9.0, 3.5, azimuth_deg=0.0), 9.0, 60.0, host).state == "sees"
    assert look(camera(9.0, 2.5, azimuth_deg=0.0), 9.0, 60.0, host).state == "blocked"


def test_above_its_own_roof_a_camera_is_blocked_only_by_the_edge_of_the_roof() -> None:
    host = box(0.0, -5.0, 10.0, 5.0, 6.0)
    assert look(camera(5.0, 0.0, mount_height_m=9.0), 65.0, 0.0, host).state == "sees"
    assert outcome(look(camera(5.0, 0.0, mount_height_m=6.5), 25.0, 0.0, host)) == ("blocked", "b0", 1.54)
    assert look(camera(5.0, 0.0, mount_height_m=6.0), 25.0, 0.0, host).state == "sees"


def test_a_host_of_unknown_height_is_a_host_all_the_same() -> None:
    host = box(0.0, -5.0, 10.0, 5.0, None)
    assert look(camera(9.5, 0.0), 60.0, 0.0, host).state == "sees"
    assert look(camera(5.0, 0.0), 60.0, 0.0, host).state == "sees"
    assert look(camera(9.5, 0.0, azimuth_deg=270.0), -60.0, 0.0, host).state == "unknown"


def test_of_a_place_in_a_building_the_outside_is_seen_and_that_only_probably() -> None:
    home = box(50.0, -5.0, 70.0, 5.0)
    sighting = look(camera(), 60.0, 0.0, home)
    assert sighting.state == "probably_sees"
    assert "the place is in a building, of which only the outside can be seen" in sighting.reason
    assert outcome(look(camera(), 60.0, 0.0, home, box(20.0, -5.0, 30.0, 5.0))) == ("blocked", "b1", 20.0)
    assert look(camera(), 49.0, 0.0, home).state == "sees"
    assert look(camera(), 71.0, 0.0, home).state == "blocked"
    assert look(camera(), 60.0, 0.0, box(50.0, -5.0, 70.0, 5.0, None)).state == "probably_sees"


def test_a_camera_on_the_wall_does_not_see_into_the_building_behind_it() -> None:
    home = box(0.0, -5.0, 10.0, 5.0)
    assert look(camera(10.2, 0.0, azimuth_deg=270.0), 5.0, 0.0, home).state == "blocked"
    assert look(camera(5.0, 0.0, azimuth_deg=270.0), 1.0, 0.0, home).state == "probably_sees"


def test_a_courtyard_is_not_in_the_building() -> None:
    ring = House(shapely.box(20.0, -20.0, 60.0, 20.0).difference(shapely.box(25.0, -15.0, 55.0, 15.0)), 1.0)
    assert look(camera(), 40.0, 0.0, ring).state == "sees"


def test_what_rules_out_comes_before_what_is_not_known() -> None:
    house = box(30.0, -5.0, 40.0, 5.0)
    for spot in (camera(status="offline"), camera(azimuth_deg=None), camera(field_of_view_deg=None), PTZ):
        assert look(spot, 60.0, 0.0, house).state == "blocked"
    assert look(camera(azimuth_deg=270.0), 60.0, 0.0, house).state == "out_of_view"
    # Without a range no line is looked at.
    assert look(camera(range_m=None), 60.0, 0.0, house).state == "unknown"


def test_a_footprint_without_any_outline_is_in_nobodys_way() -> None:
    assert look(camera(), 60.0, 0.0, House(shapely.MultiPolygon()), box(30.0, 20.0, 40.0, 30.0)).state == "sees"
    assert look(camera(), 60.0, 0.0, House(shapely.MultiPolygon())).state == "sees"
