"""The nearest features are those of PostGIS geography: ids and order, for random places near and far, with crowds at one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import LiteralString

import numpy as np
import psycopg
import pytest

from gisgrid.db import Database, reading
from gisgrid.locator import Building, FootprintIndex, PointIndex
from gisgrid.types import Neighbour
from tests.locator.test_footprints import on_the_ground

Indices = dict[str, PointIndex | FootprintIndex]

# Cameras in clusters, one in five on top of another one; covers of all kinds; buildings turned, some with a court, some in two parts.
_FILL: LiteralString = """
SELECT setseed(0.4);
INSERT INTO gisgrid.cameras (code, kind, owner_code, geom)
SELECT lpad((n * 7919 % 100003)::text, 6, '0'), (ARRAY['fixed', 'dome', 'ptz'])[1 + n % 3], CASE WHEN n % 50 = 0 THEN 'U1' END,
       ST_SetSRID(ST_Point(120.3 + 0.02 * (place % 7) + 0.004 * sin(place * 12.9),
                           36.05 + 0.015 * (place % 5) + 0.004 * cos(place * 78.2)), 4326)
FROM (SELECT n, CASE WHEN n % 5 = 0 THEN n % 40 ELSE n END AS place FROM generate_series(1, 4000) AS n) AS places;
INSERT INTO gisgrid.components (code, scheme, edition, class_code, state, geom)
SELECT 'M' || n, k.scheme, k.edition, k.code, (ARRAY['intact', 'broken', 'missing'])[1 + n % 3],
       ST_SetSRID(ST_Point(120.25 + 0.2 * random(), 36.0 + 0.15 * random()), 4326)
FROM generate_series(1, 6000) AS n
JOIN (SELECT *, row_number() OVER (ORDER BY code) - 1 AS number, count(*) OVER () AS kinds
      FROM gisgrid.component_classes WHERE edition = '2007' AND is_cover) AS k ON k.number = n % k.kinds;
INSERT INTO gisgrid.buildings (code, use, floors, geom)
SELECT 'B' || n, (ARRAY['a', 'b', 'c', 'd'])[1 + n % 4], n % 30,
       ST_Multi(ST_Rotate(
           CASE n % 5 WHEN 0 THEN ST_Difference(box, ST_Buffer(ST_Centroid(box), 0.00005, 2))
                      WHEN 1 THEN ST_Union(box, ST_Translate(box, 0.0006, 0)) ELSE box END, n, ST_Centroid(box)))
FROM generate_series(1, 3000) AS n
CROSS JOIN LATERAL (SELECT 120.3 + 0.1 * random() + 0 * n AS x, 36.05 + 0.08 * random() AS y) AS corner
CROSS JOIN LATERAL ST_MakeEnvelope(x, y, x + 0.0002 + 0.0002 * (n % 3), y + 0.00015, 4326) AS box;
"""
_NEAREST: LiteralString = """
SELECT place.n, found.id, found.far
FROM unnest(%(n)s::int[], %(lon)s::float8[], %(lat)s::float8[]) AS place (n, lon, lat)
CROSS JOIN LATERAL (
    SELECT f.id, f.code, ST_Distance(f.geom::geography, ST_SetSRID(ST_Point(lon, lat), 4326)::geography) AS far
    FROM gisgrid.{layer} f WHERE {condition} ORDER BY far, f.code LIMIT %(k)s
) AS found ORDER BY place.n, found.far, found.code
"""


@pytest.fixture(scope="module")
def filled(database_copies: Callable[[], Database]) -> Iterator[psycopg.Connection]:
    database = database_copies()
    with database.connect() as connection:
        connection.execute(_FILL)
        yield connection


@pytest.fixture(scope="module")
def indices(filled: psycopg.Connection) -> Indices:
    points = {layer: PointIndex(reading.read_points(filled, layer)) for layer in ("cameras", "manhole_covers")}
    return {**points, "buildings": FootprintIndex(reading.read_footprints(filled, "buildings"))}


def queries(count: int, seed: int) -> list[tuple[float, float]]:
    """Return places in town mostly, some beyond it, some on other continents."""
    rng = np.random.default_rng(seed)
    near = np.column_stack([rng.uniform(120.28, 120.45, count), rng.uniform(36.03, 36.15, count)])
    beyond = np.column_stack([rng.uniform(118, 123, count // 10), rng.uniform(34, 38, count // 10)])
    far = np.column_stack([rng.uniform(-180, 180, count // 10), rng.uniform(-85, 85, count // 10)])
    return [(lon, lat) for lon, lat in np.concatenate([near, beyond, far]).tolist()]


def by_postgis(
    connection: psycopg.Connection, layer: str, places: list[tuple[float, float]], k: int, condition: str = "true"
) -> list[list[tuple[int, float]]]:
    values = {"n": list(range(len(places))), "lon": [lon for lon, _ in places], "lat": [lat for _, lat in places], "k": k}
    found: list[list[tuple[int, float]]] = [[] for _ in places]
    for n, id, far in connection.execute(_NEAREST.format(layer=layer, condition=condition).encode(), values):
        found[n].append((id, far))
    return found


@pytest.mark.parametrize("layer", ["cameras", "manhole_covers", "buildings"])
def test_ids_and_order_are_those_of_geography(filled: psycopg.Connection, indices: Indices, layer: str) -> None:
    index, places = indices[layer], queries(100, 1)
    for place, expected in zip(places, by_postgis(filled, layer, places, 100), strict=True):
        for k in (1, 2, 5, 24, 30, 90):
            assert_same(index, place, index.nearest(*place, k), expected, k)
        for radius_m in (0.0, 40.0, 300.0, 20_000.0):
            within = [(id, far) for id, far in expected if far <= radius_m]
            if len(within) < len(expected) and not any(abs(far - radius_m) < 0.2 for _, far in expected):
                assert_same(index, place, index.nearest(*place, 100, radius_m), within, len(within))


def assert_same(
    index: PointIndex | FootprintIndex,
    place: tuple[float, float],
    found: Sequence[Neighbour | Building],
    expected: list[tuple[int, float]],
    k: int,
) -> None:
    """Compare ids in order with distances."""
    assert len(found) == min(k, len(expected))
    if isinstance(index, PointIndex):
        assert [one.id for one in found] == [id for id, _ in expected[:k]]
        assert [one.distance_m for one in found] == pytest.approx([far for _, far in expected[:k]], abs=1e-6)
        return
    # PostGIS draws edges as great circles (0.2 mm beside ours for 100 m), looks for the nearest point on a sphere, and in
    # buildings of several parts sometimes takes the part that is the nearest but one.
    distances = dict(expected)
    for one in found:
        far = distances[one.id]
        if abs(one.distance_m - far) > 1e-3 + 2.2e-5 * far:
            shape = index.table.geometries[index.table.ids.index(one.id)]
            assert one.distance_m < far
            assert one.distance_m == pytest.approx(on_the_ground(*place, shape), abs=1e-4)
    assert [one.distance_m for one in found] == sorted(one.distance_m for one in found)
    last = max((one.distance_m for one in found), default=0.0)
    missed = {id for id, far in expected if far < last - 1e-3 - 2.2e-5 * last} - {one.id for one in found}
    assert not missed
    assert sum(one.id != id for one, (id, _) in zip(found, expected, strict=False)) <= 2


@pytest.mark.parametrize(
    ("layer", "where", "condition"),
    [
        ("cameras", {"kind": {"dome"}}, "kind = 'dome'"),
        ("cameras", {"kind": {"dome", "ptz"}, "owner_code": {"U1"}}, "kind IN ('dome', 'ptz') AND owner_code = 'U1'"),
        ("cameras", {"owner_code": {""}}, "coalesce(owner_code, '') = ''"),
        ("manhole_covers", {"kind": {"sewage"}, "state": {"broken", "missing"}}, "kind = 'sewage' AND state IN ('broken', 'missing')"),
        ("buildings", {"use": {"a", "b"}}, "use IN ('a', 'b')"),
    ],
)
def test_so_are_those_with_wanted_values(
    filled: psycopg.Connection, indices: Indices, layer: str, where: dict[str, set[str]], condition: str
) -> None:
    places = queries(30, 2)
    for place, expected in zip(places, by_postgis(filled, layer, places, 40, condition), strict=True):
        for k in (1, 6, 30):
            assert_same(indices[layer], place, indices[layer].nearest(*place, k, None, where), expected, k)
