"""One position at a time: where it lies, with how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property, partial

import numpy as np

from gisgrid.crs import WGS84, check_point
from gisgrid.errors import ParameterError
from gisgrid.locator.boundary import Boundary
from gisgrid.locator.doubt import Doubt, Doubtful
from gisgrid.locator.edges import Flags
from gisgrid.locator.files import About, Contents
from gisgrid.locator.ground import METRES_PER_DEGREE_LAT_LEAST, metres_per_degree
from gisgrid.locator.hierarchy import Chain, Hierarchy
from gisgrid.locator.raster import OUTSIDE
from gisgrid.types import AreaRef, Level, Location, ResponsibleUnit, Status

Roles = Mapping[tuple[Level, str], ResponsibleUnit]
"""The responsible unit that was named for an area, by level and code."""


class PointLocator:
    """What a ``Locator`` answers about one position."""

    def __init__(self, hierarchy: Hierarchy, boundary: Boundary, roles: Roles, doubt_m: float, about: About | None = None) -> None:
        self._hierarchy, self._boundary = hierarchy, boundary
        self.about = about or About()
        self._grids = hierarchy.grids
        self._farthest_lat = self._grids.farthest_lat
        self._doubt_m, self._doubt_deg = doubt_m, _reach_deg(self._farthest_lat, doubt_m)
        self._roles = roles
        # Not a method of this one: in a circle of references what an edit has replaced would wait for the collector.
        self._reach_deg = partial(_reach_deg, self._farthest_lat)
        self._doubt = Doubt(self._grids, boundary, self._reach_deg)
        self._chains = tuple(hierarchy.chain_of_grid(number) for number in range(len(self._grids)))
        self._units = tuple(self._unit(ref, chain) if chain else None for ref, chain in zip(self._grids.refs, self._chains, strict=True))

    @property
    def _contents(self) -> Contents:
        return Contents(self._hierarchy, self._boundary, self._roles, self._doubt_m, self.about)

    def locate(self, lon: float, lat: float, accuracy_m: float | None = None) -> Location:
        """Return where a point lies: degrees, WGS 84; ``accuracy_m`` is the radius of its uncertainty, metres.

        A point that PostGIS's arithmetic puts in no grid although it is on the edge of some is ``outside`` like any other,
        with those grids as candidates at distance 0: the code is the one that ``ST_Covers`` gives, always.

        Raises ParameterError for what is no position (no number, out of range, exchanged) and for an accuracy that is no distance.

        >>> import shapely
        >>> from gisgrid.locator import AreaTable, Locator
        >>> locator = Locator.from_areas({"grid": AreaTable(["01"], ["West"], [None], np.array([shapely.box(0, 0, 1, 1)]))})
        >>> found = locator.locate(0.5, 0.001, accuracy_m=110.6)
        >>> found.status, found.grid.code, round(found.distance_to_edge_m, 1)
        ('inside', '01', 110.6)
        """
        try:
            # Compared as they are: text is no number, even of digits.
            is_position = -180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0
            lon, lat = float(lon), float(lat)
        except (TypeError, ValueError, OverflowError):
            raise ParameterError("lon", f"{lon!r}, {lat!r} is no position.", "two numbers, degrees") from None
        if not is_position:
            check_point(WGS84, lon, lat)
        numbers, on_edge = self._grids.covering(lon, lat)
        reach_m = self._reach_m(accuracy_m)
        if not numbers:
            return self._outside(lon, lat, reach_m, accuracy_m or None)
        number = numbers[0]
        ref, chain, unit = self._grids.refs[number], self._chains[number], self._units[number]
        if chain is None:
            chain = self._hierarchy.chain_at(lon, lat, self._grids.parent_codes[number])
            unit = self._unit(ref, chain)
        distance_m = self._boundary.distance_m(number, lon, lat)
        status: Status = "edge" if on_edge else "inside"
        if distance_m > reach_m and not on_edge and not self._crowded_list[number]:
            doubtful = self._doubt.certain(number, circle=bool(accuracy_m))
        else:
            doubtful = self._doubt.around(lon, lat, numbers, reach_m, accuracy_m or None)
        candidates, outside_share = doubtful
        return Location(lon, lat, status, *chain, ref, distance_m, on_edge, candidates, None, unit, outside_share)

    def inside(self, number: int) -> Location | None:
        """Return the answer for points well inside grid ``number``, with position and distance left open (NaN).

        None when the areas above the grid depend on the point.
        """
        chain = self._chains[number]
        if chain is None:
            return None
        nan, alone = math.nan, (self._doubt.alone(number),)
        return Location(nan, nan, "inside", *chain, self._grids.refs[number], nan, False, alone, None, self._units[number])

    def well_inside(self, lon: float, lat: float) -> tuple[int, float] | None:
        """Return the number of the grid that a point lies in, and the distance to its edge in metres, where that is all there is to say.

        The answer of ``locate`` is then that of ``inside`` with this position and distance. None near an edge, and where the areas
        above the grid depend on the point: there ``locate`` must be asked.
        """
        numbers, on_edge = self._grids.covering(lon, lat)
        if not numbers or on_edge:
            return None
        number = numbers[0]
        distance_m = self._boundary.distance_m(number, lon, lat)
        if distance_m <= self._doubt_m or self._crowded_list[number] or self._chains[number] is None:
            return None
        return number, distance_m

    def _outside(self, lon: float, lat: float, reach_m: float, radius_m: float | None) -> Location:
        chain = self._hierarchy.chain_at(lon, lat, None)
        unit = self._unit(None, chain)
        found = self._boundary.nearest(lon, lat, is_clear=self._grids.cell_value(lon, lat) == OUTSIDE)
        candidates, outside_share = Doubtful((), None if radius_m is None else 1.0)
        if not found:
            return Location(lon, lat, "outside", *chain, None, None, False, candidates, None, unit, outside_share)
        number, distance_m = found[0]
        nearest = self._doubt.alone(number)._replace(distance_m=distance_m)
        if distance_m <= reach_m:
            candidates, outside_share = self._doubt.around(lon, lat, (), reach_m, radius_m)
        return Location(lon, lat, "outside", *chain, None, distance_m, False, candidates, nearest, unit, outside_share)

    @cached_property
    def _crowded(self) -> Flags:
        """Flags the grids within which there may be another one, and one entry more, for points in none."""
        return np.append(self._boundary.coverage.crowded, False)

    @cached_property
    def _crowded_list(self) -> list[bool]:
        crowded: list[bool] = self._crowded.tolist()
        return crowded

    def _reach_m(self, accuracy_m: float | None) -> float:
        """Return the distance within which grids are candidates; raises ParameterError for what is no distance."""
        if accuracy_m is None:
            return self._doubt_m
        if not 0.0 <= accuracy_m < math.inf:
            raise ParameterError("accuracy_m", f"{accuracy_m} is not a distance.", "metres, 0 or more")
        return max(self._doubt_m, accuracy_m)

    def _unit(self, grid: AreaRef | None, chain: Chain) -> ResponsibleUnit | None:
        """Return the unit named for the grid, else for the smallest area around it for which one is named."""
        named: tuple[tuple[Level, AreaRef | None], ...] = (
            ("grid", grid),
            ("community", chain.community),
            ("street", chain.street),
            ("district", chain.district),
        )
        for level, ref in named:
            unit = self._roles.get((level, ref.code)) if ref else None
            if unit is not None:
                return unit
        return None


def _reach_deg(farthest_lat: float, reach_m: float) -> tuple[float, float]:
    """Return at least as many degrees of longitude and latitude as make ``reach_m`` metres nearer to the equator than ``farthest_lat``."""
    per_lon, _ = metres_per_degree(min(farthest_lat + reach_m / METRES_PER_DEGREE_LAT_LEAST, 89.9))
    return 1.001 * reach_m / per_lon, 1.001 * reach_m / METRES_PER_DEGREE_LAT_LEAST
