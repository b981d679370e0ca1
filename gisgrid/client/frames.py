"""Frames in, frames out: which places the rows of a frame ask about, and the answers as more columns beside them.

The columns are those of ``gisgrid batch`` and of ``Locator.locate_frame``. Only who brings a frame imports this module, and
GeoPandas with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gisgrid.client.answers import NotLocated
from gisgrid.client.calls import Coordinate, Place
from gisgrid.errors import CrsError, ParameterError
from gisgrid.types import AreaRef, Location

AREAS = ("grid", "community", "street", "district")

COLUMNS = (
    *("status", *(name for area in AREAS for name in (area, f"{area}_name")), "distance_to_edge_m", "on_edge"),
    *("candidates", "nearest", "nearest_distance_m", "responsible_unit", "wgs84_lon", "wgs84_lat", "reason"),
)
"""The columns that can be added, in order."""

_POSITION = ("wgs84_lon", "wgs84_lat")
_NUMBERS = ("distance_to_edge_m", "nearest_distance_m", *_POSITION)
_NOTHING = ("", "-", "nan", "none", "null", "无")
_PREFIX = "gisgrid_"
_POINT = "Point"

Problem = tuple[str, str]
"""Status and reason of a row that has no answer."""


class Asked(NamedTuple):
    """What the rows of a frame ask: their places in ``crs``, one for each row that has one; ``wrong`` tells of the others, by number."""

    places: Sequence[Place]
    crs: str
    wrong: Mapping[int, Problem]


def asked_of(frame: pd.DataFrame, crs: str | None, default_crs: str | None, names: tuple[str, str]) -> Asked:
    """Return what the rows of a frame ask: its points in their own coordinate system, or its two columns ``names`` in ``crs``.

    Raises CrsError where no coordinate system is named, ParameterError for columns that are not there and for what is no frame.
    """
    if isinstance(frame, geopandas.GeoDataFrame):
        return _of_points(frame, crs, default_crs)
    if not isinstance(frame, pd.DataFrame):
        raise ParameterError("frame", f"{type(frame).__name__} is no table of points.", "a GeoDataFrame of points, or a DataFrame")
    return _of_columns(frame, crs or default_crs, names)


def _of_points(frame: geopandas.GeoDataFrame, crs: str | None, default_crs: str | None) -> Asked:
    points, system = frame.geometry, crs or default_crs
    if crs is None and frame.crs is not None:
        system = _number_of(frame.crs)
        if system is None:  # without a number the server cannot know it
            points, system = points.to_crs(4326), "wgs84"
    if system is None:
        raise CrsError("the frame does not say its coordinate system, and none is assumed.", "crs here, or for the whole client")
    wrong: dict[int, Problem] = {}
    places: list[Place] = []
    for row, point in enumerate(points):
        problem = _problem_of(point)
        if problem is None:
            places.append((float(point.x), float(point.y)))
        else:
            wrong[row] = problem
    return Asked(places, system, wrong)


def _number_of(system: Any) -> str | None:
    """Return the name under which a server knows a pyproj CRS; None when it has no number of its own, or more than two axes."""
    authority = system.to_authority()
    if authority == ("OGC", "CRS84"):
        return "wgs84"
    if authority is None or authority[0] != "EPSG" or len(system.axis_info) != 2:
        return None
    return f"EPSG:{authority[1]}"


def _problem_of(point: Any) -> Problem | None:
    if point is None or point.is_empty:
        return ("no_coordinates", f"the geometry is {'missing' if point is None else 'empty'}.")
    if point.geom_type != _POINT:
        return ("invalid", f"the geometry is a {point.geom_type.lower()}, not a point.")
    if math.isnan(point.x) or math.isnan(point.y):
        return ("no_coordinates", "the geometry is empty.")
    return _nowhere(point.x, point.y)


def _nowhere(first: float, second: float) -> Problem | None:
    return ("no_coordinates", "0, 0 stands for no position.") if first == 0.0 and second == 0.0 else None


def _of_columns(frame: pd.DataFrame, crs: str | None, names: tuple[str, str]) -> Asked:
    if crs is None:
        raise CrsError("no coordinate system is given, and none is assumed.", "crs here, or for the whole client: Client(crs='gcj02')")
    for option, name in zip(("lon", "lat"), names, strict=True):
        if name not in frame.columns:
            raise ParameterError(
                option, f"there is no column {name!r}.", f"one of the columns there are: {', '.join(map(str, frame.columns))}"
            )
    wrong: dict[int, Problem] = {}
    places: list[Place] = []
    for row, cells in enumerate(zip(frame[names[0]].tolist(), frame[names[1]].tolist(), strict=True)):
        first, second = (_number(cell) for cell in cells)
        problem = _cell_problem(names, (first, second))
        if problem is None:
            places.append((first, second))
        else:
            wrong[row] = problem
    return Asked(places, crs, wrong)


def _number(cell: Any) -> Coordinate:
    """Return a cell as a number, None where it says nothing, the text itself where it is none."""
    text = str(cell).strip()
    if text.casefold() in (*_NOTHING, "<na>", "nat"):
        return None
    try:
        return float(cell)
    except (TypeError, ValueError):
        return text


def _cell_problem(names: tuple[str, str], cells: tuple[Coordinate, Coordinate]) -> Problem | None:
    for name, cell in zip(names, cells, strict=True):
        if isinstance(cell, str):
            return ("invalid", f"{name}: {cell[:60]!r} is not a number.")
    lost = [name for name, cell in zip(names, cells, strict=True) if cell is None]
    if lost:
        return ("no_coordinates", f"{' and '.join(lost)} {'are' if len(lost) > 1 else 'is'} empty.")
    return _nowhere(float(cells[0] or 0.0), float(cells[1] or 0.0))


def chosen(columns: Sequence[str] | None) -> tuple[str, ...]:
    """Return the columns to add: those wanted, in that order, or all; raises ParameterError for one that there is not, or twice."""
    if columns is None:
        return COLUMNS
    if isinstance(columns, str) or not columns:
        raise ParameterError("columns", "is no list of columns.", f"a list of any of {', '.join(COLUMNS)}")
    for place, name in enumerate(columns):
        if name not in COLUMNS or name in columns[:place]:
            problem = f"{name!r} is there twice." if name in COLUMNS else f"there is no column {name!r} to add."
            raise ParameterError("columns", problem, f"any of {', '.join(COLUMNS)}")
    return tuple(columns)


class Sheet:
    """The added columns while answers come in: ``take`` one for each place that was asked for, in order, then ``beside`` the frame."""

    def __init__(self, columns: Sequence[str], wrong: Mapping[int, Problem]) -> None:
        self._columns = columns
        self._values: dict[str, list[Any]] = {name: [] for name in (*columns, *_POSITION)}
        self._wrong = wrong
        self._rows = 0
        # Of a million rows most name the same few areas.
        self._texts: dict[str, str] = {}

    def take(self, answer: Location | NotLocated) -> None:
        """Take the answer for the next place."""
        self._skip()
        self._put({"status": "invalid", "reason": _reason(answer)} if isinstance(answer, NotLocated) else _row(answer))

    def _skip(self) -> None:
        while self._rows in self._wrong:
            status, reason = self._wrong[self._rows]
            self._put({"status": status, "reason": reason})

    def _put(self, row: Mapping[str, Any]) -> None:
        for name, values in self._values.items():
            value = row.get(name)
            values.append(self._texts.setdefault(value, value) if isinstance(value, str) else value)
        self._rows += 1

    def beside(self, frame: pd.DataFrame) -> geopandas.GeoDataFrame:
        """Return the frame with the columns at its right; a table without geometries gets points, in WGS 84."""
        self._skip()
        taken = set(frame.columns)
        out = frame.copy(deep=False)
        for name in self._columns:
            out[_free(name, taken)] = _column(name, self._values[name])
        if isinstance(out, geopandas.GeoDataFrame):
            return out
        geometry = _free("geometry", taken)
        return geopandas.GeoDataFrame(out.assign(**{geometry: self._points()}), geometry=geometry, crs=4326)

    def _points(self) -> Any:
        places = zip(*(self._values[name] for name in _POSITION), strict=True)
        return geopandas.array.from_shapely([None if lon is None else shapely.Point(lon, lat) for lon, lat in places])


def _row(location: Location) -> dict[str, Any]:
    """Return the columns of an answer; those that say nothing are left out."""
    row: dict[str, Any] = {
        "status": location.status,
        "distance_to_edge_m": location.distance_to_edge_m,
        "on_edge": location.on_edge,
        "candidates": ";".join(candidate.code for candidate in location.candidates),
        "wgs84_lon": location.lon,
        "wgs84_lat": location.lat,
    }
    for level in AREAS:
        area: AreaRef | None = getattr(location, level)
        if area is not None:
            row[level], row[f"{level}_name"] = area
    if location.nearest is not None:
        row["nearest"], row["nearest_distance_m"] = location.nearest.code, location.nearest.distance_m
    if location.responsible_unit is not None:
        row["responsible_unit"] = location.responsible_unit.code
    return row


def _reason(problem: NotLocated) -> str:
    """Return what is wrong with a place, without what would be right: a column has no room for that."""
    return problem.message.removesuffix(f" Expected {problem.document.get('expected')}.")


def _column(name: str, values: list[Any]) -> Any:
    """Return a column as ``Locator.locate_frame`` has it: floats with NaN, plain booleans, pandas text."""
    if name in _NUMBERS:
        return np.array(values, dtype=np.float64)
    if name == "on_edge":
        return np.array([bool(value) for value in values], dtype=bool)
    return pa.array(values, pa.string()).to_pandas().array


def _free(name: str, taken: set[Any]) -> str:
    while name in taken:
        name = _PREFIX + name
    return name
