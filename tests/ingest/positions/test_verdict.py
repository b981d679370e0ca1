"""Deliveries whose numbers are in another system than declared are refused with numbers; sound ones never are."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.affinity import translate

from gisgrid.crs import parse_crs, to_wgs84
from gisgrid.db import Database
from gisgrid.db.evidence import Known
from tests.ingest.positions.gridiron import CELLS, DISTRICT, SOUTH, WEST, Delivery, buildings, communities_of, houses, numbers, points

SHIFTED = [
    ("gcj02", "wgs84", "GCJ-02"),
    ("gcj02", "cgcs2000", "GCJ-02"),
    ("bd09", "wgs84", "BD-09"),
    ("wgs84", "gcj02", "WGS 84"),
    ("bd09", "gcj02", "BD-09"),
    ("wgs84", "bd09", "WGS 84"),
    ("gcj02", "bd09", "GCJ-02"),
]
ELSEWHERE = [
    ("EPSG:4528", "EPSG:4549", 'crs = "EPSG:4528"'),
    ("EPSG:4549", "EPSG:4528", 'crs = "EPSG:4549"'),
    ("EPSG:4549", "EPSG:4510", 'crs = "EPSG:4549"'),
    ("EPSG:4499", "EPSG:4528", 'crs = "EPSG:4499"'),
    ("EPSG:4549", "wgs84", 'crs = "EPSG:4549"'),
    ("wgs84", "EPSG:4549", 'crs = "wgs84"'),
]


@pytest.mark.parametrize(("truly", "declared", "title"), SHIFTED)
@pytest.mark.parametrize("layer", ["manhole_covers", "cameras"])
def test_shifted_points_are_refused_by_the_buildings(known: Known, layer: str, truly: str, declared: str, title: str) -> None:
    verdict = points(layer, 1000).judged(known, truly, declared)
    assert verdict.refused
    assert f"looks like {title}: " in verdict.message
    assert "outside buildings" in verdict.message
    assert f'Write crs = "{truly}" in the description.' in verdict.hint
    assert "--accept-crs" in verdict.hint


@pytest.mark.parametrize(("truly", "declared", "title"), SHIFTED)
def test_shifted_points_are_refused_at_a_first_load_too(bare: Known, truly: str, declared: str, title: str) -> None:
    verdict = points("manhole_covers", 2000).judged(bare, truly, declared)
    assert verdict.refused
    assert f"looks like {title}: 100.0 % of 2,000 sampled rows lie in the district as {title}" in verdict.message


@pytest.mark.parametrize(("truly", "declared", "title"), SHIFTED)
def test_shifted_buildings_are_refused_by_the_communities_that_they_name(known: Known, truly: str, declared: str, title: str) -> None:
    verdict = buildings(300).judged(known, truly, declared)
    assert verdict.refused
    assert f"100.0 % of 300 sampled rows lie in the area that they name as {title}" in verdict.message


@pytest.mark.parametrize(("truly", "declared", "remedy"), ELSEWHERE)
@pytest.mark.parametrize("is_known", [True, False])
def test_another_projected_system_is_refused_and_named(known: Known, is_known: bool, truly: str, declared: str, remedy: str) -> None:
    verdict = points("cameras", 200).judged(known if is_known else None, truly, declared)
    assert verdict.refused
    assert "None of 200 sampled rows" in verdict.message
    assert "it would be 200" in verdict.message
    assert remedy in verdict.hint
    assert "--accept-crs" not in verdict.hint, "it would not help: every row would be rejected"


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "EPSG:4549", "EPSG:4528"])
def test_swapped_axes_are_refused(known: Known, crs: str) -> None:
    verdict = points("cameras", 200).judged(known, crs, crs, swapped=True)
    assert verdict.refused
    assert "with its axes exchanged it would be 200" in verdict.message
    assert 'axis_order = "yx"' in verdict.hint


def test_axes_that_the_description_exchanges_needlessly_are_refused(known: Known) -> None:
    verdict = points("cameras", 200).judged(known, "EPSG:4549", "EPSG:4549", swapped=True, axis_order="yx")
    assert verdict.refused
    assert 'leave out axis_order = "yx"' in verdict.hint


def test_shifted_degrees_behind_a_projection_are_refused(known: Known) -> None:
    places = numbers(points("cameras", 500).places, "gcj02")
    verdict = Delivery("cameras", places).judged(known, "EPSG:4549", "EPSG:4549")
    assert verdict.refused
    assert "looks like GCJ-02 projected to EPSG:4549" in verdict.message
    assert "Ask its owner" in verdict.hint


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09", "EPSG:4528"])
@pytest.mark.parametrize("count", [1, 10, 50, 500])
def test_sound_deliveries_pass(known: Known, crs: str, count: int) -> None:
    for delivery in (points("manhole_covers", count), points("cameras", count, 2), buildings(count)):
        verdict = delivery.judged(known, crs, crs)
        assert (verdict.refused, verdict.message, verdict.hint) == (False, "", "")
        assert any(sentence.startswith(f"100.0 % of {count:,} sampled rows lie in the district") for sentence in verdict.sentences)


def test_one_street_beside_the_border_passes_though_some_of_it_lies_over_it(known: Known) -> None:
    lon = np.linspace(WEST + 0.095, WEST + 0.103, 300)
    places = shapely.points(lon, np.full(300, SOUTH + 0.001))
    assert not Delivery("manhole_covers", places).judged(known, "wgs84", "wgs84").refused


def test_cameras_that_hang_in_one_building_pass(known: Known) -> None:
    rng = np.random.default_rng(3)
    places = shapely.points(WEST + 0.0453 + rng.uniform(0, 0.0004, 80), SOUTH + 0.0403 + rng.uniform(0, 0.0004, 80))
    assert not Delivery("cameras", places).judged(known, "wgs84", "wgs84").refused


def test_rows_with_wrong_places_among_sound_ones_do_not_convict_them(known: Known) -> None:
    places = points("cameras", 400).places
    places[::25] = numbers(places[::25], "gcj02")
    places[5::50] = shapely.points(0.0, 0.0)
    places[7::40] = numbers(places[7::40], "wgs84", swapped=True)
    assert not Delivery("cameras", places).judged(known, "wgs84", "wgs84").refused


def test_rows_loaded_before_convict_even_few(known: Known) -> None:
    cells = np.array([[40, 40], [41, 40], [42, 40], [43, 41], [44, 41], [45, 41], [46, 42]])
    codes = [f"B{x * 80 + y}" for x, y in cells.tolist()]
    delivery = Delivery("buildings", houses(cells), codes, communities_of(cells))
    verdict = delivery.judged(known, "gcj02", "wgs84")
    assert verdict.refused
    assert "lie within 50 m of where they were loaded before" in verdict.message
    moved = next(sentence for sentence in verdict.sentences if "loaded before" in sentence)
    assert "median 4" in moved
    assert "m east" in moved
    again = delivery.judged(known, "gcj02", "gcj02")
    assert not again.refused
    assert any("(median 0 m " in sentence for sentence in again.sentences)


def test_one_area_displaced_by_just_the_shift_is_refused(known: Known) -> None:
    for truly in ("gcj02", "bd09"):
        assert Delivery("districts", [DISTRICT], ["370203"]).judged(known, truly, "wgs84").refused
    assert not Delivery("districts", [DISTRICT], ["370203"]).judged(known, "gcj02", "gcj02").refused


def test_a_new_border_of_a_district_is_no_shift(known: Known) -> None:
    wider = shapely.box(120.30, 36.05, 120.42, 36.14)
    assert not Delivery("districts", [wider], ["370203"]).judged(known, "wgs84", "wgs84").refused


def test_communities_are_held_against_the_district_of_the_same_ingest(bare: Known) -> None:
    delivery = Delivery("communities", CELLS, named=["370203"] * 80)
    assert not delivery.judged(bare, "wgs84", "wgs84").refused
    verdict = delivery.judged(bare, "gcj02", "wgs84")
    assert verdict.refused
    assert "lie in their parent as GCJ-02" in verdict.message


def test_earlier_rows_that_agree_acquit(known: Known) -> None:
    """What was loaded shifted, on somebody's word, may be delivered so again: the rest of it was not moved either."""
    places = points("cameras", 300).places
    connection = known._connection
    codes = [f"K{number}" for number in range(300)]
    connection.cursor().executemany(
        "INSERT INTO gisgrid.cameras (code, geom) VALUES (%s, ST_GeomFromWKB(%s, 4326))",
        list(zip(codes, shapely.to_wkb(numbers(places, "gcj02")).tolist(), strict=True)),
    )
    assert Delivery("cameras", places).judged(known, "gcj02", "wgs84").refused
    assert not Delivery("cameras", places, codes).judged(known, "gcj02", "wgs84").refused


def test_another_city_is_refused_with_what_its_numbers_are(known: Known) -> None:
    places = shapely.points(np.linspace(114.0, 114.1, 50), np.full(50, 22.5))
    verdict = Delivery("cameras", places).judged(known, "wgs84", "wgs84")
    assert verdict.refused
    assert "None of 50 sampled rows" in verdict.message
    assert "the numbers go from 114 to 114.1" in verdict.message
    assert "GISGRID_DEPLOYMENT" in verdict.hint


def test_without_a_database_only_the_bounds_speak() -> None:
    verdict = points("cameras", 100).judged(None, "gcj02", "wgs84")
    assert (verdict.refused, verdict.sentences) == (False, ())


def test_nothing_to_judge_is_no_fault(known: Known) -> None:
    assert not Delivery("cameras", []).judged(known, "wgs84", "wgs84").refused


@pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "EPSG:4549"])
@pytest.mark.parametrize("shift", ["gcj02", "bd09"])
def test_positions_that_were_corrected_though_they_were_right_are_refused(known: Known, bare: Known, shift: str, crs: str) -> None:
    for delivery, there in ((points("manhole_covers", 1000), known), (points("cameras", 2000), bare), (buildings(300), known)):
        verdict = delivery._replace(places=corrected(delivery.places, shift)).judged(there, crs, crs)
        assert verdict.refused
        assert f"corrected for {'GCJ-02' if shift == 'gcj02' else 'BD-09'} once too often: " in verdict.message
        assert "Either this delivery or what it is compared with" in verdict.message
        assert "ask its owner for the original" in verdict.hint
        assert "--accept-crs" in verdict.hint


def corrected(places: Any, shift: str) -> Any:
    """Return WGS 84 geometries as they become when somebody takes them for shifted ones."""

    def move(lonlat: Any) -> Any:
        return np.column_stack(to_wgs84(parse_crs(shift), lonlat[:, 0], lonlat[:, 1]))

    return shapely.transform(np.asarray(places, dtype=object), move)


def test_true_rows_are_not_loaded_into_shifted_areas_unseen(draft_only: Database) -> None:
    with draft_only.connect() as connection:
        shifted = shapely.to_wkb(numbers([DISTRICT], "gcj02"))[0]
        connection.execute("UPDATE gisgrid.areas SET geom = ST_Multi(ST_GeomFromWKB(%s, 4326))", [shifted])
        verdict = points("manhole_covers", 2000).judged(Known(connection, 1), "EPSG:4549", "EPSG:4549")
        cameras = points("cameras", 2000).judged(Known(connection, 1), "gcj02", "gcj02")
        connection.rollback()
    assert cameras.refused
    assert "Either this delivery or what it is compared with (areas)" in cameras.message
    assert verdict.refused
    assert "Either this delivery or what it is compared with (areas)" in verdict.message
    assert "what it is compared with was loaded shifted" in verdict.hint


BEFORE = np.array([[x, y] for x in range(20, 60, 2) for y in range(20, 60, 2)])
CODES = [f"B{x * 80 + y}" for x, y in BEFORE.tolist()]


def moved(east_m: float, north_m: float, count: int = 400, noise_m: float = 0.0) -> Delivery:
    """Return buildings that were loaded before, all moved by the same way."""
    rng = np.random.default_rng(4)
    way = np.array([east_m / 89_900, north_m / 111_195]) + rng.normal(0, noise_m / 100_000, (count, 2))
    return Delivery(
        "buildings", np.array([translate(one, *by) for one, by in zip(houses(BEFORE[:count]), way, strict=True)]), CODES[:count]
    )


@pytest.mark.parametrize("count", [20, 400])
def test_rows_that_all_moved_by_the_same_way_are_refused_though_nothing_explains_it(known: Known, count: int) -> None:
    verdict = moved(-120, 75, count, 5.0).judged(known, "wgs84", "wgs84")
    assert verdict.refused
    assert f"{count} of {count} sampled rows" in verdict.message
    assert re.search(r"lie 1[12]\d m west and 7\d m north of there, all by the same way", verdict.message)
    assert "If they were really moved, say so with --accept-crs" in verdict.hint


def test_rows_that_moved_little_or_each_its_own_way_pass(known: Known) -> None:
    mixed = moved(-120, 75)
    mixed.places[::3] = houses(BEFORE)[::3]
    for delivery in (moved(0, 0), moved(60, 60), moved(-120, 75, 19), moved(-120, 75, 400, 60.0), mixed):
        assert not delivery.judged(known, "wgs84", "wgs84").refused


def test_a_delivery_that_moved_as_a_chinese_map_is_called_that(known: Known) -> None:
    delivery = Delivery("buildings", houses(BEFORE), CODES)
    assert "but looks like GCJ-02: " in delivery.judged(known, "gcj02", "wgs84").message


def test_too_few_rows_are_said_to_be_too_few(known: Known) -> None:
    def few(delivery: Delivery) -> list[str]:
        return [sentence for sentence in delivery.judged(known, "wgs84", "wgs84").sentences if sentence.startswith("Only ")]

    assert few(points("cameras", 1)) == ["Only 1 row that stands apart: too few to be sure that they are not shifted."]
    assert few(points("cameras", 5)) == ["Only 5 rows that stand apart: too few to be sure that they are not shifted."]
    assert few(points("cameras", 100)) == []
    assert few(moved(0, 0, 5)) == [], "where they were before says enough"
