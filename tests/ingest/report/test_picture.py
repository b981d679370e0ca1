"""The picture in numbers: proportions, scale and degrees against geodesy, what is drawn and what is beyond."""

from __future__ import annotations

import re

import pyproj
import pytest
import shapely

from gisgrid.types import Bounds
from ingest.report import Outline, Spot
from ingest.report.picture import Picture, draw

BOX = Bounds(120.05, 35.85, 120.7, 36.4)
GEOD = pyproj.Geod(ellps="WGS84")


def drawn(outlines: list[Outline], spots: list[Spot]) -> Picture:
    picture = draw(outlines, spots, BOX)
    assert picture is not None
    return picture


def corners(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


@pytest.mark.parametrize("lat", [0.0, 36.1, 60.2, -45.0])
def test_a_kilometre_is_as_long_to_the_north_as_to_the_east_and_as_the_bar_says(lat: float) -> None:
    east, _, _ = GEOD.fwd(24.9, lat, 90, 10_000)
    _, north, _ = GEOD.fwd(24.9, lat, 0, 10_000)
    picture = drawn([Outline("district", "", shapely.box(24.9, lat, east, north))], [])
    points = corners(picture.shapes[0].path)
    wide = max(x for x, _ in points) - min(x for x, _ in points)
    high = max(y for _, y in points) - min(y for _, y in points)
    assert wide == pytest.approx(high, rel=0.003)
    number, unit = picture.scale_label.split()
    assert picture.scale_px == pytest.approx(wide * float(number) * (1000 if unit == "km" else 1) / 10_000, rel=0.003)
    assert picture.scale_px <= picture.width / 5


def test_north_is_up_and_all_of_the_areas_is_inside_the_frame() -> None:
    picture = drawn([Outline("street", "北街", shapely.box(120.3, 36.0, 120.4, 36.1))], [])
    assert all(0 < x < picture.width and 0 < y < picture.height for x, y in corners(picture.shapes[0].path))
    lats = [(tick.at, tick.text) for tick in picture.lats]
    assert lats == sorted(lats, reverse=True)
    assert 3 <= len(lats) <= 10
    assert lats[0][1].endswith("° N")
    (label,) = picture.labels
    assert (label.text, round(label.x)) == ("北街", 500)


def test_a_hole_is_a_ring_of_its_own() -> None:
    shape = shapely.box(120, 36, 121, 37).difference(shapely.box(120.4, 36.4, 120.6, 36.6))
    assert drawn([Outline("district", "", shape)], []).shapes[0].path.count("Z") == 2


def test_places_beyond_the_areas_are_counted_and_those_on_one_pixel_drawn_once() -> None:
    area = Outline("district", "", shapely.box(120.3, 36.0, 120.4, 36.1))
    near = [Spot("bad_date", "reject", 120.35, 36.05)] * 3 + [Spot("overlap", "error", 120.35, 36.05)]
    picture = drawn([area], [*near, Spot("outside_bounds", "reject", 0, 0), Spot("outside_bounds", "reject", 0, 0)])
    assert picture.beyond == {"outside_bounds": 2}
    assert [(marks.severity, marks.code, len(marks.places)) for marks in picture.marks] == [
        ("reject", "bad_date", 1),
        ("error", "overlap", 1),
    ]
    assert picture.marks[0].places[0] == pytest.approx((picture.width / 2, picture.height / 2), abs=0.1)


def test_without_areas_the_places_in_the_bounds_make_the_frame() -> None:
    picture = drawn([], [Spot("a", "reject", 120.3, 36.0), Spot("a", "reject", 120.31, 36.01), Spot("b", "reject", 0, 0)])
    assert (sum(len(marks.places) for marks in picture.marks), picture.beyond) == (2, {"b": 1})
    far = drawn([], [Spot("b", "reject", 0, 0)])
    assert (len(far.marks), far.beyond) == (1, {})


def test_nothing_to_draw_makes_no_picture_and_ten_thousand_places_do() -> None:
    assert draw([], [], BOX) is None
    many = [Spot("a", "repair", 120.1 + (number % 100) / 500, 35.9 + (number // 100) / 500) for number in range(10_000)]
    picture = drawn([], many)
    assert len(picture.marks[0].places) == 10_000


def test_names_are_of_the_finest_level_that_leaves_room_for_them() -> None:
    streets = [Outline("street", f"s{n}", shapely.box(120 + n / 100, 36, 120.01 + n / 100, 36.1)) for n in range(5)]
    grids = [Outline("grid", f"g{n}", shapely.box(120 + n / 1000, 36, 120.001 + n / 1000, 36.1)) for n in range(50)]
    assert [label.text for label in drawn([*streets, *grids], []).labels] == [f"s{n}" for n in range(5)]
