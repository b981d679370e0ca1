"""The ground that a gazetteer stands on: a plane in metres around a city, and the areas that places lie in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.locator import Locator
from gisgrid.locator.ground import metres_per_degree

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

FAR_M = 1e6
"""The distance to the edge of a grid where there is no grid: nothing near it is doubtful."""


class Plane(NamedTuple):
    """Degrees (WGS 84) scaled to metres around a point: within half a per cent up to 30 km away, which is enough for roads and doors."""

    lon: float
    lat: float
    per_lon: float
    per_lat: float

    @classmethod
    def at(cls, lon: float, lat: float) -> Plane:
        """Return the plane around a point, degrees."""
        return cls(lon, lat, *metres_per_degree(lat))

    def xy(self, degrees: Any) -> Floats:
        """Return metres for an array (n, 2) of longitudes and latitudes."""
        return (np.asarray(degrees, dtype=np.float64) - (self.lon, self.lat)) * (self.per_lon, self.per_lat)

    def degrees(self, xy: Any) -> Floats:
        """Return longitudes and latitudes for an array (n, 2) of metres."""
        return np.asarray(xy, dtype=np.float64) / (self.per_lon, self.per_lat) + (self.lon, self.lat)

    def shapes(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Return geometries in metres for geometries in degrees."""
        moved: NDArray[Any] = shapely.transform(shapes, self.xy)
        return moved


class Spot(NamedTuple):
    """Where something is: degrees, WGS 84, and a radius in metres within which all of it lies.

    ``grid`` is the number of its grid in the locator, -1 for none; ``edge_m`` how far it is to the edge of that grid; ``share`` how much
    of it, or of where it may be, lies in that grid. ``layer``, ``id`` and ``code`` name the feature.
    """

    lon: float
    lat: float
    radius_m: float
    grid: int = -1
    edge_m: float = FAR_M
    share: float = 1.0
    layer: str = ""
    id: int | None = None
    code: str = ""


class Candidates(NamedTuple):
    """Places where something may be: metres (n, 2), degrees (n, 2), and the number of the grid of each, -1 for none."""

    xy: Floats
    degrees: Floats
    numbers: Longs


class Ground:
    """The areas of a city as far as a gazetteer asks for them; without a locator every place is in none."""

    def __init__(self, plane: Plane, locator: Locator | None) -> None:
        self.plane, self._locator = plane, locator
        self._codes: dict[int, frozenset[str]] = {-1: frozenset()}

    def grids(self, degrees: Floats) -> tuple[list[int], list[float]]:
        """Return for points (n, 2) the number of each one's grid and the distance to its edge, metres."""
        if self._locator is None or not len(degrees):
            return [-1] * len(degrees), [FAR_M] * len(degrees)
        found = self._locator.locate_many(degrees[:, 0], degrees[:, 1])
        away = found.distance_to_edge_m
        return found.number.tolist(), [FAR_M] * len(degrees) if away is None else np.nan_to_num(away, nan=FAR_M).tolist()

    def grid_numbers(self, degrees: Floats) -> Longs:
        """Return the number of the grid of each point (n, 2), -1 where there is none."""
        if self._locator is None:
            return np.full(len(degrees), -1, np.int64)
        return self._locator.grid_indices(degrees[:, 0], degrees[:, 1], parallel=False).astype(np.int64)

    def spot(self, x: float, y: float, like: Spot) -> Spot:
        """Return the spot at a place in metres of what stands beside another one."""
        degrees = self.plane.degrees([[x, y]])
        (number,), (edge_m,) = self.grids(degrees)
        lon, lat = degrees[0].tolist()
        return Spot(lon, lat, 0.0, number, edge_m, 1.0, like.layer)

    def areas_of(self, spot: Spot) -> frozenset[str]:
        """Return the codes of the areas of all levels that a spot lies in, as far as its grid tells."""
        known = self._codes.get(spot.grid)
        if known is not None:
            return known
        codes = self._areas(spot)
        return self._codes.setdefault(spot.grid, codes)

    def _areas(self, spot: Spot) -> frozenset[str]:
        assert self._locator is not None  # a grid has a number only where there is a locator
        found = self._locator.inside(spot.grid) or self._locator.locate(spot.lon, spot.lat)
        areas = (found.district, found.street, found.community, found.grid)
        return frozenset(area.code for area in areas if area is not None)

    def candidates(self, xy: Floats) -> Candidates:
        """Return places in metres (n, 2) where something may be, with what is needed to choose among them."""
        degrees = self.plane.degrees(xy)
        return Candidates(xy, degrees, self.grid_numbers(degrees))

    def likeliest(self, places: Candidates, within: frozenset[str] = frozenset()) -> Spot | None:
        """Return the spot of one place out of many where something may be, in the grid that holds the most of them, if any does.

        Of the places in that grid it is the one in their midst; its ``share`` is how many of all they are, its radius reaches all.
        With ``within`` only places in areas of these codes count; None when there are none.
        """
        xy, degrees, numbers = places
        if within:
            kept = self._within(places, within)
            if not kept.any():
                return None
            xy, degrees, numbers = xy[kept], degrees[kept], numbers[kept]
        grids, counts = np.unique(numbers, return_counts=True)
        # At the edge of the city a case that is reported here is rather inside; -1 for outside comes first.
        inner = int(grids[0] < 0 < len(grids) - 1)
        at = inner + int(counts[inner:].argmax())
        best = int(grids[at])
        inside = xy if len(grids) == 1 else xy[numbers == best]
        x, y = (inside - inside.mean(axis=0)).T
        chosen = inside[(x * x + y * y).argmin()]
        x, y = (xy - chosen).T
        radius_m = math.sqrt(float((x * x + y * y).max()))
        lon, lat = self.plane.degrees(chosen).tolist()
        share = float(counts[at] / len(xy)) if best >= 0 else 1.0
        return Spot(lon, lat, radius_m, best, 0.0, share)

    def _within(self, places: Candidates, codes: frozenset[str]) -> NDArray[np.bool_]:
        """Return which places lie in one of some areas."""
        grids, first, each = np.unique(places.numbers, return_index=True, return_inverse=True)
        spots = (Spot(lon, lat, 0.0, number) for number, (lon, lat) in zip(grids.tolist(), places.degrees[first].tolist(), strict=True))
        return np.array([bool(codes & self.areas_of(spot)) for spot in spots], bool)[each]


def plane_around(parts: Sequence[Floats]) -> Plane:
    """Return a plane around the middle of points in degrees, given as arrays (n, 2); around 0, 0 when there are none.

    To a hundredth of a degree, so that an edit somewhere does not move the plane, and with it every rounding.
    """
    every = [part for part in parts if len(part)]
    if not every:
        return Plane.at(0.0, 0.0)
    lon, lat = np.nanmedian(np.concatenate(every), axis=0).tolist()
    return Plane.at(round(lon, 2), round(lat, 2))
