"""Positions by the million: arrays in, arrays out, the same answers as for one position at a time."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gisgrid.crs import CGCS2000, WGS84
from gisgrid.errors import ParameterError
from gisgrid.locator.areas import Covered
from gisgrid.locator.chunks import in_pieces
from gisgrid.locator.doubt import Circles
from gisgrid.locator.edges import Flags, Floats, Ints, Longs
from gisgrid.locator.others import OtherAreas, Others
from gisgrid.locator.single import PointLocator
from gisgrid.locator.systems import AnyCrs, given_system, lonlat
from gisgrid.types import Location

_SLACK_M = 1e-6


class Located(NamedTuple):
    """The answers for many points, arrays of their shape.

    ``number`` is the grid's number (-1: none), see ``Locator.grid_codes``; ``on_edge`` whether the point is on an edge;
    ``in_doubt`` whether ``locate`` may name a second candidate, or the point is in no grid; ``distance_to_edge_m`` the
    distance to the boundary of the grid, NaN where there is none; None when it was not asked for.
    """

    number: Ints
    on_edge: Flags
    in_doubt: Flags
    distance_to_edge_m: Floats | None


class ArrayLocator(PointLocator):
    """What a ``Locator`` answers about arrays of positions."""

    def grid_codes(self) -> list[str]:
        """Return the codes of the grids by number, ascending."""
        return [ref.code for ref in self._grids.refs]

    def grid_codes_at(self, lon: ArrayLike, lat: ArrayLike) -> list[str | None]:
        """Return the code of the grid of each point of one-dimensional arrays, None where there is none."""
        codes = [*self.grid_codes(), None]
        return [codes[number] for number in self.grid_indices(lon, lat).tolist()]

    def grid_indices(self, first: ArrayLike, second: ArrayLike, crs: AnyCrs = WGS84, *, parallel: bool = True) -> Ints:
        """Return the number of the grid of each point, -1 where there is none (or what it has is no position); the same shape out.

        ``first`` and ``second`` are longitude and latitude in ``crs``, easting and northing in a projected one, by default degrees,
        WGS 84; arrays of any one shape, or of shapes that NumPy broadcasts. Long arrays go to a few threads unless ``parallel`` is False;
        the answers are the same. Raises CrsError for an unknown system.

        >>> import shapely
        >>> from gisgrid.locator import AreaTable, Locator
        >>> locator = Locator.from_areas({"grid": AreaTable(["01"], ["West"], [None], np.array([shapely.box(0, 0, 1, 1)]))})
        >>> locator.grid_indices([0.5, 1.5, np.nan], [0.5, 0.5, 0.5]).tolist()
        [0, -1, -1]
        """
        system = given_system(crs)
        x, y = _floats(first, second)
        number, on_edge = np.empty(x.shape, np.int32), np.zeros(x.shape, bool)
        flat_x, flat_y, flat_number, flat_edge = x.reshape(-1), y.reshape(-1), number.reshape(-1), on_edge.reshape(-1)

        def work(piece: slice) -> None:
            lon, lat = flat_x[piece], flat_y[piece]
            if system not in (WGS84, CGCS2000):
                lon, lat = lonlat(system, lon, lat)
            self._grids.cover(lon, lat, flat_number[piece], flat_edge[piece])

        in_pieces(work, x.size, parallel=parallel)
        return number

    def covering_many(self, lon: ArrayLike, lat: ArrayLike) -> Covered:
        """Return for arrays of points (degrees, WGS 84; any one shape) the number of each one's grid, and whether it is on an edge."""
        return self._grids.covering_many(*_floats(lon, lat))

    def locate_many(self, lon: ArrayLike, lat: ArrayLike, *, distances: bool = True, accuracy_m: ArrayLike | None = None) -> Located:
        """Return for arrays of points (degrees, WGS 84) what ``locate`` says of each; ``distances`` costs the most.

        With ``accuracy_m``, metres, one for all or one for each (NaN where none is given), ``in_doubt`` marks the rows whose
        circle leaves their grid, and some more to be safe; what is no distance is marked too. All others have one
        candidate, whose share is 1. It needs the distances, which are then returned in any case. Arrays of any one shape in, the
        same shape out; NaN is in no grid. No row raises.

        >>> import shapely
        >>> from gisgrid.locator import AreaTable, Locator
        >>> locator = Locator.from_areas({"grid": AreaTable(["01"], ["West"], [None], np.array([shapely.box(0, 0, 1, 1)]))})
        >>> found = locator.locate_many([0.5, 1.0], [0.001, 0.5])
        >>> found.number.tolist(), found.on_edge.tolist(), found.distance_to_edge_m.round(1).tolist()
        ([0, 0], [False, True], [110.6, 0.0])
        """
        x, y = _floats(lon, lat)
        number, on_edge = self._grids.covering_many(x, y)
        in_doubt = on_edge | (number < 0)
        if not distances and accuracy_m is None:
            in_doubt |= ~self._grids.plain_around_many(x, y, *self._doubt_deg)
            return Located(number, on_edge, in_doubt, None)
        distance = self._boundary.distances_m(number.ravel(), x.ravel(), y.ravel()).reshape(x.shape)
        reach = self._doubt_m if accuracy_m is None else _reaches(accuracy_m, self._doubt_m)
        # Said so that NaN counts as doubt.
        in_doubt |= ~(distance > reach + _SLACK_M)
        if self._crowded.any():
            in_doubt |= self._crowded[number]
        return Located(number, on_edge, in_doubt, distance)

    def outside_many(self, lon: Floats, lat: Floats) -> list[Location | None]:
        """Return for points that are in no grid what ``locate`` says; None for those that it must be asked about.

        Those lie in an area of another level, within doubt of a grid, or far away.
        """
        number, distance, sure = self.nearest_outside_many(lon, lat)
        answers: list[Location | None] = []
        for is_sure, k, far, x, y in zip(sure.tolist(), number.tolist(), distance.tolist(), lon.tolist(), lat.tolist(), strict=True):
            nearest = self._doubt.alone(k)._replace(distance_m=far) if is_sure else None
            answers.append(Location(x, y, "outside", None, None, None, None, far, False, (), nearest, None) if nearest else None)
        return answers

    def nearest_outside_many(self, lon: Floats, lat: Floats) -> tuple[Longs, Floats, Flags]:
        """Return for points that are in no grid the number of the nearest one, how far it is in metres, and whether that is all.

        Where it is not (the third is False), ``locate`` must be asked: an area of another level covers the point, it is within doubt
        of a grid, or far away.
        """
        number, distance = self._boundary.nearest_many(lon, lat, self._grids.is_clear_many(lon, lat))
        with np.errstate(invalid="ignore"):
            return number, distance, self._hierarchy.is_in_none_many(lon, lat) & (distance > self._doubt_m)

    def others_many(self, number: Ints, lon: Floats, lat: Floats) -> Others:
        """Return for points, each in grid ``number`` and on no edge, the other grids that ``locate`` names as candidates.

        One-dimensional arrays of the same length, degrees, WGS 84. Without an accuracy, that is: those within ``doubt_m``.
        """
        return self._others.within(self._doubt_m, self._doubt_deg, number, lon, lat)

    def circles_many(self, number: Ints, lon: Floats, lat: Floats, accuracy_m: Floats) -> Circles:
        """Return for points, each in grid ``number`` and on no edge, the candidates and shares that ``locate`` names with an accuracy.

        One-dimensional arrays of the same length: degrees, WGS 84, and the radius of each position's circle, metres, more than 0.
        """
        reach = np.maximum(accuracy_m, self._doubt_m)
        # A degree of longitude is shortest within the widest reach.
        widest = float(reach.max(initial=self._doubt_m))
        east, north = (reach * (one / widest) for one in self._reach_deg(widest)) if widest else (reach, reach)
        return self._doubt.around_many(self._others.within(reach, (east, north), number, lon, lat), number, lon, lat, accuracy_m)

    @cached_property
    def _others(self) -> OtherAreas:
        return OtherAreas(self._grids)


def _reaches(accuracy_m: ArrayLike, doubt_m: float) -> Floats:
    """Return within how many metres of each position there is doubt; NaN for accuracies that are no distance."""
    radius = np.asarray(accuracy_m, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        wrong = (radius < 0.0) | np.isinf(radius)
    return np.where(wrong, np.nan, np.fmax(radius, doubt_m))


def _floats(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    try:
        x, y = np.ascontiguousarray(lon, dtype=np.float64), np.ascontiguousarray(lat, dtype=np.float64)
    except (TypeError, ValueError):
        raise ParameterError("lon, lat", "they hold what is no number.", "arrays of numbers") from None
    # ascontiguousarray makes one dimension of none.
    x, y = x.reshape(np.shape(lon)), y.reshape(np.shape(lat))
    if x.shape != y.shape:
        try:
            x, y = (np.ascontiguousarray(part) for part in np.broadcast_arrays(x, y))
        except ValueError:
            raise ParameterError("lat", f"its shape is {y.shape}, that of lon {x.shape}.", "as many of the one as of the other") from None
    return x, y
