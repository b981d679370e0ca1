"""Areas out of a GeoDataFrame: any columns, any coordinate system, and a clear word about rows that cannot be areas."""

from __future__ import annotations

from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gisgrid.crs import CGCS2000, EXPECTED, WGS84, Crs, parse_crs, to_wgs84
from gisgrid.errors import CrsError, ParameterError, SourceError
from gisgrid.locator.areas import AreaTable
from gisgrid.locator.edges import Floats

_MOST_NAMED = 10
_HALF_TURN_DEG = 180.0 - 1e-6
_POLE_DEG = 90.0 - 1e-6
_DEFAULTS = {"name": "name", "parent": "parent_code"}


def area_table(
    frame: geopandas.GeoDataFrame, code: str = "code", name: str = "name", parent: str = "parent_code", crs: Any = None
) -> AreaTable:
    """Return the areas of one level in a GeoDataFrame of polygons, one a row; geometries come out in WGS 84.

    ``code``, ``name`` and ``parent`` are columns: the code of the area, its name, and the code of the area above. Names and codes above
    may be absent under their usual column names, or null. ``crs`` is the coordinate system of the geometries where the frame
    does not say, or says it wrongly (GCJ-02 or BD-09 kept as if it were WGS 84). Invalid polygons are taken as they are, and
    a row without a geometry is an area without a shape.

    Raises CrsError without a coordinate system, ParameterError for a column that is not there, and SourceError, which names the rows
    by their index, for codes that are null, no text or there twice, and for geometries that are no polygons.
    """
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise ParameterError("frame", f"{type(frame).__name__} is no table of areas.", "a GeoDataFrame of polygons")
    codes = _codes(_column(frame, code, "code"), code)
    names = _texts(frame, name, "name")
    parents = _texts(frame, parent, "parent")
    shapes = np.asarray(frame.geometry.array, dtype=object)
    _check_shapes(frame.index, shapes)
    return AreaTable(codes, [text or "" for text in names], parents, _to_wgs84(frame, shapes, crs))


def system_of(declared: Any, given: Any, what: str) -> Crs | Any:
    """Return the coordinate system of data: the one that is given, else the one declared in them (a pyproj CRS or None).

    What is given is a name, a number in the EPSG register, a pyproj CRS or a ``Crs``; None when nothing is. What comes out is a
    ``Crs`` where it is one of ours or in the EPSG register, else the pyproj CRS. Raises CrsError when there is none.
    """
    if isinstance(given, Crs):
        return given
    if isinstance(given, int):
        return parse_crs(f"EPSG:{given}")
    if given is not None and not hasattr(given, "to_authority"):
        return parse_crs(given)
    declared = declared if given is None else given
    if declared is None:
        raise CrsError(f"{what} does not say its coordinate system, and none is assumed.", f"crs={EXPECTED}")
    authority = declared.to_authority()
    if authority is not None and authority[0] == "EPSG":
        return parse_crs(f"EPSG:{authority[1]}")
    return parse_crs("wgs84") if authority == ("OGC", "CRS84") else declared


def lonlat(system: Crs | Any, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return WGS 84 degrees of coordinates in what ``system_of`` gives; NaN in both where there is no position."""
    if isinstance(system, Crs):
        return to_wgs84(system, x, y)
    points = geopandas.GeoSeries(geopandas.points_from_xy(x, y), crs=system).to_crs(4326)
    lon, lat = points.x.to_numpy(), points.y.to_numpy()
    good = np.isfinite(lon) & np.isfinite(lat)
    return np.where(good, lon, np.nan), np.where(good, lat, np.nan)


def _column(frame: geopandas.GeoDataFrame, column: str, option: str) -> pd.Series[Any]:
    if column not in frame.columns:
        raise ParameterError(
            option, f"there is no column {column!r}.", f"one of the columns there are: {', '.join(map(str, frame.columns))}"
        )
    found: pd.Series[Any] = frame[column]
    return found


def _codes(column: pd.Series[Any], name: str) -> list[str]:
    """Return the codes as text, checked."""
    values = column.tolist()
    missing = [label for label, value in zip(column.index, values, strict=True) if _is_null(value) or not str(value).strip()]
    if missing:
        raise SourceError(
            f"{_rows(missing)} no code in column {name!r}.",
            "Give every area a code.",
        )
    odd = [label for label, value in zip(column.index, values, strict=True) if not isinstance(value, (str, int, np.integer))]
    if odd:
        raise SourceError(
            f"{_rows(odd)} a code in column {name!r} that is neither text nor a whole number.",
            "Read that column as text, so that codes keep their digits.",
        )
    codes = pd.Series([str(value) for value in values], index=column.index, dtype=object)
    again = codes[codes.duplicated(keep=False)]
    if len(again):
        first = again.iloc[0]
        labels = again.index[again == first].tolist()
        raise SourceError(
            f"{again.nunique()} codes are there more than once, such as {first!r} in rows {_listed(labels)}.",
            "A code names one area of a level.",
        )
    return codes.tolist()


def _texts(frame: geopandas.GeoDataFrame, column: str, option: str) -> list[str | None]:
    """Return a column of texts, None where it is null; all None when the usual column is not there."""
    if column not in frame.columns and column == _DEFAULTS[option]:
        return [None] * len(frame)
    return [None if _is_null(value) else str(value) for value in _column(frame, column, option).tolist()]


def _is_null(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value))


def _check_shapes(index: pd.Index[Any], shapes: NDArray[Any]) -> None:
    kinds = shapely.get_type_id(shapes)
    wrong = np.flatnonzero(~np.isin(kinds, (-1, shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)))
    if wrong.size:
        kind = shapely.GeometryType(kinds[wrong[0]]).name.lower()
        raise SourceError(
            f"{_rows(index[wrong].tolist())} a geometry that is no polygon, such as a {kind}.",
            "Areas are polygons or multipolygons; leave other rows out.",
        )


def _to_wgs84(frame: geopandas.GeoDataFrame, shapes: NDArray[Any], crs: Any) -> NDArray[Any]:
    """Return the shapes in WGS 84, in two dimensions."""
    system = system_of(frame.crs, crs, "the frame")
    flat = shapely.force_2d(shapes)
    coordinates, owner = shapely.get_coordinates(flat, return_index=True)
    converted = np.column_stack(lonlat(system, coordinates[:, 0], coordinates[:, 1]))
    lost = np.unique(owner[np.isnan(converted).any(axis=1)])
    if lost.size:
        lost_rows = _rows(frame.index[lost].tolist())
        raise SourceError(f"{lost_rows} coordinates that are no positions in {system}.", "Give the coordinate system they are in.")
    torn = np.unique(owner[:-1][_tears(system, flat, coordinates, converted)])
    if torn.size:
        raise SourceError(
            f"{_rows(frame.index[torn].tolist())} edges across the 180th meridian or around a pole, where degrees do not go on.",
            "Give such areas in degrees (EPSG:4326), cut at 180 degrees.",
        )
    moved: NDArray[Any] = shapely.transform(flat, lambda _: converted)
    return moved


def _tears(system: Crs | Any, shapes: NDArray[Any], given: Floats, degrees: Floats) -> NDArray[np.bool_]:
    """Return which edges, from each vertex to the next, leave the degrees at one end and come back at the other.

    In degrees they would go the other way around the world. Such an edge turns half the world or more, and its middle does not
    lie between its ends.
    """
    wide = np.abs(np.diff(degrees[:, 0])) >= _HALF_TURN_DEG
    if system in (WGS84, CGCS2000) or not wide.any():
        return np.zeros(len(wide), bool)
    rings = shapely.get_rings(shapely.get_parts(shapes))
    _, ring = shapely.get_coordinates(rings, return_index=True)
    edges = np.flatnonzero(wide & (ring[1:] == ring[:-1]))
    lon, lat = lonlat(system, *((given[edges] + given[edges + 1]) / 2.0).T)
    ends = np.sort(np.column_stack([degrees[edges, 0], degrees[edges + 1, 0]]), axis=1)
    torn = ~((lon > ends[:, 0]) & (lon < ends[:, 1]) & (np.abs(lat) < _POLE_DEG))
    wide[:] = False
    wide[edges[torn]] = True
    return wide


def _rows(labels: list[Any]) -> str:
    return f"Row {_listed(labels)} has" if len(labels) == 1 else f"Rows {_listed(labels)} have"


def _listed(labels: list[Any]) -> str:
    more = len(labels) - _MOST_NAMED
    return ", ".join(map(str, labels[:_MOST_NAMED])) + (f" and {more:,} more" if more > 0 else "")
