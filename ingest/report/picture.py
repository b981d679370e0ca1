"""The map picture of a report, as numbers that a template writes down as SVG: outlines of areas, marks, a scale, degrees.

Plate carrée with the aspect ratio that is true in the middle of the picture; up is north.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gisgrid.types import Bounds, Level
from ingest.report.values import Spot, SpotSeverity

WIDTH = 1000.0
_HEIGHTS = (320.0, 760.0)
_MARGIN = 0.04  # of the frame, on each side
_LEAST_DEG = 0.002
_SIMPLER_PX = 0.4
_MOST_LABELS = 40
_MARK_STEP_PX = 1.0  # two marks of one kind nearer than this are drawn as one
_WGS84 = pyproj.Geod(ellps="WGS84")
_ORDER: tuple[SpotSeverity, ...] = ("info", "repair", "warning", "reject", "error")


class Outline(NamedTuple):
    """One area to be drawn: its level, name, and (multi)polygon in longitude and latitude, WGS 84."""

    level: Level
    name: str
    geometry: shapely.Geometry


class Shape(NamedTuple):
    """An area as the ``d`` of an SVG path."""

    level: Level
    name: str
    path: str


class Label(NamedTuple):
    """A name in the picture, pixels."""

    x: float
    y: float
    text: str


class Marks(NamedTuple):
    """The places of one check, pixels; ``title`` is shown under the pointer."""

    severity: SpotSeverity
    code: str
    places: list[tuple[float, float]]


class Tick(NamedTuple):
    """A degree at the frame: ``at`` pixels along it."""

    at: float
    text: str


class Picture(NamedTuple):
    """All that is drawn, in pixels from the upper left corner; ``beyond`` counts spots that lie outside the frame, by check."""

    width: float
    height: float
    shapes: list[Shape]
    labels: list[Label]
    marks: list[Marks]
    scale_px: float
    scale_label: str
    lons: list[Tick]
    lats: list[Tick]
    beyond: dict[str, int]


def draw(outlines: Sequence[Outline], spots: Sequence[Spot], box: Bounds) -> Picture | None:
    """Return the picture of ``spots`` over ``outlines``, None when there is nothing to draw.

    The frame is that of the outlines; without any that of the spots in ``box`` (degrees, WGS 84), or of all if none is in it.
    """
    frame = _frame(outlines, spots, box)
    if frame is None:
        return None
    paper = _Paper(frame)
    inside = [spot for spot in spots if _is_in(spot, frame)]
    beyond = Counter(spot.code for spot in spots if not _is_in(spot, frame))
    scale_m, scale_px = paper.scale()
    return Picture(
        paper.width,
        paper.height,
        shapes=[Shape(area.level, area.name, path) for area in outlines if (path := paper.path(area.geometry))],
        labels=list(_labels(outlines, paper)),
        marks=list(_marks(inside, paper)),
        scale_px=scale_px,
        scale_label=f"{scale_m / 1000:g} km" if scale_m >= 1000 else f"{scale_m:g} m",
        lons=[Tick(paper.x(lon), text) for lon, text in _degrees(frame.west, frame.east, "E", "W")],
        lats=[Tick(paper.y(lat), text) for lat, text in _degrees(frame.south, frame.north, "N", "S")],
        beyond=dict(beyond.most_common()),
    )


def _frame(outlines: Sequence[Outline], spots: Sequence[Spot], box: Bounds) -> Bounds | None:
    """Return the part of the world to be shown, with a margin; None when there is nothing to show."""
    shapes = [area.geometry for area in outlines if area.geometry is not None and not area.geometry.is_empty]
    if shapes:
        west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object)).tolist()
    elif spots:
        near = [spot for spot in spots if _is_in(spot, box)] or spots
        lon, lat = [spot.lon for spot in near], [spot.lat for spot in near]
        west, south, east, north = min(lon), min(lat), max(lon), max(lat)
    else:
        return None
    wide, high = max((east - west) * _MARGIN, _LEAST_DEG), max((north - south) * _MARGIN, _LEAST_DEG)
    return Bounds(west - wide, max(south - high, -90.0), east + wide, min(north + high, 90.0))


def _is_in(spot: Spot, box: Bounds) -> bool:
    return box.west <= spot.lon <= box.east and box.south <= spot.lat <= box.north


class _Paper:
    """Degrees to pixels: the frame as large as fits, in the middle."""

    def __init__(self, frame: Bounds) -> None:
        self._middle = (frame.west + frame.east) / 2, (frame.south + frame.north) / 2
        squeeze = max(_metres(*self._middle, east=True) / _metres(*self._middle, east=False), 0.01)
        wide, high = (frame.east - frame.west) * squeeze, frame.north - frame.south
        self.width = WIDTH
        self.height = round(min(max(WIDTH * high / wide, _HEIGHTS[0]), _HEIGHTS[1]), 1)
        self._per_lat = min(self.width / wide, self.height / high)
        self._per_lon = self._per_lat * squeeze

    def x(self, lon: float) -> float:
        return round(self.width / 2 + (lon - self._middle[0]) * self._per_lon, 1)

    def y(self, lat: float) -> float:
        return round(self.height / 2 - (lat - self._middle[1]) * self._per_lat, 1)

    def _pixels(self, degrees: NDArray[Any]) -> NDArray[Any]:
        away = (degrees - self._middle) * (self._per_lon, -self._per_lat)
        return np.asarray(np.array([self.width / 2, self.height / 2]) + away)

    def path(self, geometry: shapely.Geometry | None) -> str:
        """Return the rings of a polygon as path data, without detail that no eye sees."""
        if geometry is None or geometry.is_empty:
            return ""
        simple = shapely.simplify(shapely.transform(geometry, self._pixels), _SIMPLER_PX)
        rings = shapely.get_rings(shapely.get_parts(simple))
        return "".join(_ring(np.round(shapely.get_coordinates(ring)[:-1], 1).tolist()) for ring in rings)

    def scale(self) -> tuple[float, float]:
        """Return a round length in metres, and its pixels, for a bar of a fifth of the picture at most."""
        lon, lat = self._middle
        metre_px = self._per_lat * 0.001 / _metres(lon, lat, east=False)
        length = _round_down(self.width / 5 / metre_px)
        return length, round(length * metre_px, 1)


def _metres(lon: float, lat: float, *, east: bool) -> float:
    """Return the length of a thousandth of a degree, eastward or northward."""
    lon_half, lat_half = (0.0005, 0.0) if east else (0.0, 0.0005)
    return float(_WGS84.inv(lon - lon_half, lat - lat_half, lon + lon_half, lat + lat_half)[2])


def _ring(points: list[list[float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points) + "Z"


def _round_down(value: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50 and so on that is not above ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (5, 2, 1) if step * power <= value * (1 + 1e-9))


def _degrees(low: float, high: float, positive: str, negative: str) -> Iterator[tuple[float, str]]:
    """Yield three to eight round degrees between ``low`` and ``high``, with their names."""
    step = _round_down((high - low) / 3)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        value = number * step
        side = positive if value > 0 else negative if value < 0 else ""
        yield value, f"{abs(value):.{digits}f}° {side}".rstrip()


def _labels(outlines: Sequence[Outline], paper: _Paper) -> Iterator[Label]:
    """Yield the names of the finest level of which there are few enough for names to be read."""
    for level in ("grid", "community", "street", "district"):
        named = [area for area in outlines if area.level == level and area.name and area.geometry is not None]
        if 0 < len(named) <= _MOST_LABELS:
            for area in named:
                place = shapely.point_on_surface(area.geometry)
                yield Label(paper.x(place.x), paper.y(place.y), area.name)
            return


def _marks(spots: Sequence[Spot], paper: _Paper) -> Iterator[Marks]:
    """Yield the places of each check in the order of drawing: what matters most is on top."""
    found: dict[tuple[SpotSeverity, str], dict[tuple[int, int], tuple[float, float]]] = {}
    for spot in spots:
        x, y = paper.x(spot.lon), paper.y(spot.lat)
        cell = round(x / _MARK_STEP_PX), round(y / _MARK_STEP_PX)
        found.setdefault((spot.severity, spot.code), {}).setdefault(cell, (x, y))
    for severity, code in sorted(found, key=lambda key: (_ORDER.index(key[0]), key[1])):
        yield Marks(severity, code, list(found[severity, code].values()))
