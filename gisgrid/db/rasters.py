"""The records of rasters: which are served, from which files, and which load brought them.

Plain functions on a psycopg connection; each opens a transaction of its own, or a savepoint when the caller has one open, and raises
DatabaseError when the database fails.
"""

from __future__ import annotations

import json
from typing import Any, LiteralString, NamedTuple

import psycopg

from gisgrid.db.database import transaction
from gisgrid.errors import NotFoundError
from gisgrid.rasters import Band, Facts, Raster

_COLUMNS: LiteralString = """
r.id, r.kind, r.title, r.attribution, r.captured_on, r.data_version, r.file, r.file_hash, r.size, r.recorded_at,
r.crs, r.width, r.height, r.dtype, r.nodata, r.bands, r.cell_m, r.min_zoom, r.max_zoom, ST_AsGeoJSON(r.geom, 9)::json
"""
_LIST = f"SELECT {_COLUMNS} FROM gisgrid.rasters r ORDER BY r.id"
_LOADED: LiteralString = f"""
SELECT u.id, u.file_hash, u.source_hash, {_COLUMNS}
FROM gisgrid.rasters r JOIN gisgrid.ingest_runs u ON u.id = r.run_id WHERE r.id = %s
"""
_FILE: LiteralString = "SELECT file FROM gisgrid.rasters WHERE id = %s FOR UPDATE"
_PUT: LiteralString = """
INSERT INTO gisgrid.rasters AS known (id, kind, title, attribution, captured_on, data_version, file, file_hash, size, crs, width, height,
    dtype, nodata, bands, cell_m, min_zoom, max_zoom, run_id, geom)
VALUES (%(id)s, %(kind)s, %(title)s, %(attribution)s, %(captured_on)s, %(data_version)s, %(file)s, %(file_hash)s, %(size)s, %(crs)s,
    %(width)s, %(height)s, %(dtype)s, %(nodata)s, %(bands)s, %(cell_m)s, %(min_zoom)s, %(max_zoom)s, %(run_id)s,
    ST_SetSRID(ST_GeomFromGeoJSON(%(geom)s), 4326))
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, title = excluded.title, attribution = excluded.attribution,
    captured_on = excluded.captured_on, data_version = excluded.data_version, file = excluded.file, file_hash = excluded.file_hash,
    size = excluded.size, crs = excluded.crs, width = excluded.width, height = excluded.height, dtype = excluded.dtype,
    nodata = excluded.nodata, bands = excluded.bands, cell_m = excluded.cell_m, min_zoom = excluded.min_zoom, max_zoom = excluded.max_zoom,
    run_id = excluded.run_id, recorded_at = clock_timestamp(), geom = excluded.geom
"""
_REMOVE: LiteralString = "DELETE FROM gisgrid.rasters WHERE id = %s RETURNING file"


class LoadedRaster(NamedTuple):
    """A raster that a load brought: the number of that run, the hashes that recognise what it loaded, and the raster."""

    run_id: int
    source_file_hash: str
    source_hash: str
    raster: Raster


def list_rasters(connection: psycopg.Connection[Any]) -> list[Raster]:
    """Return the rasters in the order of their ids."""
    with transaction(connection):
        return [_raster(row) for row in connection.execute(_LIST).fetchall()]


def loaded_raster(connection: psycopg.Connection[Any], raster_id: str) -> LoadedRaster | None:
    """Return a raster with the load that brought it; None when there is none of that id, or it was not loaded from a file."""
    with transaction(connection):
        row = connection.execute(_LOADED, [raster_id]).fetchone()
    return None if row is None else LoadedRaster(row[0], row[1], row[2], _raster(row[3:]))


def put_raster(connection: psycopg.Connection[Any], raster: Raster, run_id: int | None = None) -> str | None:
    """Serve a raster, in place of the one of the same id if there is one; return the file of that (it may be the same).

    ``run_id`` is the load that brought it.
    """
    facts = raster.facts
    values = {
        **raster._asdict(),
        **facts._asdict(),
        "bands": json.dumps([band._asdict() for band in facts.bands], ensure_ascii=False),
        "geom": json.dumps({"type": "Polygon", "coordinates": [facts.ring]}),
        "run_id": run_id,
    }
    with transaction(connection):
        before = connection.execute(_FILE, [raster.id]).fetchone()
        connection.execute(_PUT, values)
    return before[0] if before else None


def remove_raster(connection: psycopg.Connection[Any], raster_id: str) -> str:
    """Serve a raster no longer and return its file; raises NotFoundError that lists those there are."""
    with transaction(connection):
        row = connection.execute(_REMOVE, [raster_id]).fetchone()
        known = ", ".join(raster.id for raster in list_rasters(connection))
    if row is None:
        raise NotFoundError(f"There is no raster {raster_id!r}.", f"Rasters: {known}." if known else "There are none yet.")
    return str(row[0])


def _raster(row: Any) -> Raster:
    id, kind, title, attribution, captured_on, data_version, file, file_hash, size, recorded_at, *rest = row
    crs, width, height, dtype, nodata, bands, cell_m, min_zoom, max_zoom, outline = rest
    ring = tuple((lon, lat) for lon, lat in outline["coordinates"][0])
    facts = Facts(crs, width, height, dtype, nodata, tuple(Band(**band) for band in bands), cell_m, min_zoom, max_zoom, ring)
    return Raster(id, kind, title, attribution, captured_on, data_version, file, file_hash, size, facts, recorded_at)
