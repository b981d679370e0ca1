"""One raster of a description: a GeoTIFF, and what it shows."""

from __future__ import annotations

import math
from datetime import date
from typing import Literal

from pydantic import Field, field_validator

from gisgrid.crs import parse_crs
from gisgrid.errors import CrsError
from ingest.description.rules import Model


class RasterSource(Model):
    """One raster: a GeoTIFF that is served as tiles, as values, and as a file."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="Name of the raster, for good: it is served under it.")
    path: str = Field(min_length=1, description="GeoTIFF, relative to the folder of the description or to --root.")
    kind: Literal["orthophoto", "elevation", "other"] | None = Field(
        default=None,
        description="What it shows: `orthophoto`, `elevation` (heights in metres) or `other`; by default what its bands look like.",
    )
    title: str = Field(default="", max_length=200, description="Title for people; by default the id.")
    attribution: str = Field(default="", max_length=500, description="What maps of it must say.")
    captured_on: date | None = Field(default=None, description="Day that it shows, such as 2026-05-31.")
    crs: str | None = Field(default=None, description="Coordinate system, such as EPSG:4549; wins over what the file says.")
    nodata: float | None = Field(default=None, description="Value that stands for none, such as -9999; wins over what the file says.")

    @field_validator("crs")
    @classmethod
    def _can_hold_cells(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            crs = parse_crs(value)
        except CrsError as error:
            raise ValueError(f"{value!r} is not a coordinate system that is known. {error.hint}".strip()) from None
        if crs.epsg is None:
            raise ValueError(f"cells are not straight in {crs}: shift the raster back to wgs84 first, and declare that")
        return value

    @field_validator("nodata")
    @classmethod
    def _a_value(cls, value: float | None) -> float | None:
        if value is not None and math.isinf(value):
            raise ValueError("`nodata` is a number, or nan")
        return value
