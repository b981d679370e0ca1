"""The same grid as ``min(code)`` over ``ST_Covers``, for every point, on shapes that are as hard as they come."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import shapely

from gisgrid.db import Database
from gisgrid.services import ReadModel
from gisgrid.settings import Settings
from tests.locator.loops import by_loops, by_numpy

Floats = npt.NDArray[np.float64]
WEST, SOUTH, SIDE = 120.33, 36.05, 0.03

_INSERT = """
INSERT INTO gisgrid.areas (generation_id, level, code, name, area_m2, geom)
VALUES (1, 'grid', %s, 'g', 1, ST_Multi(ST_GeomFromWKB(%s, 4326)))
"""
_EXPECTED = """
SELECT p.id, min(g.code), count(g.code)
FROM p LEFT JOIN gisgrid.grids g ON ST_Covers(g.geom, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326))
GROUP BY p.id ORDER BY p.id
"""


def _partition(rng: np.random.Generator) -> list[shapely.Geometry]:
    """Cells of a Voronoi diagram: corners of three, borders in any direction, shared to the last bit."""
    box = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)
    seeds = shapely.MultiPoint(np.column_stack([rng.uniform(WEST, WEST + SIDE, 60), rng.uniform(SOUTH, SOUTH + SIDE, 60)]))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=box))
    return [cell for cell in cells.tolist() if cell.area > 0]


def _lattice(_: np.random.Generator) -> list[shapely.Geometry]:
    """Squares of 0.001 degrees: corners of four, borders along the axes."""
    return [
        shapely.box((120000 + i) / 1000, (36000 + j) / 1000, (120001 + i) / 1000, (36001 + j) / 1000) for i in range(8) for j in range(8)
    ]


def _overlapping(rng: np.random.Generator) -> list[shapely.Geometry]:
    """Rings with holes, some in two parts, all over each other, and a sliver."""
    shapes = []
    for _ in range(12):
        x, y = WEST + rng.uniform(0, SIDE), SOUTH + rng.uniform(0, SIDE)
        ring = shapely.Point(x, y).buffer(0.006, quad_segs=5).difference(shapely.Point(x + 0.001, y).buffer(0.003, quad_segs=3))
        shapes.append(ring.union(shapely.Point(x + 0.02, y + 0.004).buffer(0.002, quad_segs=2)))
    shapes.append(shapely.Polygon([(WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (WEST + SIDE, SOUTH + SIDE + 1e-9)]))
    return shapes


def _points(shapes: list[shapely.Geometry], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return vertices, points on edges, the doubles beside both, points at the height of vertices, and random points."""
    rings = [shapely.get_coordinates(ring) for shape in shapes for ring in shapely.get_parts(shapely.boundary(shape))]
    starts, ends = np.concatenate([ring[:-1] for ring in rings]), np.concatenate([ring[1:] for ring in rings])
    chosen = rng.integers(0, len(starts), 6000)
    share = rng.choice([0.0, 0.5, 1.0], (6000, 1)) * rng.choice([1.0, rng.uniform()], (6000, 1))
    on = starts[chosen] + share * (ends[chosen] - starts[chosen])
    beside = np.nextafter(on, rng.choice([-np.inf, np.inf], on.shape))
    near = on + rng.choice([-1e-9, 0.0, 1e-9, 1e-13], on.shape)
    low, high = starts.min(axis=0), starts.max(axis=0)
    at_height = np.column_stack([rng.uniform(low[0], high[0], 4000), starts[rng.integers(0, len(starts), 4000), 1]])
    anywhere = rng.uniform(low - 0.001, high + 0.001, (6000, 2))
    points = np.concatenate([on, beside, near, at_height, anywhere])
    return points[:, 0].copy(), points[:, 1].copy()


def _in_postgis(database: Database, lon: Floats, lat: Floats) -> list[tuple[str | None, int]]:
    with database.connect() as connection:
        connection.execute("CREATE TEMP TABLE p (id int, lon float8, lat float8) ON COMMIT DROP")
        with connection.cursor().copy("COPY p FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "float8", "float8"])
            for number, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
                copy.write_row((number, x, y))
        return [(code, count) for _, code, count in connection.execute(_EXPECTED).fetchall()]


@pytest.mark.parametrize("make", [_partition, _lattice, _overlapping])
def test_every_point_gets_the_grid_that_postgis_gives(make: object, database: Database) -> None:
    rng = np.random.default_rng(2026)
    shapes = make(rng)  # type: ignore[operator]
    with database.connect() as connection:
        # As a load: an edit would be refused where areas overlap, but what is there must be answered as PostGIS does.
        connection.execute("SET LOCAL gisgrid.loading = 'on'")
        connection.execute("INSERT INTO gisgrid.generations (id, status) VALUES (1, 'active')")
        order = rng.permutation(len(shapes))
        for number, shape in zip(order.tolist(), shapes, strict=True):
            connection.execute(_INSERT, [f"{number:03d}", shape.wkb])
    lon, lat = _points(shapes, rng)
    expected = _in_postgis(database, lon, lat)
    locator = ReadModel.load(database, Settings(database_url=database.url)).locator
    for way in (by_numpy, by_loops):
        with way():
            codes = locator.grid_codes_at(lon, lat)
            on_edge = locator.locate_many(lon, lat, distances=False).on_edge
        assert [k for k, (code, _) in enumerate(expected) if codes[k] != code] == []
        assert [k for k, (_, count) in enumerate(expected) if count > 1 and not on_edge[k]] == []
    for k in range(0, len(lon), 9):
        answer = locator.locate(lon[k], lat[k])
        assert (answer.grid.code if answer.grid else None) == expected[k][0]
        assert sum(candidate.distance_m == 0.0 for candidate in answer.candidates) >= expected[k][1]
    assert sum(count > 1 for _, count in expected) > 500
