"""The nearest points: exact by distance on the ground wherever they are, filtered by fields, one at a time and for arrays."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import orjson
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gisgrid.errors import ParameterError
from gisgrid.locator import PointIndex, PointTable
from gisgrid.locator.ground import earth_centred
from gisgrid.locator.straight import ground_between, ground_few, ground_many, place_of, vantage
from gisgrid.services.documents import neighbour_document

GEOD = pyproj.Geod(ellps="WGS84")
Floats = NDArray[np.float64]


def index_of(lon: Floats, lat: Floats, codes: list[str] | None = None, kinds: list[Any] | None = None) -> PointIndex:
    count = len(lon)
    codes = codes or [f"{k:05d}" for k in range(count)]
    kinds = kinds or ["x"] * count
    rows: list[tuple[object, ...]] = list(zip(codes, kinds, range(count), strict=True))
    return PointIndex(PointTable([k + 100 for k in range(count)], codes, lon, lat, ("code", "kind", "number"), rows))


def reference(index: PointIndex, lon: float, lat: float) -> list[tuple[float, str, int]]:
    """Return all features by geodesic and code, worked out one by one."""
    table = index.table
    count = len(table.ids)
    far = GEOD.inv(np.full(count, lon), np.full(count, lat), table.lon, table.lat)[2]
    return sorted(zip(far.tolist(), table.codes, range(count), strict=True))


def assert_nearest(index: PointIndex, lon: float, lat: float, k: int, radius_m: float | None = None) -> None:
    """Compare with the reference; features that are equally far to a micrometre may change places."""
    expected = [(far, row) for far, _, row in reference(index, lon, lat) if radius_m is None or far <= radius_m]
    found = index.nearest_rows(lon, lat, k, radius_m)
    doubtful = sum(1 for far, _ in expected if radius_m is not None and abs(far - radius_m) < 1e-6)
    assert abs(len(found) - min(k, len(expected))) <= doubtful
    distance = {row: far for far, row in expected}
    for place, (row, far, _) in enumerate(found):
        assert far == pytest.approx(expected[place][0], abs=2e-6, rel=1e-12)
        assert far == pytest.approx(distance[row], abs=2e-6, rel=1e-12)
    assert len({row for row, _, _ in found}) == len(found)


lons, lats = st.floats(-180, 180), st.floats(-85, 85)


@given(
    st.lists(st.tuples(lons, lats), min_size=1, max_size=3),
    st.sampled_from([1e-7, 1e-4, 1e-2, 1.0, 40.0]),
    st.tuples(st.integers(1, 400), st.integers(0, 2**32 - 1)),
    st.integers(1, 30),
    st.sampled_from([None, 0.0, 50.0, 5000.0, 1e6]),
)
def test_the_nearest_are_those_of_looking_at_every_one(
    towns: list[tuple[float, float]], spread: float, drawn: tuple[int, int], k: int, radius_m: float | None
) -> None:
    count, rng = drawn[0], np.random.default_rng(drawn[1])
    town = np.array(towns)[rng.integers(0, len(towns), count)]
    lon = (town[:, 0] + rng.normal(0, spread, count) + 180) % 360 - 180
    lat = np.clip(town[:, 1] + rng.normal(0, spread, count), -90, 90)
    index = index_of(lon, lat)
    some = int(rng.integers(0, count))
    for query in ((lon[some] + rng.normal(0, spread), lat[some]), (lon[some], lat[some]), (rng.uniform(-180, 180), rng.uniform(-90, 90))):
        assert_nearest(index, float((query[0] + 180) % 360 - 180), float(query[1]), k, radius_m)


@pytest.mark.parametrize("k", [1, 3, 24, 25, 100])
def test_of_many_at_one_place_the_smallest_codes_come(k: int) -> None:
    rng = np.random.default_rng(1)
    crowd = [f"{number:03d}" for number in rng.permutation(300)]
    lon = np.concatenate([np.full(300, 120.38), rng.uniform(120.3, 120.4, 200)])
    lat = np.concatenate([np.full(300, 36.08), rng.uniform(36.0, 36.1, 200)])
    index = index_of(lon, lat, crowd + [f"z{number}" for number in range(200)])
    assert [index.table.codes[row] for row, _, _ in index.nearest_rows(120.38, 36.08, k)] == sorted(crowd)[:k]


def test_one_that_is_far_off_does_no_harm() -> None:
    rng = np.random.default_rng(2)
    lon = np.append(rng.normal(120.38, 0.03, 5000), -70.0)
    index = index_of(lon, np.append(rng.normal(36.08, 0.03, 5000), -33.0))
    for query in ((120.38, 36.08), (120.31, 36.15), (-70.0, -33.1), (-179.9, 0.0)):
        assert_nearest(index, *query, 5)


@given(lons, st.floats(-89.9, 89.9), st.floats(0, 360), st.floats(0, 9_999))
def test_short_distances_and_bearings_are_those_of_the_geodesic(lon: float, lat: float, bearing: float, far: float) -> None:
    to_lon, to_lat, _ = GEOD.fwd(lon, lat, bearing, far)
    expected_bearing, _, expected = GEOD.inv(lon, lat, to_lon, to_lat)
    [(found, found_bearing, _)] = ground_few(vantage(lon, lat), [place_of(to_lon, to_lat)])
    assert found == pytest.approx(expected, abs=6e-7)
    to = np.array([to_lon]), np.array([to_lat])
    many, many_bearings = ground_many(vantage(lon, lat), earth_centred(*to), *to)
    assert many[0] == pytest.approx(expected, abs=6e-7)
    assert ground_between(np.array([lon]), np.array([lat]), *to)[0] == pytest.approx(expected, abs=6e-7)
    if expected > 0.01:
        for angle in (found_bearing, many_bearings[0]):
            assert 0.0 <= angle <= 360.0
            assert abs((angle - expected_bearing + 180.0) % 360.0 - 180.0) < 1e-5


def test_arrays_are_answered_as_one_point_is() -> None:
    rng = np.random.default_rng(3)
    lon, lat = rng.normal(120.38, 0.02, 3000), rng.normal(36.08, 0.02, 3000)
    lon[:200], lat[:200] = 120.38, 36.08
    index = index_of(lon, lat, [f"{number:04d}" for number in rng.permutation(3000)])
    x, y = rng.normal(120.38, 0.03, 300), rng.normal(36.08, 0.03, 300)
    x[0], y[1], x[2], y[2], x[3], y[3] = math.nan, math.inf, 120.38, 36.08, -60.0, 20.0
    for k, radius_m in ((1, None), (5, None), (7, 300.0), (40, 900.0)):
        rows, far = index.nearest_many(x, y, k, radius_m)
        assert rows.shape == far.shape == (300, k)
        assert rows.dtype == np.int64
        for place in range(300):
            near = index.nearest_rows(x[place], y[place], k, radius_m) if np.isfinite([x[place], y[place]]).all() else []
            assert rows[place].tolist() == [row for row, _, _ in near] + [-1] * (k - len(near))
            assert far[place, : len(near)] == pytest.approx([away for _, away, _ in near], abs=2e-6)
            assert np.isnan(far[place, len(near) :]).all()


def test_arrays_get_all_there_is_and_no_more() -> None:
    rows, far = index_of(np.array([120.0, 121.0]), np.array([36.0, 36.0])).nearest_many(np.array([120.9]), np.array([36.0]), 4)
    assert rows.tolist() == [[1, 0, -1, -1]]
    assert np.isnan(far[0]).tolist() == [False, False, True, True]
    rows, far = index_of(np.empty(0), np.empty(0)).nearest_many(np.array([120.9]), np.array([36.0]), 2)
    assert rows.tolist() == [[-1, -1]]
    assert np.isnan(far).all()


KINDS = ["sewage", "rain", None, " ", "", "gas"]


@pytest.fixture(scope="module")
def covers() -> PointIndex:
    rng = np.random.default_rng(4)
    kinds = [KINDS[place] for place in rng.choice(6, 4000, p=[0.5, 0.399, 0.05, 0.025, 0.025, 0.001])]
    return index_of(rng.normal(120.38, 0.02, 4000), rng.normal(36.08, 0.02, 4000), None, kinds)


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ({"kind": {"sewage"}}, 2000),
        ({"kind": ["gas"]}, 4),
        ({"kind": ("gas", "rain")}, 1600),
        ({"kind": {""}}, 400),
        ({"kind": {"rain", ""}, "number": {str(number) for number in range(50)}}, 25),
        ({"kind": {"steam"}}, 0),
        ({"kind": set()}, 0),
        ({}, 4000),
    ],
)
@pytest.mark.parametrize("k", [1, 6, 60])
def test_a_filter_leaves_the_nearest_of_those_that_pass(covers: PointIndex, where: dict[str, Any], count: int, k: int) -> None:
    passing = set()
    for row, (_, kind, number) in enumerate(covers.table.rows):
        is_kind = "kind" not in where or (str(kind).strip() if kind else "") in where["kind"]
        if is_kind and ("number" not in where or str(number) in where["number"]):
            passing.add(row)
    assert len(passing) == pytest.approx(count, rel=0.2, abs=4)
    for lon, lat in ((120.38, 36.08), (120.44, 36.12), (100.0, 20.0)):
        expected = [row for _, _, row in reference(covers, lon, lat) if row in passing][:k]
        for _ in range(2):
            assert [row for row, _, _ in covers.nearest_rows(lon, lat, k, where=where)] == expected


def test_a_filter_by_a_field_that_there_is_not_says_which_there_are(covers: PointIndex) -> None:
    with pytest.raises(ParameterError, match="no field 'colour'") as caught:
        covers.nearest(120.38, 36.08, 1, where={"colour": {"red"}})
    assert "code, kind, number" in str(caught.value.expected)
    with pytest.raises(ParameterError, match="one text"):
        covers.nearest(120.38, 36.08, 1, where={"kind": "gas"})


def test_documents_are_those_of_the_neighbours(covers: PointIndex) -> None:
    for lon, lat in ((120.38, 36.08), (120.4, 36.1)):
        plain = [neighbour_document(found) for found in covers.nearest(lon, lat, 5)]
        for _ in range(2):
            written = [covers.document(*near) for near in covers.nearest_rows(lon, lat, 5)]
            assert json.loads(orjson.dumps(written)) == plain
            assert [list(document) for document in written] == [list(document) for document in plain]


def test_what_a_caller_does_to_the_properties_stays_with_the_caller(covers: PointIndex) -> None:
    covers.nearest(120.38, 36.08, 1)[0].properties["kind"] = "mine"
    assert covers.nearest(120.38, 36.08, 1)[0].properties["kind"] != "mine"


def test_what_is_equally_far_comes_by_code_however_it_was_measured() -> None:
    steps = np.arange(-6, 7) * 1e-3
    lon, lat = (part.reshape(-1) for part in np.meshgrid(120.38 + steps, 36.08 + steps))
    codes = [f"{number:03d}" for number in np.random.default_rng(5).permutation(len(lon))]
    index = index_of(lon, lat, codes)
    # East and west of the middle everything is equally far.
    for k in (8, 24, 60, 169):
        found = index.nearest_rows(120.38, 36.08, k)
        pairs = [(round(far, 6), codes[row]) for row, far, _ in found]
        assert pairs == sorted(pairs)
        assert index.nearest_many(np.array([120.38]), np.array([36.08]), k)[0].tolist() == [[row for row, _, _ in found]]
