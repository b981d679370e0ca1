"""Points to grids: arrays in memory against geopandas.sjoin and against a PostGIS join on ST_Covers."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import psycopg
import shapely

from gisgrid.db import Database
from gisgrid.locator import Locator
from tests.bench.measure import Result, compare, seconds

_GRIDS_SQL = "SELECT code, ST_AsBinary(geom) FROM gisgrid.grids ORDER BY code"
_JOIN_SQL = "SELECT p.id, min(g.code) FROM bench_points p JOIN gisgrid.grids g ON ST_Covers(g.geom, p.geom) GROUP BY p.id"

Floats = npt.NDArray[np.float64]


def grids(database: Database) -> gpd.GeoDataFrame:
    """Return the active grids, WGS 84, ordered by code."""
    with database.connect() as connection:
        rows = connection.execute(_GRIDS_SQL).fetchall()
    return gpd.GeoDataFrame({"code": [row[0] for row in rows]}, geometry=shapely.from_wkb([bytes(row[1]) for row in rows]), crs=4326)


def random_points(frame: gpd.GeoDataFrame, count: int) -> tuple[Floats, Floats]:
    """Return ``count`` seeded points in the box of ``frame`` as (lon, lat)."""
    west, south, east, north = frame.total_bounds
    rng = np.random.default_rng(7)
    return rng.uniform(west, east, count), rng.uniform(south, north, count)


def points_inside(frame: gpd.GeoDataFrame, locator: Locator, count: int) -> tuple[Floats, Floats]:
    """Return ``count`` seeded points that lie in some grid, as cases do, as (lon, lat)."""
    lon, lat = random_points(frame, 4 * count)
    inside = np.flatnonzero(locator.grid_indices(lon, lat) >= 0)[:count]
    return lon[inside], lat[inside]


def against_geopandas(frame: gpd.GeoDataFrame, locator: Locator, count: int, rounds: int) -> Result:
    """Compare the rates in points per second, and check that both give the same grid for every point."""
    lon, lat = random_points(frame, count)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat), crs=4326)
    _check(frame, points, locator, lon, lat)
    result = compare(
        lambda: count / seconds(lambda: locator.grid_indices(lon, lat)),
        lambda: count / seconds(lambda: gpd.sjoin(points, frame, how="left", predicate="within")),
        rounds,
    )
    return Result(f"{count:,} points to grids, arrays", "geopandas.sjoin", *result[:2], "points/s", *result[2:], "at least 25")


def _check(frame: gpd.GeoDataFrame, points: gpd.GeoDataFrame, locator: Locator, lon: Floats, lat: Floats) -> None:
    joined = gpd.sjoin(points, frame, how="left", predicate="within").groupby(level=0)["code"].min()
    numbers = locator.grid_indices(lon, lat)
    codes = np.array([*locator.grid_codes(), ""], dtype=object)[numbers]
    different = int((joined.fillna("").to_numpy() != codes).sum())
    if different:
        raise RuntimeError(f"{different} of {len(lon)} points differ between the locator and geopandas.sjoin")


def against_postgis(database: Database, frame: gpd.GeoDataFrame, locator: Locator, count: int, rounds: int, *, indexed: bool) -> Result:
    """Compare the rates in points per second with a join in the database, over points stored beforehand.

    ``indexed`` gives PostGIS a spatial index of the points too, not timed: its fastest way, but no batch arrives like that.
    """
    lon, lat = random_points(frame, count)
    with database.connect() as connection:
        _store(connection, lon, lat, indexed=indexed)
        result = compare(
            lambda: count / seconds(lambda: locator.grid_indices(lon, lat)),
            lambda: count / seconds(lambda: connection.execute(_JOIN_SQL).fetchall()),
            rounds,
        )
    reference = "PostGIS join, points indexed" if indexed else "PostGIS join on ST_Covers"
    return Result(f"{count:,} points to grids, arrays", reference, *result[:2], "points/s", *result[2:], "" if indexed else "at least 150")


def _store(connection: psycopg.Connection[tuple[object, ...]], lon: Floats, lat: Floats, *, indexed: bool) -> None:
    connection.execute("CREATE TEMP TABLE bench_points (id int, geom geometry(Point, 4326)) ON COMMIT DROP")
    with connection.cursor().copy("COPY bench_points FROM STDIN") as copy:
        for number, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
            copy.write_row((number, f"SRID=4326;POINT({x!r} {y!r})"))
    if indexed:
        connection.execute("CREATE INDEX ON bench_points USING gist (geom)")
    connection.execute("ANALYZE bench_points")
