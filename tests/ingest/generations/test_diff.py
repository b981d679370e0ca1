"""What differs between two generations, on pictures."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gisgrid.locator import AreaTable
from ingest.generations.diff import LevelDiff, Points, compare_tables
from tests.ingest.topology.pictures import CELL_M, areas, box, lonlat, table


def grids(old: str, new: str, **followed: Points) -> LevelDiff:
    (found,) = compare_tables({"grid": areas(old)}, {"grid": areas(new)}, followed)
    return found


def kinds(diff: LevelDiff) -> list[tuple[str, str | None, str | None]]:
    return [(change.kind, change.before and change.before.code, change.after and change.after.code) for change in diff.changes]


def passed(diff: LevelDiff) -> dict[tuple[str | None, str | None], int]:
    """Square metres, to the next 100, by the codes of the two areas."""
    return {(h.before and h.before.code, h.after and h.after.code): round(h.area_m2 / 100) * 100 for h in diff.handovers}


def at(*places: tuple[float, float]) -> Points:
    """Points given in cells."""
    lonlats = [lonlat(shapely.Point(x * CELL_M, y * CELL_M)) for x, y in places]
    return Points(np.array([point.x for point in lonlats]), np.array([point.y for point in lonlats]))


def test_nothing_differs_from_itself() -> None:
    diff = grids("a a b\nc c b", "a a b\nc c b", cases=at((0.5, 0.5)))
    assert (diff.old_count, diff.new_count, diff.unchanged, diff.changes, diff.handovers) == (3, 3, 3, (), ())
    assert compare_tables({}, {}) == ()


def test_a_border_that_moves_reshapes_both_and_hands_over_the_land_between() -> None:
    diff = grids("a a a b b", "a a b b b", cases=at((0.5, 0.5), (2.5, 0.5), (2.2, 0.7), (4.5, 0.5)), cameras=at((0.5, 0.5)))
    assert kinds(diff) == [("reshaped", "a", "a"), ("reshaped", "b", "b")]
    assert passed(diff) == {("a", "b"): 10_000}
    assert (diff.moved("cases"), diff.moved("cameras"), diff.unchanged) == (2, 0, 0)
    (handover,) = diff.handovers
    assert handover.place.equals(box(2, 0, 3, 1))
    first, second = diff.changes
    assert (round(first.lost_m2), first.gained_m2, second.lost_m2) == (round(second.gained_m2), 0.0, 0.0)


def test_an_area_split_in_two_keeps_one_code_and_adds_one() -> None:
    diff = grids("a a a a b", "a a a c b")
    assert kinds(diff) == [("reshaped", "a", "a"), ("added", None, "c")]
    assert passed(diff) == {("a", "c"): 10_000}
    assert diff.unchanged == 1


def test_two_areas_merged_under_a_new_code_are_removed_and_added() -> None:
    diff = grids("a a b b d", "c c c c d")
    assert kinds(diff) == [("removed", "a", None), ("removed", "b", None), ("added", None, "c")]
    assert passed(diff) == {("a", "c"): 20_000, ("b", "c"): 20_000}


def test_the_same_place_under_another_code_is_recoded_and_hands_nothing_over() -> None:
    diff = grids("a a b b", "a a z z", cases=at((2.5, 0.5)))
    assert [(k, b, a) for k, b, a in kinds(diff)] == [("recoded", "b", "z"), ("renamed", "b", "z")]
    assert (diff.handovers, diff.moved("cases"), diff.unchanged) == ((), 0, 1)


def test_nearly_the_same_place_is_recoded_and_reshaped() -> None:
    old = table({"a": box(0, 0, 10, 1)})
    new = table({"z": box(0, 0, 10.5, 1)})
    (diff,) = compare_tables({"grid": old}, {"grid": new})
    assert [change.kind for change in diff.changes] == ["recoded", "renamed", "reshaped"]
    assert passed(diff) == {(None, "z"): 5_000}
    (diff,) = compare_tables({"grid": old}, {"grid": table({"z": box(0, 0, 8, 1)})})
    assert [change.kind for change in diff.changes] == ["removed", "added"]
    assert passed(diff) == {("a", "z"): 80_000, ("a", None): 20_000}


def test_names_and_parents_are_compared_by_code() -> None:
    old = areas("a b", {"a": "S", "b": "S"})
    new = areas("a b", {"a": "S", "b": "T"}, {"a": "another name"})
    (diff,) = compare_tables({"grid": old}, {"grid": new}, {"cases": at((0.5, 0.5))})
    assert [(change.kind, change.after and change.after.code) for change in diff.changes] == [("renamed", "a"), ("reparented", "b")]
    assert (diff.handovers, diff.unchanged) == ((), 0)


def test_land_given_up_or_won_passes_to_and_from_nobody() -> None:
    diff = grids("a a . b", ". a . b\n. . c .", cases=at((0.5, 1.5), (0.5, 0.5), (2.5, 0.5)))
    assert ("added", None, "c") in kinds(diff)
    assert passed(grids("a a b", ". a b")) == {("a", None): 10_000}
    assert passed(grids(". a b", "a a b")) == {(None, "a"): 10_000}


def test_another_ring_order_or_a_vertex_more_is_no_change_but_is_looked_at() -> None:
    turned = table({"a": shapely.reverse(shapely.segmentize(box(0, 0, 1, 1), 0.0003))}, {}, {})
    (diff,) = compare_tables({"grid": table({"a": box(0, 0, 1, 1)})}, {"grid": turned})
    assert (diff.changes, diff.unchanged) == ((), 1)


def test_a_whole_level_may_come_or_go() -> None:
    gone, came = compare_tables({"street": areas("S S")}, {"grid": areas("a b")}, {"cases": at((0.5, 0.5))})
    assert (gone.level, kinds(gone), gone.moved("cases")) == ("street", [("removed", "S", None)], 1)
    assert (came.level, came.old_count, came.new_count) == ("grid", 0, 2)


def test_overlapping_areas_follow_the_rule_of_lookups() -> None:
    # The smallest code wins where two overlap, so b's growth over a moves nothing but the overlap is told as land that b gained.
    diff = grids("a a . b", "a a b b", cases=at((2.5, 0.5)))
    assert passed(diff) == {(None, "b"): 10_000}
    over = grids("a a b b", "a ab b b", cases=at((1.5, 0.5)))
    assert (passed(over), over.moved("cases")) == ({(None, "b"): 10_000}, 0)


def _random(seed: int, codes: int) -> AreaTable:
    """Cells of a lattice given to areas at random: a coverage, in which areas have many parts."""
    rng = np.random.default_rng(seed)
    owner = rng.integers(-1, codes, (5, 5))
    shapes = {}
    for code in range(codes):
        parts = [box(column, row, column + 1, row + 1) for row, column in np.argwhere(owner == code)]
        if parts:
            shapes[f"{code}"] = shapely.unary_union(parts)
    return table(shapes)


@hypothesis_settings(max_examples=60)
@given(st.integers(0, 10_000_000), st.integers(1, 9), st.integers(1, 9))
def test_what_passes_is_what_each_cell_says(seed: int, many: int, more: int) -> None:
    old, new = _random(seed, many), _random(seed + 1, more)
    if not old.codes and not new.codes:
        return
    (diff,) = compare_tables({"grid": old}, {"grid": new}, {"cases": at(*((x + 0.5, y + 0.5) for x in range(5) for y in range(5)))})
    recoded = {change.before.code: change.after.code for change in diff.of_kind("recoded") if change.before and change.after}
    expected: dict[tuple[str | None, str | None], int] = {}
    for x in range(5):
        for y in range(5):
            before, after = (_at(areas, x, y) for areas in (old, new))
            same = after == recoded.get(before, before if before in new.codes else "gone") if before else after is None
            if not same:
                expected[before, after] = expected.get((before, after), 0) + 1
    assert {pair: size // 10_000 for pair, size in passed(diff).items()} == pytest.approx(expected)
    assert diff.moved("cases") == sum(expected.values())


def _at(areas: AreaTable, x: int, y: int) -> str | None:
    point = lonlat(shapely.Point((x + 0.5) * CELL_M, (y + 0.5) * CELL_M))
    return next((code for code, shape in zip(areas.codes, areas.geometries, strict=True) if shape.covers(point)), None)
