"""Areas out of a GeoDataFrame: any columns, any coordinate system, and a clear word about rows that cannot be areas."""

from __future__ import annotations

from functools import partial
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gisgrid.crs import CGCS2000, WGS84
from gisgrid.errors import ParameterError, SourceError
from gisgrid.locator.areas import AreaTable
from gisgrid.locator.reprojecting import Reprojected, reprojected
from gisgrid.locator.systems import AnyCrs, lonlat, system_of

_MOST_NAMED = 10
_DEFAULTS = {"name": "name", "parent": "parent_code"}


def area_table(
    frame: geopandas.GeoDataFrame, code: str = "code", name: str = "name", parent: str = "parent_code", crs: AnyCrs | None = None
) -> AreaTable:
    """Return the areas of one level in a GeoDataFrame of polygons, one a row; geometries come out in WGS 84.

    ``code``, ``name`` and ``parent`` are columns: the code of the area, its name, and the code of the area above. Names and codes above
    may be absent under their usual column names, or null. ``crs`` is the coordinate system of the geometries where the frame
    does not say, or says it wrongly (GCJ-02 or BD-09 kept as if it were WGS 84). Invalid polygons are taken as they are. Edges that
    are straight in another system get points in between where they are bent in degrees, see ``reprojecting``.

    Raises CrsError without a coordinate system, ParameterError for a column that is not there, and SourceError, which names the rows
    by their index, for codes that are null, no text or there twice, for geometries that are missing, empty or no polygons, and for
    polygons across the 180th meridian or around a pole in a system other than degrees; SourceError for a frame without rows.
    """
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise ParameterError("frame", f"{type(frame).__name__} is no table of areas.", "a GeoDataFrame of polygons")
    if frame.empty:
        raise SourceError("The frame has no rows.", "See whether the file was read whole; leave a level out that has no areas.")
    codes = _codes(_column(frame, code, "code"), code)
    names = _texts(frame, name, "name")
    parents = _texts(frame, parent, "parent")
    shapes = np.asarray(frame.geometry.array, dtype=object)
    _check_shapes(frame.index, shapes)
    return AreaTable(codes, [text or "" for text in names], parents, _to_wgs84(frame, shapes, crs))


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
    bare = np.flatnonzero((kinds < 0) | shapely.is_empty(shapes))
    if bare.size:
        raise SourceError(
            f"{_rows(index[bare].tolist())} no geometry, or an empty one.", "Give every area a polygon, or leave the row out."
        )


def _to_wgs84(frame: geopandas.GeoDataFrame, shapes: NDArray[Any], crs: AnyCrs | None) -> NDArray[Any]:
    """Return the shapes in WGS 84, in two dimensions."""
    system = system_of(frame.crs, crs, "the frame")
    flat: NDArray[Any] = shapely.force_2d(shapes)
    if system in (WGS84, CGCS2000):
        coordinates, owner = shapely.get_coordinates(flat, return_index=True)
        found = Reprojected(flat, np.unique(owner[np.isnan(lonlat(system, *coordinates.T)[0])]), np.empty(0, np.int64))
    else:
        found = reprojected(flat, partial(lonlat, system))
    if found.lost.size:
        lost = _rows(frame.index[found.lost].tolist())
        raise SourceError(f"{lost} coordinates that are no positions in {system}.", "Give the coordinate system they are in.")
    if found.torn.size:
        raise SourceError(
            f"{_rows(frame.index[found.torn].tolist())} edges across the 180th meridian or around a pole, where degrees do not go on.",
            "Split such areas at 180 degrees, or give them in degrees (EPSG:4326).",
        )
    return found.shapes


def _rows(labels: list[Any]) -> str:
    return f"Row {_listed(labels)} has" if len(labels) == 1 else f"Rows {_listed(labels)} have"


def _listed(labels: list[Any]) -> str:
    more = len(labels) - _MOST_NAMED
    return ", ".join(map(str, labels[:_MOST_NAMED])) + (f" and {more:,} more" if more > 0 else "")
