"""Frames in, frames out: the answers for the rows of a GeoDataFrame, or of a table with two columns of coordinates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gisgrid.crs import Crs, check_point, to_wgs84
from gisgrid.errors import ParameterError
from gisgrid.locator.columns import ADDED_COLUMNS, SHARE_COLUMNS, Columns, OneByOne
from gisgrid.locator.edges import Flags, Floats, Longs
from gisgrid.locator.positions import coordinates_of
from gisgrid.locator.systems import AnyCrs, given_system, lonlat, system_of
from gisgrid.types import Bounds

_PREFIX = "gisgrid_"
_FAR_DEG = 1.0
_NOTHING = ("", "-", "nan", "none", "null", "无")
_NOT_A_DISTANCE = "accuracy_m: {} is not a distance."


class _Rows(NamedTuple):
    """The rows of a frame: coordinates as they are, in which system, and what is wrong with a row that has none to look up.

    ``wrong`` gives status and reason by the number of the row.
    """

    x: Floats
    y: Floats
    system: Any
    wrong: dict[int, tuple[str, str]]


def locate_frame(
    columns_of: Columns,
    frame: pd.DataFrame,
    *,
    columns: Sequence[str] | None = None,
    crs: AnyCrs | None = None,
    names: tuple[str, str] = ("lon", "lat"),
    accuracy_m: float | str | None = None,
) -> geopandas.GeoDataFrame:
    """Return the rows of ``frame`` with their answers in more columns; see ``Locator.locate_frame``."""
    added = _chosen(columns, with_shares=accuracy_m is not None)
    rows = _of_points(frame, crs) if isinstance(frame, geopandas.GeoDataFrame) else _of_columns(frame, crs, names)
    lon, lat = lonlat(rows.system, rows.x, rows.y)
    _explain(rows, lon, lat, columns_of.bounds)
    accuracy = _accuracies(frame, accuracy_m, rows.wrong)
    bad = np.fromiter(rows.wrong, np.int64, len(rows.wrong))
    lon[bad], lat[bad] = np.nan, np.nan
    answers = columns_of.answer(lon, lat, accuracy, added, _singly(rows))
    if "status" in answers:
        answers["status"] = _patched(answers["status"], {row: status for row, (status, _) in rows.wrong.items()})
    answers["reason"] = _patched(pa.nulls(len(frame), pa.string()), {row: reason for row, (_, reason) in rows.wrong.items()})
    answers["wgs84_lon"], answers["wgs84_lat"] = lon, lat
    return _beside(frame, {name: answers[name] for name in added}, lon, lat)


def _singly(rows: _Rows) -> OneByOne | None:
    """Return what converts rows as single positions are, which differs from arrays by some micrometres; None where nothing does."""
    system = rows.system
    if not isinstance(system, Crs):
        return None

    def convert(chosen: Longs) -> tuple[Floats, Floats]:
        """Return longitude and latitude of the chosen rows."""
        pairs = [to_wgs84(system, x, y) for x, y in zip(rows.x[chosen].tolist(), rows.y[chosen].tolist(), strict=True)]
        found = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    return convert


def _chosen(columns: Sequence[str] | None, *, with_shares: bool) -> tuple[str, ...]:
    known = (*ADDED_COLUMNS, *SHARE_COLUMNS) if with_shares else ADDED_COLUMNS
    if columns is None:
        return known
    if isinstance(columns, str) or not columns:
        raise ParameterError("columns", "is no list of columns.", f"a list of any of {', '.join(known)}")
    for place, name in enumerate(columns):
        if name not in known or name in columns[:place]:
            problem = f"{name!r} is there twice." if name in known else f"there is no column {name!r} to add."
            raise ParameterError("columns", problem, f"any of {', '.join(known)}")
    return tuple(columns)


def _of_points(frame: geopandas.GeoDataFrame, crs: AnyCrs | None) -> _Rows:
    points = np.asarray(frame.geometry.array, dtype=object)
    x, y = coordinates_of(points)
    odd = np.flatnonzero(np.isnan(x) | np.isnan(y))
    kinds, empty = shapely.get_type_id(points[odd]).tolist(), shapely.is_empty(points[odd]).tolist()
    wrong: dict[int, tuple[str, str]] = {}
    for row, kind, is_empty in zip(odd.tolist(), kinds, empty, strict=True):
        if kind < 0 or is_empty:
            wrong[row] = ("no_coordinates", f"the geometry is {'missing' if kind < 0 else 'empty'}.")
        elif kind != shapely.GeometryType.POINT:
            wrong[row] = ("invalid", f"the geometry is a {shapely.GeometryType(kind).name.lower()}, not a point.")
    return _Rows(x, y, system_of(frame.crs, crs, "the frame"), wrong)


def _of_columns(frame: pd.DataFrame, crs: AnyCrs | None, names: tuple[str, str]) -> _Rows:
    if not isinstance(frame, pd.DataFrame):
        raise ParameterError("frame", f"{type(frame).__name__} is no table of points.", "a GeoDataFrame of points, or a DataFrame")
    system = given_system(crs)
    wrong: dict[int, tuple[str, str]] = {}
    x, y = (_column(frame, option, name, wrong) for option, name in zip(("lon", "lat"), names, strict=True))
    for row in np.flatnonzero(np.isnan(x) | np.isnan(y)).tolist():
        lost = [name for name, values in zip(names, (x, y), strict=True) if math.isnan(values[row])]
        wrong.setdefault(row, ("no_coordinates", f"{' and '.join(lost)} {'are' if len(lost) > 1 else 'is'} empty."))
    return _Rows(x, y, system, wrong)


def _column(frame: pd.DataFrame, option: str, name: str, wrong: dict[int, tuple[str, str]]) -> Floats:
    """Return a column as numbers, NaN where it has none; note in ``wrong`` the rows that hold something else."""
    if name not in frame.columns:
        raise ParameterError(option, f"there is no column {name!r}.", f"one of the columns there are: {', '.join(map(str, frame.columns))}")
    column = frame[name]
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    for row in np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy()).tolist():
        text = str(column.iloc[row]).strip()
        if text.casefold() not in _NOTHING:
            wrong.setdefault(row, ("invalid", f"{name}: {text[:60]!r} is not a number."))
    return numbers


def _explain(rows: _Rows, lon: Floats, lat: Floats, here: Bounds | None) -> None:
    """Note the rows whose coordinates cannot be meant, and why."""
    x, y = rows.x, rows.y
    for row in np.flatnonzero((x == 0.0) & (y == 0.0)).tolist():
        rows.wrong.setdefault(row, ("no_coordinates", "0, 0 stands for no position."))
    suspect = np.isnan(lon) | np.isnan(lat)
    system, box = rows.system, None
    if isinstance(system, Crs):
        suspect |= system.is_projected & (np.abs(x) <= 180.0) & (np.abs(y) <= 180.0)
        if here is not None:
            box = Bounds(here.west - _FAR_DEG, here.south - _FAR_DEG, here.east + _FAR_DEG, here.north + _FAR_DEG)
            far = np.flatnonzero(~_within(box, lon, lat))
            suspect[far] |= _within(here, *lonlat(system, y[far], x[far]))
    for row in np.flatnonzero(suspect).tolist():
        if row not in rows.wrong:
            reason = _why(system, float(x[row]), float(y[row]), box)
            if reason is not None:
                rows.wrong[row] = ("invalid", reason)


def _within(box: Bounds, lon: Floats, lat: Floats) -> Flags:
    flags: Flags = (lon >= box.west) & (lon <= box.east) & (lat >= box.south) & (lat <= box.north)
    return flags


def _why(system: Any, x: float, y: float, here: Bounds | None) -> str | None:
    """Return what is wrong with a position; None when nothing is."""
    if not isinstance(system, Crs):
        return f"x {x}, y {y} is no position in the frame's coordinate system."
    try:
        to_wgs84(system, x, y)
        check_point(system, x, y, here)
    except ParameterError as error:
        return error.message
    return None


def _accuracies(frame: pd.DataFrame, given: float | str | None, wrong: dict[int, tuple[str, str]]) -> Floats | None:
    """Return the radius of each row's uncertainty in metres, NaN for none; note in ``wrong`` what is no distance."""
    if given is None:
        return None
    if not isinstance(given, str):
        if not 0.0 <= given < math.inf:
            raise ParameterError("accuracy_m", f"{given} is not a distance.", "metres, 0 or more, or the name of a column of them")
        return np.full(len(frame), float(given))
    found = _column(frame, "accuracy_m", given, wrong)
    for row in np.flatnonzero((found < 0.0) | np.isinf(found)).tolist():
        wrong.setdefault(row, ("invalid", _NOT_A_DISTANCE.format(found[row])))
        found[row] = np.nan
    return found


def _patched(column: pa.Array, values: dict[int, str]) -> pa.Array:
    """Return a column of text with some rows replaced."""
    if not values:
        return column
    member = np.arange(len(column))
    member[np.fromiter(values, np.int64, len(values))] = len(column) + np.arange(len(values))
    return pa.concat_arrays([column, pa.array(values.values(), pa.string())]).take(pa.array(member))


def _beside(frame: pd.DataFrame, added: dict[str, Any], lon: Floats, lat: Floats) -> geopandas.GeoDataFrame:
    """Return the frame with the added columns at its right; a table without geometries gets points, in WGS 84."""
    taken = set(frame.columns)
    out = frame.copy(deep=False)
    for name, column in added.items():
        out[_free(name, taken)] = column.to_pandas().array if isinstance(column, pa.Array) else column
    if isinstance(out, geopandas.GeoDataFrame):
        return out
    geometry = _free("geometry", taken)
    return geopandas.GeoDataFrame(out.assign(**{geometry: _points(lon, lat)}), geometry=geometry, crs=4326)


def _free(name: str, taken: set[Any]) -> str:
    while name in taken:
        name = _PREFIX + name
    return name


def _points(lon: Floats, lat: Floats) -> geopandas.array.GeometryArray:
    points: NDArray[Any] = np.empty(len(lon), dtype=object)
    there = ~np.isnan(lon)
    points[there] = shapely.points(lon[there], lat[there])
    return geopandas.array.from_shapely(points)
