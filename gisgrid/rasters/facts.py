"""What is known of a raster that is served: its file, its cells, its place, and what its values stand for."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from gisgrid.types import Bounds

Kind = Literal["orthophoto", "elevation", "coverage", "other"]
"""What a raster shows: a picture from above, heights in metres, how many cameras see a place, or anything else."""

KINDS: tuple[Kind, ...] = get_args(Kind)
"""All kinds."""


class Band(NamedTuple):
    """One band: its description in the file (may be empty), and its values in the unit of the file.

    ``low`` and ``high`` hold 96 % of the values between them, which is what a picture is stretched over. All four are of the
    cells that hold a value.
    """

    name: str
    minimum: float
    maximum: float
    low: float
    high: float


class Facts(NamedTuple):
    """What a GeoTIFF says of itself.

    ``crs`` is ``EPSG:n``, or WKT where no number is known. ``nodata`` is what stands for no value, None where nothing does (or a mask).
    ``cell_m`` is the size of a cell on the ground, metres (the smaller side). ``ring`` runs around it: longitude and latitude in degrees,
    WGS 84. Zooms are those at which the whole is some 64 pixels wide, and a cell at least one.
    """

    crs: str
    width: int
    height: int
    dtype: str
    nodata: float | None
    bands: tuple[Band, ...]
    cell_m: float
    min_zoom: int
    max_zoom: int
    ring: tuple[tuple[float, float], ...]

    @property
    def bounds(self) -> Bounds:
        """The box around it, degrees, WGS 84."""
        lon, lat = zip(*self.ring, strict=True)
        return Bounds(min(lon), min(lat), max(lon), max(lat))


class Raster(NamedTuple):
    """A raster as it is served: ``file`` is a name in the folder of rasters, ``file_hash`` the SHA-256 of its ``size`` bytes.

    ``captured_on`` is the day that it shows, where somebody said so; ``data_version`` the version of the data that it was made from, of
    those that gisgrid makes itself.
    """

    id: str
    kind: Kind
    title: str
    attribution: str
    captured_on: date | None
    data_version: int | None
    file: str
    file_hash: str
    size: int
    facts: Facts
    recorded_at: datetime | None = None


def raster_folder(home: Path) -> Path:
    """Return the folder that the files of rasters lie in; every server of a deployment needs the same."""
    return home / "rasters"
