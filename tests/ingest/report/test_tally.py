"""Counts, examples and places over any number of rows, in memory that does not grow."""

from __future__ import annotations

from itertools import pairwise

import pytest
import shapely

from gisgrid.db.records import Reject, Repair
from ingest.report import Tally
from ingest.report.tally import MOST_EXAMPLES, MOST_SPOTS
from tests.ingest.report.made import an_issue, hex_ewkb


def a_reject(number: int, code: str = "bad_date", place: shapely.Geometry | None = None) -> Reject:
    return Reject(number, code, f"message {number}", "field", {}, hex_ewkb(place) if place is not None else None)


def test_the_first_five_rows_of_each_check_are_examples() -> None:
    tally = Tally()
    for start in (1, 4, 7):
        tally.add([a_reject(number) for number in range(start, start + 3)], [Repair(start, "c", "trimmed", "name", " a\n", "a", None)])
    assert [example.row_number for example in tally.examples["bad_date"]] == [1, 2, 3, 4, 5]
    assert len(tally.examples["bad_date"]) == MOST_EXAMPLES
    assert tally.examples["trimmed"][0] == (1, "name", "' a\\n' → 'a'")


def test_a_repair_without_values_and_a_warning_are_examples_too_and_long_values_are_cut() -> None:
    tally = Tally()
    tally.add(
        [], [Repair(2, None, "ring_order", "", None, None, None), Repair(3, None, "z_dropped", "", "Z" * 500, None, None)], [an_issue()]
    )
    assert tally.examples["ring_order"][0].message == "mended"
    assert tally.examples["z_dropped"][0].message.endswith("…' → nothing")
    assert len(tally.examples["z_dropped"][0].message) < 100
    assert tally.examples["overlap"][0] == (None, "370203005001001", "They overlap.")


def test_a_place_is_a_point_or_one_inside_the_polygon_and_rows_without_place_have_none() -> None:
    tally = Tally()
    ring = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    tally.add([a_reject(1, place=shapely.Point(120, 36)), a_reject(2), a_reject(3, "required", ring)])
    first, second = tally.spots
    assert first == ("bad_date", "reject", 120, 36)
    assert ring.covers(shapely.Point(second.lon, second.lat))


@pytest.mark.parametrize("count", [0, 1, MOST_SPOTS, MOST_SPOTS + 1, 25_001])
def test_places_are_thinned_evenly_over_the_whole_file(count: int) -> None:
    tally = Tally()
    rows = [a_reject(number, place=shapely.Point(number, 0)) for number in range(count)]
    for start in range(0, count, 700):
        tally.add(rows[start : start + 700])
    lons = [spot.lon for spot in tally.spots]
    assert lons[:1] == [0][:count]
    assert len(lons) == count if count <= MOST_SPOTS else MOST_SPOTS / 2 <= len(lons) <= MOST_SPOTS
    steps = {later - lon for lon, later in pairwise(lons)}
    assert len(steps) <= 1, "every n-th, with one n"
    assert count - lons[-1] <= max(steps, default=1) if lons else count == 0


def test_each_severity_has_places_of_its_own() -> None:
    tally = Tally()
    place = shapely.Point(1, 2)
    issues = [an_issue(severity=severity, place=place) for severity in ("warning", "error", "info")]
    tally.add([a_reject(1, place=place)], [Repair(1, None, "trimmed", "", None, None, hex_ewkb(place))], issues)
    assert {spot.severity for spot in tally.spots} == {"reject", "repair", "warning", "error", "info"}
