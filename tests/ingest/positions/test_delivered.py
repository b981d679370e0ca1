"""A dry run compares each source with those that it has checked before, without a database."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely

from gisgrid.db.evidence import Known
from ingest.positions import Delivered, district_of
from ingest.targets import target
from tests.ingest.positions.gridiron import (
    CELLS,
    COMMUNITY_CODES,
    DISTRICT,
    Delivery,
    buildings,
    every_house,
    numbers,
    points,
    street_points,
)


def rows(places: Any, codes: list[str] | None = None) -> pa.Table:
    """Return what would be loaded of rows at ``places`` (WGS 84)."""
    ewkb = [shapely.to_wkb(place, hex=True, include_srid=True) for place in shapely.set_srid(np.asarray(places, dtype=object), 4326)]
    codes = codes or [str(number) for number in range(len(ewkb))]
    return pa.table({"code": codes, "name": codes, "building_number": pa.nulls(len(ewkb), pa.string()), "geom": ewkb})


@pytest.fixture
def town() -> Delivered:
    """The town of straight streets, as a dry run goes through it."""
    found = Delivered()
    found.add(target("districts"), rows([DISTRICT], ["370203"]))
    found.add(target("communities"), rows(CELLS[:40], COMMUNITY_CODES[:40]))
    found.add(target("communities"), rows(CELLS[40:], COMMUNITY_CODES[40:]))
    found.add(target("manhole_covers"), rows(street_points(4000, 7)))
    found.add(target("buildings"), rows(every_house()))
    found.add(target("organizations"), pa.table({"code": ["O1"]}))
    return found


def test_a_dry_run_knows_what_a_database_does(town: Delivered, known: Known) -> None:
    assert town.codes("community") == known.codes("community")
    assert (town.codes("street"), known.codes("street")) == (None, None)
    assert {code for code, _ in town.named("communities")} == {code for code, _ in known.named("communities")} == set(COMMUNITY_CODES)
    assert town.named("buildings")[:2] == [("0", "0"), ("1", "1")]
    codes = [*COMMUNITY_CODES[:3], "370203", "absent"]
    assert town.areas(codes).keys() == known.areas(codes).keys()
    assert shapely.hausdorff_distance(town.areas(codes)["370203001002"], known.areas(codes)["370203001002"]) < 1e-9
    there, here = town.territory(), known.territory()
    assert there is not None
    assert here is not None
    assert there[0] == here[0] == "district"
    rng = np.random.default_rng(5)
    lon, lat = 120.29 + rng.uniform(0, 0.12, 500), 36.04 + rng.uniform(0, 0.1, 500)
    delivered, loaded = town.in_buildings(lon, lat), known.in_buildings(lon, lat)
    assert delivered.hit.tolist() == loaded.hit.tolist()
    assert 0 < delivered.hit.sum() < delivered.near.sum() < 500
    assert (delivered.near != loaded.near).sum() <= 5, "one looks in a circle, the other in a square"
    assert town.loaded("buildings", ["B1"]) == {}


@pytest.mark.parametrize("layer", ["manhole_covers", "cameras"])
def test_shifted_points_are_refused_without_a_database(town: Delivered, layer: str) -> None:
    verdict = points(layer, 1000).judged(town, "gcj02", "wgs84")
    assert verdict.refused
    assert "outside buildings" in verdict.message
    assert not points(layer, 1000).judged(town, "gcj02", "gcj02").refused


def test_shifted_buildings_and_areas_are_refused_without_a_database(town: Delivered) -> None:
    assert "lie in the area that they name as GCJ-02" in buildings(300).judged(town, "gcj02", "wgs84").message
    unnamed = buildings(1000)._replace(named=None)
    assert "have no manhole cover inside them" in unnamed.judged(town, "gcj02", "wgs84").message
    assert not unnamed.judged(town, "wgs84", "wgs84").refused
    communities = Delivery("communities", CELLS, named=["370203"] * 80)
    assert "lie in their parent as GCJ-02" in communities.judged(town, "gcj02", "wgs84").message


def test_what_was_refused_is_compared_with_nothing(town: Delivered) -> None:
    shifted = Delivered()
    shifted.add(target("districts"), rows(numbers([DISTRICT], "gcj02"), ["370203"]))
    shifted.forget(target("districts"))
    assert shifted.territory() is None
    assert district_of(shifted, target("cameras")) is None
    town.forget(target("buildings"))
    town.forget(target("organizations"))
    assert not town.in_buildings(np.array([120.3505]), np.array([36.0905])).near.any()


def test_of_very_many_rows_a_part_is_kept_evenly() -> None:
    thinned = Delivered(most=1000)
    places = street_points(10_000)
    for start in range(0, 10_000, 700):
        thinned.add(target("manhole_covers"), rows(places[start : start + 700]))
    around = shapely.buffer(places, 1e-7)
    hit = thinned.hold_covers(around).hit
    assert 500 <= hit.sum() <= 1000
    assert np.diff(np.flatnonzero(hit)).max() <= 16


def test_a_district_is_what_was_delivered_of_the_top_level(town: Delivered) -> None:
    found = district_of(town, target("cameras"))
    assert found is not None
    assert found.outside(shapely.points([120.35, 120.45], [36.1, 36.1])).tolist() == [False, True]
    assert district_of(Delivered(), target("cameras")) is None
