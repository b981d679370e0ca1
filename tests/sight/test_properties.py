"""What must hold in any scene: turning it, raising the mast, building more, seeing wider."""

from __future__ import annotations

import math

import shapely
from hypothesis import assume, example, given
from hypothesis import strategies as st
from shapely.affinity import rotate

from gisgrid.sight import Sighting
from tests.sight.scenes import House, camera, look

Pair = tuple[float, float]
SEEN = ("sees", "probably_sees")

side = st.integers(3, 25)
at = st.integers(-70, 70)
heights = st.one_of(st.none(), st.integers(1, 15).map(float))


@st.composite
def houses(draw: st.DrawFn) -> House:
    x, y, wide, deep = draw(at), draw(at), draw(side), draw(side)
    shape = shapely.box(x, y, x + wide, y + deep)
    if draw(st.booleans()):
        shape = shape.difference(shapely.box(x + wide / 3, y + deep / 3, x + 2 * wide / 3, y + deep))
    return House(shape, draw(heights))


town = st.lists(houses(), max_size=6)
# Off the whole metres in which houses are drawn, so that nothing is exactly 1 or 2 m from a wall.
spot = st.tuples(at, at).map(lambda xy: (xy[0] + 0.31, xy[1] + 0.27))


def seen_from(where: Pair, place: Pair, blocks: list[House], mount_m: float = 6.0) -> Sighting:
    panorama = camera(*where, field_of_view_deg=360.0, range_m=250.5, mount_height_m=mount_m)
    return look(panorama, *place, *blocks)


@given(town, spot, spot, st.floats(1.0, 359.0))
def test_a_scene_that_is_turned_looks_the_same(blocks: list[House], where: Pair, place: Pair, angle: float) -> None:
    plain = seen_from(where, place, blocks)
    turned = [House(rotate(house.shape, angle, origin=(0.0, 0.0)), house.height_m) for house in blocks]
    ends = [rotate(shapely.Point(each), angle, origin=(0.0, 0.0)).coords[0] for each in (where, place)]
    again = seen_from(ends[0], ends[1], turned)
    assert again.state == plain.state
    if plain.blocked_by is not None and again.blocked_by is not None:
        assert again.blocked_by.building_id == plain.blocked_by.building_id
        assert math.isclose(again.blocked_by.distance_m, plain.blocked_by.distance_m, abs_tol=0.02)


@example([House(shapely.box(-4, 0, -1, 3), 1.0)], (0.31, 0.27), (-1.69, 0.27), 0.0, 5e-324)
@given(town, spot, spot, st.floats(0.0, 30.0), st.floats(0.0, 30.0))
def test_a_higher_mast_never_sees_less(blocks: list[House], where: Pair, place: Pair, low: float, more: float) -> None:
    # On a building a higher mast can be worse off: it comes to stand on the roof, whose edge it has to look over.
    assume(all(house.shape.distance(shapely.Point(where)) > 1.1 for house in blocks))
    if seen_from(where, place, blocks, low).state in SEEN:
        assert seen_from(where, place, blocks, low + more).state in SEEN


@given(town, houses(), spot, spot)
def test_one_more_building_never_shows_more(blocks: list[House], new: House, where: Pair, place: Pair) -> None:
    rank = ["blocked", "unknown", "probably_sees", "sees"]
    before, after = (seen_from(where, place, scene) for scene in (blocks, [*blocks, new]))
    assert rank.index(after.state) <= rank.index(before.state)
    if before.blocked_by is not None and after.blocked_by is not None:
        assert after.blocked_by.distance_m <= before.blocked_by.distance_m + 0.0011


@given(town, spot, spot)
def test_a_blocker_is_met_on_the_line_where_it_is_not_above_the_roof(blocks: list[House], where: Pair, place: Pair) -> None:
    sighting = seen_from(where, place, blocks)
    blocker = sighting.blocked_by
    assert (blocker is not None) == (sighting.state == "blocked")
    if blocker is not None:
        assert 0.0 <= blocker.distance_m <= sighting.distance_m
        assert blocker.sight_height_m <= blocker.roof_height_m + 1e-9
        assert math.isclose(blocker.sight_height_m, 6.0 * (1.0 - blocker.distance_m / sighting.distance_m), abs_tol=1e-6)


degrees_ = st.floats(0.0, 360.0)


@given(degrees_, st.floats(0.0, 180.0), st.floats(1.0, 359.0), degrees_, st.floats(0.0, 359.0))
def test_the_share_does_not_depend_on_where_north_is_and_grows_with_the_field_of_view(
    azimuth: float, spread: float, field: float, bearing: float, turn: float
) -> None:
    def share(by: float, wide: float) -> float:
        angle = math.radians(bearing + by)
        seen = look(
            camera(azimuth_deg=(azimuth + by) % 360.0, azimuth_uncertainty_deg=spread, field_of_view_deg=wide),
            50.0 * math.sin(angle),
            50.0 * math.cos(angle),
        ).share
        assert seen is not None
        return seen

    # Bearings are geodesic, the scene is laid out in a plane: they differ by some 1e-4 degrees.
    assume(spread > 0.1)
    assert math.isclose(share(0.0, field), share(turn, field), abs_tol=2e-2 if spread < 1.0 else 2e-3)
    assert share(0.0, field) <= share(0.0, min(field + 20.0, 360.0)) + 1e-12
    assert 0.0 <= share(0.0, field) <= min(1.0, field / (2.0 * spread) + 1e-9)
