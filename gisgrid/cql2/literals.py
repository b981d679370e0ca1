"""The literals of a filter: numbers, texts, dates, boxes and shapes, each checked and written in one way."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from datetime import date as Date
from typing import Any

import shapely

from gisgrid.cql2.filter import Json, refused

GREATEST = 1e15
"""The greatest number: beyond it whole numbers are not exact."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})")
OPEN = ".."
"""The end of an interval that has none."""


def number(value: float) -> Json:
    """Return a number; a whole one as integer, so that 3 and 3.0 are the same. Raises ParameterError for one that is too great."""
    if not math.isfinite(value) or abs(value) > GREATEST:
        raise refused("a number is too great.", f"{-GREATEST:g} to {GREATEST:g}")
    return int(value) if value == int(value) else float(value)


def text(value: str) -> Json:
    """Return a text; raises ParameterError for one with a null character in it, which no field can hold."""
    if "\0" in value:
        raise refused("a text has a null character in it.")
    return value


def date(value: Any) -> dict[str, str]:
    """Return a date; raises ParameterError when it is none."""
    if not isinstance(value, str) or not _DATE.fullmatch(value) or not _exists(value, Date.fromisoformat):
        raise refused(f"{str(value)[:40]!r} is not a date.", "DATE('YYYY-MM-DD')")
    return {"date": value}


def timestamp(value: Any) -> dict[str, str]:
    """Return an instant, in UTC; raises ParameterError when it is none."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value) or not _exists(value, _instant):
        raise refused(f"{str(value)[:40]!r} is not an instant.", "TIMESTAMP('YYYY-MM-DDThh:mm:ssZ')")
    return {"timestamp": _instant(value).isoformat().replace("+00:00", "Z")}


def interval(ends: Any, inner: Callable[[Any], Json]) -> Json:
    """Return an interval of dates; its ends are dates as text, ``..`` or what ``inner`` makes of something else."""
    if not isinstance(ends, list) or len(ends) != 2:
        raise refused("an interval has two ends.", "INTERVAL('2024-01-01', '..')")
    return {"interval": [_end(end, inner) for end in ends]}


def _end(end: Any, inner: Callable[[Any], Json]) -> Json:
    """Return an end of an interval; dates and instants are plain texts there."""
    if not isinstance(end, str):
        made = inner(end)
        return made.get("date", made) if isinstance(made, dict) else made
    return OPEN if end == OPEN else timestamp(end)["timestamp"] if "T" in end else date(end)["date"]


def bbox(sides: Any) -> Json:
    """Return a box: west, south, east, north in degrees (CRS84); raises ParameterError when it is none."""
    if not isinstance(sides, list) or len(sides) != 4 or not all(_is_number(side) for side in sides):
        raise refused("a box has four sides.", "BBOX(west, south, east, north)")
    west, south, east, north = sides
    if not (_is_lon(west) and _is_lon(east) and _is_lat(south) and _is_lat(north)) or south > north:
        raise refused("the sides of a box are no place on earth.", "BBOX(west, south, east, north) in degrees")
    return {"bbox": [number(side) for side in sides]}


def geometry(value: dict[str, Any]) -> Json:
    """Return a shape as GeoJSON (CRS84, two dimensions); raises ParameterError when it is none, is empty or not valid."""
    try:
        shape = shapely.geometry.shape(value)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError):
        raise refused("a shape cannot be read.", "a shape such as POINT(120.38 36.09)") from None
    if shape.is_empty or shape.has_z:
        raise refused("a shape is empty or has heights.", "a shape in two dimensions with at least one point")
    west, south, east, north = shape.bounds
    if not (_is_lon(west) and _is_lon(east) and _is_lat(south) and _is_lat(north)):
        raise refused("a shape is no place on earth.", "longitude and latitude in degrees, in that order")
    if not shape.is_valid:
        raise refused(f"a shape is not valid: {shapely.is_valid_reason(shape)[:80]}.")
    return _geojson(shape)


def _geojson(shape: Any) -> Json:
    if shape.geom_type == "GeometryCollection":
        return {"type": shape.geom_type, "geometries": [_geojson(part) for part in shape.geoms]}
    return {"type": shape.geom_type, "coordinates": _listed(shapely.geometry.mapping(shape)["coordinates"])}


def _listed(coordinates: Any) -> Any:
    return number(coordinates) if isinstance(coordinates, int | float) else [_listed(part) for part in coordinates]


def _instant(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


def _exists(value: str, read: Callable[[str], object]) -> bool:
    try:
        read(value)
    except (ValueError, OverflowError):
        return False
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_lon(value: float) -> bool:
    return -180.0 <= value <= 180.0


def _is_lat(value: float) -> bool:
    return -90.0 <= value <= 90.0
