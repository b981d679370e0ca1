"""The command ``gisgrid coverage``: a GeoTIFF of how many cameras see each cell of the district, with the blind spots."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import psycopg
import rasterio
import shapely
import typer

from gisgrid.crs import projected_for
from gisgrid.db import Database, open_database, reading
from gisgrid.db.database import transaction
from gisgrid.db.rasters import list_rasters, put_raster
from gisgrid.deployment import Deployment, load_deployment
from gisgrid.errors import UsageError
from gisgrid.locator import PointTable
from gisgrid.progress import progress_bar
from gisgrid.services.rasters import About, made, throw_away
from gisgrid.settings import load_settings
from gisgrid.sight import SightIndex
from gisgrid.types import Bounds
from tiles.coverage import Summary, grid_over, write_coverage

_TITLE = "摄像头覆盖 Camera coverage"


def coverage(
    out: Annotated[Path, typer.Argument(help="GeoTIFF to write.", show_default=False)],
    *,
    cell: Annotated[float, typer.Option(help="Size of a cell, metres.")] = 5.0,
    height: Annotated[float, typer.Option(help="How high above the ground what is to be seen is, metres.")] = 0.0,
    serve: Annotated[bool, typer.Option("--serve", help="Put it into service as a raster too.")] = False,
    id: Annotated[str, typer.Option("--id", help="Name of the raster, with --serve.")] = "camera_coverage",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Write how many cameras see each cell of the district as a GeoTIFF: 0 is a blind spot, 65535 is outside.

    Band 1 counts the cameras that see or probably see the middle of a cell, band 2 those that see it for sure.
    """
    if out.suffix.lower() not in {".tif", ".tiff"}:
        raise UsageError(f"{out} does not end in .tif.", "What is written is a GeoTIFF.")
    settings = load_settings()
    deployment, database = load_deployment(settings.deployment), open_database(settings)
    if serve:
        _require_free(database, id)
    with reading.snapshot(database) as connection:
        version = reading.read_position(connection).version
        area = _area(connection, deployment)
        cameras, buildings = reading.read_points(connection, "cameras"), reading.read_footprints(connection, "buildings")
    tags = {"DATA_VERSION": str(version), "MADE_AT": datetime.now(UTC).isoformat(timespec="seconds"), "HEIGHT_M": f"{height:g}"}
    with progress_bar("Coverage", quiet=quiet, unit="cells") as progress:
        box = Bounds(*area.bounds) if not area.is_empty else deployment.box
        grid = grid_over(area, projected_for(box, deployment.projected_crs), cell)
        found = write_coverage(out, SightIndex(cameras, buildings), area, grid, height, tags=tags, progress=progress)
    if serve:
        _serve(database, settings.home, out, About(id, "coverage", _TITLE, deployment.attribution, None, version))
    if not quiet:
        sys.stdout.write(_told(out, found, cell, cameras, id if serve else None))


def _area(connection: psycopg.Connection, deployment: Deployment) -> shapely.Geometry:
    """Return the areas of the largest level that there is, as one."""
    for level in deployment.levels:
        found = reading.read_areas(connection, level)
        if len(found.codes):
            return shapely.union_all(np.asarray(found.geometries))
    return shapely.MultiPolygon()


def _require_free(database: Database, raster_id: str) -> None:
    """Raise UsageError when a raster of another kind is served under an id: it would be lost."""
    with database.connect() as connection:
        for raster in list_rasters(connection):
            if raster.id == raster_id and raster.kind != "coverage":
                raise UsageError(f"Raster {raster_id!r} is of kind {raster.kind}.", "Give this one another name with --id.")


def _serve(database: Database, home: Path, path: Path, about: About) -> None:
    with (
        rasterio.open(path) as dataset,
        made(home, database.address, about, dataset) as ready,
        database.connect() as connection,
        transaction(connection),
    ):
        old = put_raster(connection, ready.raster)
        ready.put_in_place()
    if old != ready.raster.file:
        throw_away(home, old)


def _told(out: Path, found: Summary, cell_m: float, cameras: PointTable, raster_id: str | None) -> str:
    share = 100.0 * found.blind / found.cells if found.cells else 0.0
    km2 = found.blind * cell_m * cell_m / 1e6
    lines = [
        f"{out}: {found.cells:,} cells of {cell_m:g} m, {len(cameras.ids):,} cameras.",
        f"Blind spots: {found.blind:,} cells, {share:.1f} % ({km2:.2f} km2). Seen for sure: {found.sure:,} cells.",
    ]
    if raster_id is not None:
        lines.append(f"Served as /rasters/{raster_id}.json.")
    return "\n".join(lines) + "\n"
