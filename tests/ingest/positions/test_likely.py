"""A file that does not say its coordinate system is told which ones put its numbers into the city."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gisgrid.deployment import Deployment
from gisgrid.errors import SourceError
from ingest.positions import Likely, likely, likely_systems
from ingest.positions.likely import likely_text
from tests.ingest.conftest import Bench
from tests.ingest.positions.gridiron import numbers, street_points


def pairs(crs: str, *, swapped: bool = False) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return 200 places of the district as numbers in ``crs``."""
    found: np.ndarray[tuple[int, int], np.dtype[np.float64]] = shapely.get_coordinates(numbers(street_points(200), crs, swapped=swapped))
    return found


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("crs", ["wgs84", "EPSG:4549", "EPSG:4528", "EPSG:4510", "EPSG:4499", "EPSG:3857"])
def test_the_true_system_is_the_likeliest(shibei: Deployment, crs: str, swapped: bool) -> None:
    first = likely_systems(pairs(crs, swapped=swapped), shibei)[0]
    assert (first.name, first.is_swapped, first.inside, first.total) == (crs, swapped, 200, 200)


@pytest.mark.parametrize("crs", ["EPSG:3067", "EPSG:3879", "wgs84"])
def test_so_it_is_in_other_cities(helsinki: Deployment, crs: str) -> None:
    places = shapely.points(np.linspace(24.9, 25.0, 50), np.linspace(60.1, 60.2, 50))
    first = likely_systems(shapely.get_coordinates(numbers(places, crs)), helsinki)[0]
    assert (first.name, first.is_swapped) == (crs, False)


def test_systems_with_nearly_the_same_numbers_are_named(shibei: Deployment) -> None:
    found = likely_systems(pairs("EPSG:4549"), shibei)
    assert {"EPSG:2385", "EPSG:2437"} <= set(found[0].same), "Xian 1980 and Beijing 1954"
    both = likely_systems(pairs("EPSG:32651"), shibei)
    assert {one.name for one in both} == {"EPSG:4510", "EPSG:32651"}, "they are a kilometre apart, both inside the bounds"


def test_the_sentences_give_numbers_zones_and_what_cannot_be_told_apart(shibei: Deployment) -> None:
    zoned = likely_text(pairs("EPSG:4528"), shibei)
    assert "EPSG:4528" in zoned
    assert "200 of 200 sampled positions inside the bounds" in zoned
    assert "eastings begin with the zone number 40" in zoned
    degrees = likely_text(pairs("gcj02", swapped=True), shibei)
    assert "gcj02 (Chinese web maps, phones) or bd09 (Baidu) look the same" in degrees
    assert 'axis_order = "yx"' in degrees


def test_some_bad_rows_do_not_hide_the_system(shibei: Deployment) -> None:
    mixed = pairs("EPSG:4528")
    mixed[::10] = 0.0
    mixed[1::50] = np.nan
    first = likely_systems(mixed, shibei)[0]
    assert (first.name, first.inside, first.total) == ("EPSG:4528", 176, 196)


def test_numbers_of_no_usual_system_are_said_to_be_so(shibei: Deployment) -> None:
    local = np.array([[22_000.0, 34_000.0], [23_000.0, 35_000.0]])
    assert likely_systems(local, shibei) == []
    assert "No usual system puts its numbers (22,000 to 23,000 and 34,000 to 35,000) inside" in likely_text(local, shibei)
    assert "no position to judge by" in likely_text(np.empty((0, 2)), shibei)


def test_a_file_without_a_system_is_refused_with_the_likely_ones(dry: Bench) -> None:
    rows = "\n".join(f"C{n},{x},{y}" for n, (x, y) in enumerate(pairs("EPSG:4528").tolist()))
    dry.write("cameras.csv", f"code,east,north\n{rows}\n")
    description = """
        id = "cameras"
        layer = "cameras"
        path = "cameras.csv"
        encoding = "utf-8"
        coordinates = { x = "east", y = "north" }
        fields = { code = "code", kind = { constant = "dome" } }
    """
    with pytest.raises(SourceError, match="does not say its coordinate system") as caught:
        dry.outcome(description)
    assert "Likely: EPSG:4528 (CGCS2000 / 3-degree Gauss-Kruger zone 40) - 200 of 200 sampled positions" in str(caught.value.hint)
    assert 'Write crs = "EPSG:4528" in the description' in str(caught.value.hint)


def at(shibei: Deployment, bounds: tuple[float, float, float, float], crs: str, lon: float, lat: float) -> Likely:
    """Return the likeliest system of a thousand places around ``lon``, ``lat`` that are given in ``crs``."""
    around = np.linspace(-0.01, 0.01, 1000)
    found = likely_systems(shapely.get_coordinates(numbers(shapely.points(lon + around, lat + around), crs)), elsewhere(shibei, bounds))
    return next(one for one in found if not one.name.startswith("EPSG:45"))


def elsewhere(shibei: Deployment, bounds: tuple[float, float, float, float]) -> Deployment:
    """Return a deployment with other bounds."""
    return shibei.model_copy(update={"bounds": bounds})


@pytest.mark.parametrize(
    ("bounds", "crs", "place", "old"),
    [
        ((120.0, 22.0, 122.1, 25.4), "EPSG:3826", (121.0, 24.0), "EPSG:3828"),
        ((2.2, 48.7, 2.5, 49.0), "EPSG:2154", (2.3, 48.8), "EPSG:9793"),
        ((17.8, 59.2, 18.3, 59.5), "EPSG:3006", (18.0, 59.3), "EPSG:25833"),
        ((-46.9, -23.8, -46.3, -23.4), "EPSG:31983", (-46.6, -23.5), "EPSG:31998"),
        ((13.1, 52.3, 13.7, 52.7), "EPSG:25833", (13.4, 52.5), "EPSG:23033"),
        ((139.5, 35.5, 140.0, 35.9), "EPSG:6677", (139.7, 35.7), "EPSG:2451"),
    ],
)
def test_frames_in_force_come_before_those_that_they_replaced(
    shibei: Deployment, bounds: tuple[float, float, float, float], crs: str, place: tuple[float, float], old: str
) -> None:
    first = at(shibei, bounds, crs, *place)
    assert first.name == crs
    assert old in first.same


def test_systems_meant_for_the_whole_place_come_before_those_that_touch_it(shibei: Deployment) -> None:
    province = elsewhere(shibei, (114.0, 34.0, 126.0, 38.5))
    found = likely_systems(pairs("EPSG:4549"), province)
    assert found[0].name == "EPSG:4549"
    assert not any("Japan" in one.title or "Korea" in one.title for one in found[:2])


@pytest.mark.parametrize("bounds", [(-180.0, -90.0, 180.0, 90.0), (73.0, 18.0, 135.0, 53.0)])
def test_bounds_of_a_country_or_the_world_are_not_tried_with_thousands_of_systems(
    shibei: Deployment, bounds: tuple[float, float, float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    monkeypatch.setattr(likely, "_projected", built.append)
    likely_systems(pairs("EPSG:4528"), elsewhere(shibei, bounds))
    assert 0 < len(built) < 10
    monkeypatch.undo()
    assert likely_systems(pairs("EPSG:4528"), elsewhere(shibei, bounds))[0].name == "EPSG:4528"
    assert likely_systems(pairs("wgs84"), elsewhere(shibei, bounds))[0].name == "wgs84"


def test_of_many_systems_of_a_place_the_best_hundred_are_tried(shibei: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(likely, "_projected", built.append)
    likely_systems(pairs("EPSG:4528"), elsewhere(shibei, (113.0, 30.5, 127.5, 44.5)))
    assert 50 < len(built) <= 120
    assert built[:4] == ["4549", "4528", "4510", "4499"]
