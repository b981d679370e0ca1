"""No difference from PostGIS: a million random points, and points that are as hard as a layer of areas can give."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from gisgrid.db import Database
from gisgrid.locator import Locator
from tests.locator.loops import by_loops, by_numpy

Floats = NDArray[np.float64]

_BESIDE_DEG = 1e-9

# The planner asks the index of the grids for each point; the points need none.
_ANSWERS = """
SELECT p.id, g.code FROM bench_exact p
LEFT JOIN LATERAL (SELECT min(g.code) AS code FROM gisgrid.grids g WHERE ST_Covers(g.geom, p.geom)) g ON true
"""


class Points(NamedTuple):
    """Longitudes and latitudes, degrees, WGS 84."""

    lon: Floats
    lat: Floats


def random_points(shapes: NDArray[np.object_], count: int) -> Points:
    """Return ``count`` seeded points in the box of the shapes and a little beyond."""
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    rng = np.random.default_rng(2026)
    margin_x, margin_y = (east - west) / 50.0, (north - south) / 50.0
    return Points(rng.uniform(west - margin_x, east + margin_x, count), rng.uniform(south - margin_y, north + margin_y, count))


def hard_points(shapes: NDArray[np.object_], count: int) -> Points:
    """Return ``count`` seeded points on the edges of the shapes: vertices, middles of edges, places 1e-9 degrees beside both.

    Also points within the holes and on their rings, and others at the very height of a vertex.
    """
    rng = np.random.default_rng(2027)
    starts, ends = _edges(shapely.get_rings(shapely.get_parts(shapes)))
    part = count // 5
    chosen = rng.integers(0, len(starts), 3 * part)
    vertices, middles = starts[chosen[:part]], (starts[chosen[part : 2 * part]] + ends[chosen[part : 2 * part]]) / 2.0
    beside = np.concatenate([vertices, middles])[rng.permutation(2 * part)[:part]] + rng.choice([-_BESIDE_DEG, 0.0, _BESIDE_DEG], (part, 2))
    low, high = starts.min(axis=0), starts.max(axis=0)
    level = np.column_stack([rng.uniform(low[0], high[0], part), starts[chosen[2 * part :], 1]])
    holes = _in_holes(shapes, rng, count - 4 * part)
    found = np.concatenate([vertices, middles, beside, level, holes])
    return Points(found[:, 0].copy(), found[:, 1].copy())


def _edges(rings: NDArray[np.object_]) -> tuple[Floats, Floats]:
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    return coordinates[:-1][same], coordinates[1:][same]


def _in_holes(shapes: NDArray[np.object_], rng: np.random.Generator, count: int) -> Floats:
    """Return points in and on the holes of the shapes; where there are none, on the line between two vertices of one edge."""
    polygons = shapely.get_parts(shapes)
    rings, owner = shapely.get_rings(polygons, return_index=True)
    holes = rings[np.flatnonzero(np.diff(owner, prepend=-1) == 0)]
    starts, ends = _edges(holes if len(holes) else rings)
    chosen = rng.integers(0, len(starts), count)
    share = rng.choice([0.25, 0.5, 0.75], (count, 1))
    on = starts[chosen] + share * (ends[chosen] - starts[chosen])
    if not len(holes):
        return on
    inner = shapely.get_coordinates(shapely.point_on_surface(shapely.polygons(holes)))
    return np.where(rng.random((count, 1)) < 0.5, on, inner[rng.integers(0, len(inner), count)])


def grids(database: Database) -> NDArray[np.object_]:
    """Return the shapes of the active grids (shapely, WGS 84)."""
    with database.connect() as connection:
        rows = connection.execute("SELECT ST_AsBinary(geom) FROM gisgrid.grids ORDER BY code").fetchall()
    return np.asarray(shapely.from_wkb([bytes(row[0]) for row in rows]))


def differences(database: Database, locator: Locator, points: Points) -> int:
    """Return for how many points the locator, by NumPy or by the compiled loops, and PostGIS (the smallest code) do not agree."""
    with database.connect() as connection:
        _store(connection, points)
        # Of a small city the planner thinks that looking at every grid for every point is quicker.
        connection.execute("SET LOCAL enable_seqscan = off")
        theirs: list[str | None] = [None] * len(points.lon)
        for number, code in connection.execute(_ANSWERS).fetchall():
            theirs[number] = code
    with by_numpy():
        ours = locator.grid_codes_at(points.lon, points.lat)
    with by_loops():
        looped = locator.grid_codes_at(points.lon, points.lat)
    return sum(not mine == fast == other for mine, fast, other in zip(ours, looped, theirs, strict=True))


def _store(connection: psycopg.Connection[tuple[object, ...]], points: Points) -> None:
    """Put the points into a table as they are: binary, so that not a bit is lost on the way."""
    connection.execute("CREATE TEMP TABLE bench_exact (id int, lon float8, lat float8) ON COMMIT DROP")
    with connection.cursor().copy("COPY bench_exact FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int4", "float8", "float8"])
        for number, (x, y) in enumerate(zip(points.lon.tolist(), points.lat.tolist(), strict=True)):
            copy.write_row((number, x, y))
    connection.execute("ALTER TABLE bench_exact ADD COLUMN geom geometry(Point, 4326)")
    connection.execute("UPDATE bench_exact SET geom = ST_SetSRID(ST_MakePoint(lon, lat), 4326)")
    connection.execute("ANALYZE bench_exact")
