"""Range, direction and what is only assumed: no building far and wide."""

from __future__ import annotations

import math

import pytest

from gisgrid.sight import sight_document
from tests.sight.scenes import Spot, camera, look


def seen_at(spot: Spot, bearing: float, distance: float = 50.0) -> tuple[str, float | None]:
    angle = math.radians(bearing)
    sighting = look(spot, spot.x + distance * math.sin(angle), spot.y + distance * math.cos(angle))
    return sighting.state, None if sighting.share is None else round(sighting.share, 3)


@pytest.mark.parametrize(
    ("bearing", "expected"),
    [
        (90.0, ("sees", 1.0)),
        (129.9, ("sees", 1.0)),
        (132.5, ("probably_sees", 0.75)),
        (134.9, ("probably_sees", 0.51)),
        (135.1, ("unknown", 0.49)),
        (139.0, ("unknown", 0.1)),
        (140.1, ("out_of_view", 0.0)),
        (270.0, ("out_of_view", 0.0)),
        (47.5, ("probably_sees", 0.75)),
    ],
)
def test_the_share_of_the_azimuths_decides(bearing: float, expected: tuple[str, float]) -> None:
    assert seen_at(camera(), bearing) == expected


@pytest.mark.parametrize("azimuth", [0.0, 359.0, 2.0, 360.0])
@pytest.mark.parametrize("off", [-44.0, -41.0, 0.0, 41.0, 44.0, 52.0])
def test_bearings_wrap_around_north(azimuth: float, off: float) -> None:
    plain = seen_at(camera(azimuth_deg=180.0), 180.0 + off)
    assert seen_at(camera(azimuth_deg=azimuth), azimuth + off) == plain


def test_a_field_and_an_uncertainty_wider_than_the_circle_overlap_on_the_far_side() -> None:
    # 300 degrees of view, azimuth anywhere: in view of all azimuths but the sixth of the circle around the opposite one.
    spot = camera(field_of_view_deg=300.0, azimuth_uncertainty_deg=180.0)
    for bearing in (0.0, 91.0, 180.0, 271.0):
        assert seen_at(spot, bearing) == ("probably_sees", 0.833)


def test_without_uncertainty_a_place_is_in_view_or_not() -> None:
    spot = camera(azimuth_uncertainty_deg=0.0)
    assert seen_at(spot, 134.9) == ("sees", 1.0)
    assert seen_at(spot, 135.1) == ("out_of_view", 0.0)


def test_an_azimuth_without_uncertainty_recorded_is_as_coarse_as_eight_steps() -> None:
    assert seen_at(camera(azimuth_uncertainty_deg=None), 90.0 + 45.0) == seen_at(camera(azimuth_uncertainty_deg=22.5), 90.0 + 45.0)
    assert seen_at(camera(azimuth_uncertainty_deg=None), 90.0 + 66.0)[0] == "unknown"


def test_what_is_out_of_range_is_out_of_range_whatever_else_is_not_known() -> None:
    for spot in (camera(), camera(status="offline"), camera(azimuth_deg=None), camera(kind="ptz"), camera(mount_height_m=None)):
        sighting = look(spot, 100.1, 0.0)
        assert sighting.state == "out_of_range"
        assert "100.1 m away, beyond its range of 100 m." in sighting.reason
    assert look(camera(), 99.9, 0.0).state == "sees"


def test_range_is_on_the_ground_and_not_along_the_line() -> None:
    assert look(camera(mount_height_m=80.0), 99.0, 0.0).state == "sees"


@pytest.mark.parametrize(
    ("spot", "state", "share", "words"),
    [
        (camera(kind="ptz"), "probably_sees", 1.0, "turns and may look elsewhere now"),
        (camera(kind="ptz", azimuth_deg=None), "probably_sees", 1.0, "turns"),
        (camera(kind="ptz", field_of_view_deg=None), "probably_sees", 1.0, "turns"),
        (camera(kind="ptz", field_of_view_deg=360.0), "sees", 1.0, "no building"),
        (camera(kind="ptz", field_of_view_deg=360.0, field_of_view_source="default"), "probably_sees", 1.0, "turns"),
        (camera(kind="dome", azimuth_deg=None, field_of_view_deg=360.0), "sees", 1.0, "no building"),
        (
            camera(kind="dome", azimuth_deg=None, field_of_view_deg=360.0, field_of_view_source="default"),
            "probably_sees",
            1.0,
            "360°, assumed for its kind, leaves it in doubt",
        ),
        (camera(kind="dome", azimuth_deg=None, field_of_view_deg=120.0), "unknown", 1 / 3, "azimuth is not recorded"),
        (camera(kind="dome", azimuth_deg=90.0, field_of_view_deg=120.0), "sees", 1.0, "no building"),
        (camera(kind="dome", azimuth_deg=270.0, field_of_view_deg=120.0), "out_of_view", 0.0, "180.0° off the azimuth of 270°"),
        (camera(azimuth_deg=None), "unknown", 0.25, "azimuth is not recorded"),
        (camera(azimuth_deg=None, field_of_view_deg=300.0), "unknown", 5 / 6, "azimuth is not recorded"),
        (camera(azimuth_deg=None, field_of_view_deg=360.0), "sees", 1.0, "no building"),
        (camera(field_of_view_deg=None), "unknown", None, "field of view is not recorded"),
        (camera(range_m=None), "unknown", 1.0, "range is not recorded"),
        (camera(range_m=None, azimuth_deg=270.0), "out_of_view", 0.0, "out of view"),
        (camera(kind=None), "sees", 1.0, "no building"),
        (camera(kind="fisheye", azimuth_deg=None), "unknown", 0.25, "azimuth"),
    ],
)
def test_kinds_and_what_is_not_recorded(spot: Spot, state: str, share: float | None, words: str) -> None:
    sighting = look(spot, 50.0, 0.0)
    assert (sighting.state, sighting.share) == (state, share if share is None else pytest.approx(share))
    assert words in sighting.reason


@pytest.mark.parametrize(
    ("status", "words"), [("offline", "not online (offline)"), ("fault", "not online (fault)"), (None, "status of the camera is not rec")]
)
def test_a_camera_that_does_not_work_is_unknown_and_says_what_it_would_see(status: str | None, words: str) -> None:
    sighting = look(camera(status=status), 50.0, 0.0)
    assert (sighting.state, sighting.share) == ("unknown", 1.0)
    assert words in sighting.reason
    assert sighting.reason.endswith("else it would see the place.")
    assert "would probably see the place, but the camera turns" in look(camera(status=status, kind="ptz"), 50.0, 0.0).reason
    assert look(camera(status=status, azimuth_deg=270.0), 50.0, 0.0).state == "out_of_view"


@pytest.mark.parametrize(
    ("spot", "x", "state"),
    [
        (camera(range_source="default"), 79.9, "sees"),
        (camera(range_source="default"), 80.1, "probably_sees"),
        (camera(range_source="vendor"), 80.1, "sees"),
        (camera(range_source="default"), 100.1, "out_of_range"),
        (camera(range_source=None), 80.1, "sees"),
    ],
)
def test_an_assumed_range_is_trusted_to_four_fifths(spot: Spot, x: float, state: str) -> None:
    sighting = look(spot, x, 0.0)
    assert sighting.state == state
    assert ("assumed for its kind" in sighting.reason) == (state != "sees")


@pytest.mark.parametrize(("bearing", "state"), [(120.9, "sees"), (121.1, "probably_sees"), (129.9, "probably_sees")])
def test_an_assumed_field_of_view_is_trusted_to_four_fifths(bearing: float, state: str) -> None:
    assert seen_at(camera(field_of_view_source="default"), bearing)[0] == state
    assert seen_at(camera(), bearing)[0] == "sees"


def test_at_the_camera_there_is_no_bearing() -> None:
    sighting = look(camera(), 0.3, 0.3)
    assert (sighting.state, sighting.share, sighting.bearing_deg) == ("unknown", None, None)
    assert "no bearing" in sighting.reason
    assert look(camera(field_of_view_deg=360.0), 0.3, 0.3).state == "sees"
    assert look(camera(kind="ptz"), 0.3, 0.3).state == "probably_sees"
    assert look(camera(kind="ptz"), 0.0, 0.0).distance_m == 0.0


def test_bearing_and_distance_are_those_of_the_geodesic_from_the_camera() -> None:
    sighting = look(camera(10.0, 20.0), 40.0, 60.0)
    assert sighting.distance_m == pytest.approx(50.0, abs=1e-3)
    assert sighting.bearing_deg == pytest.approx(math.degrees(math.atan2(30.0, 40.0)), abs=1e-3)


def test_the_document_of_a_sighting() -> None:
    document = sight_document(look(camera(), 0.0, 50.0))
    assert document == {
        "state": "out_of_view",
        "share": 0.0,
        "reason": "The place is 90.0° off the azimuth of 90°, and half of its field of view of 90° leaves it out of view whatever its "
        "uncertainty of ±5°.",
        "distance_m": 50.0,
        "bearing_deg": 0.0,
        "blocked_by": None,
    }
    assert sight_document(look(camera(field_of_view_deg=None), 0.1, 0.1))["bearing_deg"] is None
