"""Frames in, frames out: the rows of a frame as Arrow tables to ask about, and the answers as more columns beside them.

The columns are those of ``gisgrid batch`` and of ``Locator.locate_frame``. Only who brings a frame imports this module, and
GeoPandas with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gisgrid.client.calls import Call, named, written
from gisgrid.errors import CrsError, ParameterError

AREAS = ("grid", "community", "street", "district")

COLUMNS = (
    *("status", *(name for area in AREAS for name in (area, f"{area}_name")), "distance_to_edge_m", "on_edge"),
    *("candidates", "nearest", "nearest_distance_m", "responsible_unit", "wgs84_lon", "wgs84_lat", "reason"),
)
"""The columns that are added, in order."""

SHARES = ("candidate_shares", "outside_share")
"""What is added after them with an accuracy."""

DEFAULT_ROWS = 100_000
"""Rows in one request."""

_MEDIA = "application/vnd.apache.arrow.stream"
_POSITION = ("wgs84_lon", "wgs84_lat")
_NUMBERS = ("distance_to_edge_m", "nearest_distance_m", "outside_share", *_POSITION)
_PREFIX = "gisgrid_"

Problem = tuple[str, str]
"""Status and reason of a row that has no answer."""


class Wanted(NamedTuple):
    """What a caller wants to know of a frame: ``columns`` to add (None: all), of positions in the columns ``names``, as of when."""

    columns: Sequence[str] | None
    crs: str | None
    names: tuple[str, str]
    accuracy_m: float | str | None
    as_of: datetime | str | None


class Asked(NamedTuple):
    """What is asked about a frame: ``rows`` are coordinates (and accuracies) to send, with ``parameters``.

    ``added`` are the columns to come back. ``wrong`` tells by number of rows whose geometry is no place.
    """

    rows: pa.Table
    parameters: Mapping[str, str]
    added: tuple[str, ...]
    wrong: Mapping[int, Problem]

    def call(self, part: pa.Table) -> Call[pa.Table]:
        """Return the request for some of the rows; its answer is a table of the added columns and the positions."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, part.schema) as writer:
            writer.write_table(part)
        return Call("/locate/batch", self.parameters, sink.getvalue().to_pybytes(), self._read, _MEDIA)

    def _read(self, content: bytes) -> pa.Table:
        # The last columns, whatever they are called: one whose name was taken already has a prefix.
        names = _sent(self.added)
        table = pa.ipc.open_stream(content).read_all()
        return table.select(range(table.num_columns - len(names), table.num_columns)).rename_columns(names)


class Slices:
    """The rows of a table in parts of at most ``size``; who finds that this is more than a server takes may make it smaller."""

    def __init__(self, table: pa.Table, size: int) -> None:
        if size < 1:
            raise ParameterError("piece", f"{size} is no number of rows.", "a number, 1 or more")
        self._table, self._size = table, size

    def __iter__(self) -> Iterator[pa.Table]:
        start = 0
        while start < len(self._table):
            part = self._table.slice(start, self._size)
            start += len(part)
            yield part

    def halves(self, part: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Return a part that was too large in two; the next ones will be no larger than these."""
        half = (len(part) + 1) // 2
        self._size = min(self._size, half)
        return part.slice(0, half), part.slice(half)


def asked_of(frame: pd.DataFrame, wanted: Wanted, default_crs: str | None) -> Asked:
    """Return what is asked about the rows of a frame: its points in their own coordinate system, or two columns in ``crs``.

    Raises CrsError where no coordinate system is named, ParameterError for columns that are not there and for what is no frame.
    """
    added = _chosen(wanted.columns, with_shares=wanted.accuracy_m is not None)
    wrong: dict[int, Problem] = {}
    if isinstance(frame, geopandas.GeoDataFrame):
        names = ("lon", "lat")
        crs, coordinates = _of_points(frame, wanted.crs, default_crs, wrong)
    elif isinstance(frame, pd.DataFrame):
        names, crs = wanted.names, named(wanted.crs or default_crs)
        coordinates = [_column_of(frame, option, name) for option, name in zip(("lon", "lat"), names, strict=True)]
    else:
        raise ParameterError("frame", f"{type(frame).__name__} is no table of points.", "a GeoDataFrame of points, or a DataFrame")
    sent = dict(zip(names, coordinates, strict=True))
    options: dict[str, object] = {"crs": crs, "lon": names[0], "lat": names[1], "as_of": wanted.as_of, "columns": _sent(added)}
    if isinstance(wanted.accuracy_m, str):
        name = wanted.accuracy_m if wanted.accuracy_m not in sent else f"{_PREFIX}accuracy_m"
        sent[name] = _column_of(frame, "accuracy_m", wanted.accuracy_m)
        options["accuracy_column"] = name
    else:
        options["accuracy_m"] = wanted.accuracy_m
    return Asked(pa.table(sent), written(options), added, wrong)


def _sent(added: Sequence[str]) -> list[str]:
    """Return the columns to ask for: those to add, and the position, which the points of a table are made of."""
    return [*added, *(name for name in _POSITION if name not in added)]


def _of_points(
    frame: geopandas.GeoDataFrame, crs: str | None, default_crs: str | None, wrong: dict[int, Problem]
) -> tuple[str, list[pa.Array]]:
    """Return the coordinate system under which the server knows points, and their coordinates; note in ``wrong`` what is no point."""
    geometries, system = frame.geometry, crs or default_crs
    if crs is None and frame.crs is not None:
        system = _number_of(frame.crs)
        if system is None:  # the server cannot know it
            geometries, system = geometries.to_crs(4326), "wgs84"
    if system is None:
        raise CrsError("the frame does not say its coordinate system, and none is assumed.", "crs here, or for the whole client")
    points = np.asarray(geometries.array, dtype=object)
    kinds, is_empty = shapely.get_type_id(points), shapely.is_empty(points)
    good = (kinds == shapely.GeometryType.POINT) & ~is_empty
    for row in np.flatnonzero(~good).tolist():
        wrong[row] = _problem(int(kinds[row]), is_empty=bool(is_empty[row]))
    usable: Any = np.where(good, points, np.array(None))
    return system, [pa.array(coordinate(usable), from_pandas=True) for coordinate in (shapely.get_x, shapely.get_y)]


def _number_of(system: Any) -> str | None:
    """Return the name under which a server knows a pyproj CRS; None when it has no number of its own, or more than two axes."""
    authority = system.to_authority()
    if authority == ("OGC", "CRS84"):
        return "wgs84"
    if authority is None or authority[0] != "EPSG" or len(system.axis_info) != 2:
        return None
    return f"EPSG:{authority[1]}"


def _problem(kind: int, *, is_empty: bool) -> Problem:
    if kind < 0 or is_empty:
        return ("no_coordinates", f"the geometry is {'missing' if kind < 0 else 'empty'}.")
    return ("invalid", f"the geometry is a {shapely.GeometryType(kind).name.lower()}, not a point.")


def _column_of(frame: pd.DataFrame, option: str, name: str) -> pa.Array:
    """Return a column as numbers where it has numbers, else as text, of which the server says what is none."""
    if name not in frame.columns:
        raise ParameterError(option, f"there is no column {name!r}.", f"one of the columns there are: {', '.join(map(str, frame.columns))}")
    column = frame[name]
    if pd.api.types.is_numeric_dtype(column):
        return pa.array(column.to_numpy(dtype=np.float64, na_value=np.nan), from_pandas=True)
    return pa.array([None if pd.isna(cell) else str(cell) for cell in column], pa.string())


def _chosen(columns: Sequence[str] | None, *, with_shares: bool) -> tuple[str, ...]:
    known = (*COLUMNS, *SHARES) if with_shares else COLUMNS
    if columns is None:
        return known
    if isinstance(columns, str) or not columns:
        raise ParameterError("columns", "is no list of columns.", f"a list of any of {', '.join(known)}")
    for place, name in enumerate(columns):
        if name not in known or name in columns[:place]:
            problem = f"{name!r} is there twice." if name in known else f"there is no column {name!r} to add."
            raise ParameterError("columns", problem, f"any of {', '.join(known)}")
    return tuple(columns)


def beside(frame: pd.DataFrame, asked: Asked, answers: Sequence[pa.Table]) -> geopandas.GeoDataFrame:
    """Return a frame with the answers for all its rows in more columns; a table without geometries gets points, in WGS 84."""
    table = pa.concat_tables(answers) if answers else None
    columns = {name: _column(name, table) for name in _sent(asked.added)}
    _correct(columns, asked.wrong)
    taken = set(frame.columns)
    out = frame.copy(deep=False)
    for name in asked.added:
        out[_free(name, taken)] = columns[name]
    if isinstance(out, geopandas.GeoDataFrame):
        return out
    lon, lat = (columns[name] for name in _POSITION)
    there = ~np.isnan(lon)
    points = np.full(len(lon), None, dtype=object)
    points[there] = shapely.points(lon[there], lat[there])
    geometry = _free("geometry", taken)
    return geopandas.GeoDataFrame(out.assign(**{geometry: geopandas.array.from_shapely(points)}), geometry=geometry, crs=4326)


def _column(name: str, table: pa.Table | None) -> Any:
    """Return a column of answers as ``Locator.locate_frame`` has it: floats with NaN, plain booleans, pandas text."""
    if name in _NUMBERS:
        return np.empty(0) if table is None else table[name].to_numpy().astype(np.float64)
    if name == "on_edge":
        return np.empty(0, bool) if table is None else table[name].fill_null(False).to_numpy().astype(bool)
    found = pa.chunked_array([], pa.string()) if table is None else table[name].cast(pa.string())
    return found.to_pandas().array


def _correct(columns: dict[str, Any], wrong: Mapping[int, Problem]) -> None:
    """Write what is wrong with geometries that are no points, of which the server has seen no coordinates."""
    rows = list(wrong)
    for name, part in (("status", 0), ("reason", 1)):
        if rows and name in columns:
            texts = columns[name].copy()
            texts[rows] = [wrong[row][part] for row in rows]
            columns[name] = texts


def _free(name: str, taken: set[Any]) -> str:
    while name in taken:
        name = _PREFIX + name
    return name
