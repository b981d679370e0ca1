"""Positions in whatever holds them: numbers, NumPy, pandas, Arrow, shapely; and answers put back into the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gisgrid.crs import Crs, to_wgs84
from gisgrid.errors import ParameterError
from gisgrid.locator.edges import Floats, Ints
from gisgrid.locator.systems import AnyCrs, given_system, lonlat, system_of

_HOLDERS = "numbers, arrays, pandas Series, Arrow arrays, or points (a GeoSeries, shapely points)"

Put = Callable[[Ints, list[str]], Any]
"""Puts codes, given by their numbers (-1: none), into the shape that positions came in."""


class Positions(NamedTuple):
    """Positions in degrees, WGS 84 (NaN for none), one-dimensional, and what puts answers back into the shape they came in."""

    lon: Floats
    lat: Floats
    put: Put


def positions_of(first: Any, second: Any, crs: AnyCrs | None) -> Positions:
    """Return the positions in ``first`` and ``second``, longitude and latitude or easting and northing, or in ``first`` alone: points.

    ``crs`` may be left out only where the points say their own. Raises CrsError without a system; ParameterError for what
    holds no positions, and for a single position that cannot be meant.
    """
    if first is None:
        raise ParameterError("lon", "there is no position.", _HOLDERS)
    if second is None:
        return _of_points(first, crs)
    system = given_system(crs)
    if _is_number(first) and _is_number(second) and isinstance(system, Crs):
        lon, lat = to_wgs84(system, float(first), float(second))
        return Positions(np.array([lon]), np.array([lat]), _put_one)
    if isinstance(first, pd.Series) and isinstance(second, pd.Series) and not first.index.equals(second.index):
        raise ParameterError("lat", "its index is not that of lon.", "two columns of one table, or second.reindex(first.index)")
    x, y = _numbers("lon", first), _numbers("lat", second)
    if x.shape != y.shape:
        try:
            x, y = np.broadcast_arrays(x, y)
        except ValueError:
            raise ParameterError("lat", f"its shape is {y.shape}, that of lon {x.shape}.", "as many of the one as of the other") from None
    put = next((found for found in (_putter(first), _putter(second)) if found is not None), None) or _put_array(x.shape)
    return Positions(*lonlat(system, x.ravel(), y.ravel()), put)


def _of_points(points: Any, crs: AnyCrs | None) -> Positions:
    """Return the positions of shapely points in a GeoSeries, an array, a list, or of a single one."""
    put = _putter(points)
    try:
        shapes = np.asarray(points, dtype=object)
        kinds = shapely.get_type_id(shapes)
    except TypeError:
        raise ParameterError("lon", "there is no lat, and it holds no points.", _HOLDERS) from None
    if not np.isin(kinds, (-1, shapely.GeometryType.POINT)).all():
        raise ParameterError("lon", "some of its geometries are no points.", "points alone")
    x, y = coordinates_of(shapes.ravel())
    lon, lat = lonlat(system_of(getattr(points, "crs", None), crs, "what holds the points"), x, y)
    return Positions(lon, lat, put or (_put_one if shapes.ndim == 0 else _put_array(shapes.shape)))


def coordinates_of(points: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return x and y of shapely points, NaN for None, an empty point and anything else."""
    usable = (shapely.get_type_id(points) == shapely.GeometryType.POINT) & ~shapely.is_empty(points)
    if usable.all():
        return shapely.get_x(points), shapely.get_y(points)
    x, y = np.full(len(points), np.nan), np.full(len(points), np.nan)
    x[usable], y[usable] = shapely.get_x(points[usable]), shapely.get_y(points[usable])
    return x, y


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _numbers(name: str, values: Any) -> Floats:
    """Return values as numbers, NaN for what is missing; text is refused, even of digits, and so are true and false."""
    try:
        if isinstance(values, pa.ChunkedArray):
            values = values.combine_chunks()
        if isinstance(values, pa.Array):
            return _of_arrow(values)
        found = np.asarray(values.to_numpy() if isinstance(values, pd.Series) else values)
        is_odd = found.dtype.kind in "bSU" or (found.dtype == object and any(isinstance(value, (str, bytes, bool)) for value in found.flat))
        if is_odd:
            raise TypeError
        if isinstance(values, pd.Series):
            return values.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ParameterError(name, f"{type(values).__name__} holds what is no number.", _HOLDERS) from None


def _of_arrow(values: pa.Array) -> Floats:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not any(fits(kind) for fits in (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, pa.types.is_null)):
        raise TypeError
    numbers: Floats = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def _putter(values: Any) -> Put | None:
    """Return what puts codes into the kind of thing that ``values`` is; None for NumPy and what becomes NumPy."""
    if isinstance(values, (pd.Series, geopandas.GeoSeries)):
        return lambda number, codes: pd.Series(_texts(number, codes).to_pandas().array, index=values.index)
    if isinstance(values, pa.ChunkedArray):
        return lambda number, codes: pa.chunked_array([_dictionary(number, codes)])
    return _dictionary if isinstance(values, pa.Array) else None


def _put_one(number: Ints, codes: list[str]) -> str | None:
    return codes[number[0]] if number[0] >= 0 else None


def _put_array(shape: tuple[int, ...]) -> Put:
    def put(number: Ints, codes: list[str]) -> NDArray[Any]:
        found = np.empty(len(codes) + 1, dtype=object)
        found[:-1] = codes
        taken: NDArray[Any] = found[number].reshape(shape)
        return taken

    return put


def _dictionary(number: Ints, codes: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(number, pa.int32(), mask=number < 0), pa.array(codes, pa.string()))


def _texts(number: Ints, codes: list[str]) -> pa.Array:
    return pa.array(codes, pa.string()).take(pa.array(number, mask=number < 0))
