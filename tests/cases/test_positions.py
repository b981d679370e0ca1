"""The datum check: a wrong label of a position is noticed by its address, whatever it was taken for."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.cases.drafts import SaidPosition
from gisgrid.cases.positions import Anchor, Fix, distance_m, find_place, readings
from gisgrid.crs import BD09, CGCS2000, GCJ02, WGS84, Crs, from_wgs84, parse_crs
from gisgrid.errors import CrsError, ParameterError
from gisgrid.types import Bounds

BOX = Bounds(120.05, 35.85, 120.70, 36.40)
SYSTEMS = (WGS84, GCJ02, BD09)
LON, LAT = st.floats(120.31, 120.43), st.floats(36.05, 36.16)


def address(lon: float, lat: float, uncertainty_m: float = 30.0, confidence: float = 0.95) -> Anchor:
    """Return an address at a place."""
    return Anchor(lon, lat, uncertainty_m, confidence, "address", "延安路41号")


def said(lon: float, lat: float, true: Crs, label: Crs | None, accuracy_m: float | None = None) -> SaidPosition:
    """Return a place in one system under the name of another."""
    return SaidPosition(*from_wgs84(true, lon, lat), label, accuracy_m)


def found(position: SaidPosition, *anchors: Anchor) -> Fix:
    """Return the place that is found, which there must be."""
    fix = find_place(position, anchors, BOX)
    assert fix is not None
    return fix


PLACES = st.tuples(LON, LAT)
LABELS = st.tuples(st.sampled_from(SYSTEMS), st.sampled_from((*SYSTEMS, CGCS2000)))


@given(PLACES, LABELS, st.floats(0, 40), st.floats(0, 2 * math.pi))
def test_a_wrong_label_is_noticed_and_the_place_found_all_the_same(
    place: tuple[float, float], labels: tuple[Crs, Crs], off_m: float, angle: float
) -> None:
    (lon, lat), (true, label) = place, labels
    anchor = address(lon + off_m * math.sin(angle) / 90_000, lat + off_m * math.cos(angle) / 111_000)
    fix = found(said(lon, lat, true, label), anchor)
    assert distance_m(fix.lon, fix.lat, lon, lat) < 0.5
    assert fix.reading is not None
    is_same = true == label or (true == WGS84 and label == CGCS2000)
    assert (fix.reading.used == label.name) == is_same
    assert (fix.reading.moved_m == 0.0) == is_same
    assert fix.question is None
    assert bool(fix.reasons) is not is_same


@given(LON, LAT, st.sampled_from(SYSTEMS))
def test_exchanged_coordinates_are_noticed(lon: float, lat: float, system: Crs) -> None:
    first, second = from_wgs84(system, lon, lat)
    fix = found(SaidPosition(second, first, system), address(lon, lat))
    assert fix.reading is not None
    assert (fix.reading.swapped, fix.reading.said, fix.reading.moved_m) == (True, system.name, None)
    assert distance_m(fix.lon, fix.lat, lon, lat) < 0.5


@given(LON, LAT, st.sampled_from(SYSTEMS))
def test_a_position_without_a_system_is_read_as_its_address_says(lon: float, lat: float, system: Crs) -> None:
    fix = found(said(lon, lat, system, None), address(lon, lat))
    assert fix.reading is not None
    assert (fix.reading.said, fix.reading.used) == (None, system.name)


def test_what_no_reading_explains_is_a_question_with_both_places() -> None:
    fix = found(said(120.37, 36.08, WGS84, WGS84), address(120.39, 36.10))
    assert fix.question is not None
    assert (fix.lon, fix.lat) == (120.37, 36.08)
    assert [one.origin for one in fix.candidates] == ["position", "address"]


def test_an_unsure_address_moves_no_position() -> None:
    true = said(120.37, 36.08, WGS84, WGS84)
    unsure = address(120.39, 36.10, confidence=0.2)
    fix = found(true, unsure)
    assert (fix.lon, fix.lat, fix.question) == (120.37, 36.08, None)
    # Even where another reading would fit: that is a question then.
    lon, lat = next((way.lon, way.lat) for way in readings(true, BOX) if way.crs == "bd09")
    fix = found(true, address(lon, lat, confidence=0.2))
    assert (fix.lon, fix.lat) == (120.37, 36.08)
    assert fix.question is not None


def test_one_of_several_places_of_an_address_is_enough() -> None:
    fix = found(said(120.37, 36.08, WGS84, WGS84), address(120.41, 36.12, confidence=0.4), address(120.3701, 36.0801, confidence=0.4))
    assert (fix.question, fix.reasons) == (None, ())
    assert fix.distance_m == pytest.approx(14.3, abs=0.2)


def test_a_position_alone_must_be_possible() -> None:
    for position in (
        SaidPosition(36.08, 120.37, WGS84),
        SaidPosition(10.0, 20.0, WGS84),
        SaidPosition(120.37, 36.08, parse_crs("EPSG:4549")),
    ):
        with pytest.raises(ParameterError):
            find_place(position, [], BOX)
    with pytest.raises((ParameterError, CrsError)):
        find_place(SaidPosition(120.37, 36.08, None), [], BOX)


def test_a_position_that_cannot_be_leaves_the_address_and_a_question() -> None:
    fix = found(SaidPosition(10.0, 20.0, WGS84), address(120.37, 36.08))
    assert (fix.origin, fix.lon, fix.lat) == ("address", 120.37, 36.08)
    assert fix.question is not None


def test_without_anything_there_is_no_place() -> None:
    assert find_place(None, [], BOX) is None
    alone = find_place(None, [address(120.37, 36.08)], BOX)
    assert alone is not None
    assert (alone.origin, alone.uncertainty_m) == ("address", 30.0)
