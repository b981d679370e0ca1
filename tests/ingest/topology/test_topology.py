"""What each check finds, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gisgrid.db.records import Issue
from gisgrid.deployment import AreaRules, TopologyRules
from gisgrid.locator import AreaTable
from gisgrid.types import Level
from ingest.topology import Features, check_areas
from tests.ingest.topology.pictures import areas, box, cells, city, lonlat, table

Tables = dict[Level, AreaTable]


def found(tables: Tables, **options: object) -> list[tuple[str, str | None]]:
    """Check and code of every issue."""
    return [(issue.code, issue.feature_code) for issue in check_areas(tables, city(), **options)]  # type: ignore[arg-type]


def only(issues: list[Issue], code: str) -> Issue:
    (issue,) = [issue for issue in issues if issue.code == code]
    return issue


def place(issue: Issue) -> shapely.Geometry:
    assert issue.ewkb
    shape = shapely.from_wkb(issue.ewkb)
    assert shapely.get_srid(shape) == 4326
    return shape


def points(*at: tuple[float, float]) -> Features:
    """Points given in metres."""
    return Features([f"P{k}" for k in range(len(at))], np.array([lonlat(shapely.Point(*xy)) for xy in at], dtype=object))


def shapes(**boxes: shapely.Geometry) -> Features:
    return Features(list(boxes), np.array(list(boxes.values()), dtype=object))


TILED = """
    a a b
    c d b
"""


def test_areas_that_fit_have_no_issues() -> None:
    tables: Tables = {"street": areas("S S S\nS S S"), "grid": areas(TILED, "S")}
    assert check_areas(tables, city()) == []
    assert check_areas({}, city()) == []
    assert check_areas({"grid": table({})}, city(), [points((0, 0))], [points((0, 0))]) == []


def test_an_overlap_names_both_areas_and_the_square_metres_and_shows_the_place() -> None:
    issue = only(check_areas({"grid": areas("a ab ab b")}, city()), "overlap")
    assert (issue.layer, issue.feature_code, issue.severity) == ("grids", "a", "error")
    assert "a (area a) and b (area b) overlap by 20,000 m2" in issue.message
    assert place(issue).equals(box(1, 0, 3, 1))


@pytest.mark.parametrize("picture", ["ab", "ab ab", "a a a\na ab a\na a a"], ids=["equal", "equal pair", "contained"])
def test_an_area_in_another_one_overlaps_it(picture: str) -> None:
    assert found({"grid": areas(picture)}) == [("overlap", "a")]


def test_an_overlap_of_less_than_a_metre_is_a_sliver_and_rounding_is_nothing() -> None:
    def beside(shift_cells: float) -> Tables:
        return {"grid": table({"a": box(0, 0, 1, 1), "b": box(1 - shift_cells, 0, 2, 1)})}

    assert found(beside(0.02)) == [("overlap", "a")]
    assert found(beside(0.005)) == [("sliver", "a")]
    assert found(beside(0.00005)) == []
    wider = city(topology=TopologyRules(sliver_m=5.0))
    assert [issue.code for issue in check_areas(beside(0.02), wider)] == ["sliver"]
    assert "at most 0.50 m wide" in check_areas(beside(0.005), city())[0].message


def test_a_hole_between_areas_is_a_gap_with_its_neighbours() -> None:
    issue = only(check_areas({"grid": areas("a a b\na . b\nc c c")}, city()), "gap")
    assert issue.severity == "warning"
    assert issue.message == "10,000 m2 are in no grid; beside a (area a), b (area b), c (area c)."
    assert place(issue).equals(box(1, 1, 2, 2))


def test_the_open_rim_of_the_largest_level_is_no_gap_but_an_island_in_a_hole_leaves_a_ring() -> None:
    assert found({"grid": areas("a . b\na a b")}) == []
    (ring,) = check_areas({"grid": areas("a a a a a\na . . . a\na . b . a\na . . . a\na a a a a")}, city())
    assert place(ring).equals(box(1, 1, 4, 4) - box(2, 2, 3, 3))


def test_what_no_area_covers_in_a_parent_is_a_gap_at_its_rim_too() -> None:
    tables: Tables = {"street": areas("S S S\nS S S\nT T T"), "grid": areas("a a .\na a a\n. . .", "S")}
    messages = [issue.message for issue in check_areas(tables, city())]
    assert messages == [
        "10,000 m2 of S (area S) are in no grid; beside a (area a).",
        "30,000 m2 of T (area T) are in no grid; beside a (area a).",
    ]


def test_a_place_that_an_area_of_another_parent_covers_is_no_gap_but_that_area_leans_out() -> None:
    tables: Tables = {"street": areas("S S S T T T"), "grid": areas("a a b b b b", {"a": "S", "b": "T"})}
    issues = check_areas(tables, city())
    assert [(issue.code, issue.feature_code) for issue in issues] == [("outside_parent", "b")]
    assert issues[0].message == "10,000 m2 of b (area b) lie outside T (area T), in S (area S)."
    assert place(issues[0]).equals(box(2, 0, 3, 1))


def test_an_area_that_leans_out_by_less_than_a_metre_is_a_sliver() -> None:
    tables: Tables = {"street": areas("S S"), "grid": table({"a": box(0, 0, 2.004, 1)}, {"a": "S"})}
    (issue,) = check_areas(tables, city())
    assert (issue.code, issue.severity) == ("sliver", "warning")
    assert "40.00 m2 of a (area a), at most 0.40 m wide, lie outside S (area S), in no street" in issue.message


def test_a_parent_that_does_not_exist_is_missing_unless_its_whole_level_is() -> None:
    grids = areas("a b", {"a": "S", "b": "X"})
    assert found({"street": areas("S S"), "grid": grids}) == [("missing_parent", "b")]
    assert found({"grid": grids}) == []


def test_an_area_that_lies_mostly_in_another_parent_disagrees_with_its_code() -> None:
    issues = check_areas({"street": areas("S S T T"), "grid": areas("a b b b", {"a": "S", "b": "S"})}, city())
    assert [(issue.code, issue.severity) for issue in issues] == [("parent_disagrees", "error")]
    assert "b (area b) belongs to S (area S), but 67% of it (20,000 m2) lies outside, most of it in T (area T)" in issues[0].message


def test_an_area_without_a_parent_code_belongs_where_it_lies() -> None:
    streets = areas("S S T T .")
    assert found({"street": streets, "grid": areas("a a b b .")}) == []
    assert ("outside_parent", "b") in found({"street": streets, "grid": areas("a a . . b")})


def test_a_code_must_begin_with_its_parents_only_where_the_deployment_says_so() -> None:
    tables: Tables = {"street": areas("S S"), "grid": table(cells("a b"), {"a": "S", "b": "S"})}
    strict = city(grid=AreaRules(code_pattern=".+", parent_is_prefix=True))
    assert [issue.code for issue in check_areas(tables, strict)] == ["parent_disagrees", "parent_disagrees"]
    assert check_areas(tables, city()) == []


def test_several_parts_are_said_at_the_place_of_the_lesser_ones() -> None:
    issue = only(check_areas({"grid": areas("a a b a")}, city()), "multi_part")
    assert "2 parts: the largest has 20,000 m2, the others 10,000 m2" in issue.message
    assert place(issue).equals(box(3, 0, 4, 1))


def test_sizes_are_held_to_the_deployments_range() -> None:
    sized = city(grid=AreaRules(min_area_m2=15_000.0, max_area_m2=35_000.0))
    issues = check_areas({"grid": areas("a b b c c c c")}, sized)
    assert [(issue.code, issue.feature_code) for issue in issues] == [("area_out_of_range", "a"), ("area_out_of_range", "c")]
    assert "10,000 m2, less than the 15,000 m2" in issues[0].message


def test_a_name_may_occur_once_in_a_parent() -> None:
    tables: Tables = {
        "street": areas("S S T"),
        "grid": areas("a b c", {"a": "S", "b": "S", "c": "T"}, {"a": "North", "b": "North", "c": "North"}),
    }
    assert found(tables) == [("duplicate_name", "b")]


def _numbered(picture: str) -> Tables:
    drawn = cells(picture)
    grids = table(
        {f"S{int(letter, 36):03d}": shape for letter, shape in drawn.items()}, {f"S{int(letter, 36):03d}": "S" for letter in drawn}
    )
    return {"street": table({"S": shapely.coverage_union_all(list(drawn.values()))}), "grid": grids}


NUMBERED = city(grid=AreaRules(sequence_digits=3))


@pytest.mark.parametrize(
    "picture",
    ["1 2 3\n4 5 6", "1 1 2\n3 2 2", "2 1\n2 1\n3 3", "1 3 5\n2 4 6"],
    ids=["rows", "ragged", "a tall one", "columns"],
)
def test_numbers_in_an_order_that_one_can_argue_for_pass(picture: str) -> None:
    # The last one runs north to south first: wrong by the standard, but no grid lies north and west of a smaller number.
    assert check_areas(_numbered(picture), NUMBERED) == []


def test_a_number_that_no_order_of_rows_explains_is_found() -> None:
    (issue,) = check_areas(_numbered("6 1 2\n4 5 3\n7 8 9"), NUMBERED)
    assert (issue.code, issue.feature_code) == ("sequence_order", "S006")
    assert "S006 (area S006) lies north and west of S003 (area S003)" in issue.message
    assert check_areas(_numbered("6 1 2\n4 5 3\n7 8 9"), city()) == []


def test_a_building_on_a_border_is_cut_when_enough_of_it_lies_on_either_side() -> None:
    grids: Tables = {"grid": areas("a b")}
    buildings = shapes(
        cut=box(0.9, 0.2, 1.05, 0.5),
        flush=box(0.8, 0.5, 1.0, 0.6),
        little=box(0.9, 0.7, 1.0009, 0.8),
        inside=box(0.2, 0.2, 0.4, 0.4),
        leaving=box(1.9, 0.2, 2.1, 0.4),
    )
    (issue,) = check_areas(grids, city(), [buildings])
    assert (issue.layer, issue.feature_code, issue.code) == ("grids", "a", "cuts_building")
    assert issue.message == "Building cut (450 m2) lies in a (area a) and, with 150 m2, in b (area b)."
    assert place(issue).equals(box(0.9, 0.2, 1.05, 0.5))


def test_a_building_that_lies_wholly_in_two_overlapping_areas_is_not_cut() -> None:
    assert found({"grid": areas("a ab b")}, buildings=[shapes(b=box(1.2, 0.2, 1.8, 0.8), c=box(0.9, 0.1, 1.1, 0.2))]) == [
        ("overlap", "a"),
    ]


def test_a_border_that_passes_through_a_cover_is_named_with_its_distance() -> None:
    covers = points((100.2, 50.0), (100.5, 50.0), (50.0, 50.0), (100.0, 20.0))
    issues = check_areas({"grid": areas("a b")}, city(), (), [covers])
    assert [issue.message for issue in issues] == [
        "A border of a (area a) and b (area b) passes 0.20 m from the middle of component P0.",
        "A border of a (area a) and b (area b) passes 0.00 m from the middle of component P3.",
    ]
    assert place(issues[0]).geom_type == "Point"


def test_features_may_come_in_any_number_of_pieces() -> None:
    grids: Tables = {"grid": areas("a b")}
    pieces = [points((100.2, 50.0)), Features([], np.empty(0, dtype=object)), points((100.1, 60.0))]
    assert len(check_areas(grids, city(), (), pieces)) == 2


def test_invalid_shapes_and_none_do_no_harm() -> None:
    bow = shapely.Polygon([(120.37, 36.08), (120.38, 36.09), (120.38, 36.08), (120.37, 36.09)])
    tables: Tables = {"street": areas("S"), "grid": table({"a": bow, "b": box(0, 0, 1, 1), "c": None}, {"a": "S", "b": "S", "c": "S"})}
    assert {issue.code for issue in check_areas(tables, city())} <= {"overlap", "sliver", "multi_part", "outside_parent", "gap"}


def test_issues_come_with_the_errors_first() -> None:
    tables: Tables = {"grid": areas("a ab b\na . b\na b b")}
    severities = [issue.severity for issue in check_areas(tables, city())]
    assert severities == sorted(severities)
    assert set(severities) == {"error", "warning"}
